"""Tokens, and which company they open."""
