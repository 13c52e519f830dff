"""Decisions as data: pure functions from records, links and rules to plans."""
