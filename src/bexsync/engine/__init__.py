"""Turns plans into effects, exactly once."""
