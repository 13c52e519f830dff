"""Talking to a ledger over HTTP: one client, its pace, its clock, and what must stay out of every log."""
