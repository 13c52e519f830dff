"""Talking to a ledger over HTTP: one client, its pace, its clock, and what must stay out of every log."""

import sys

# httpx brings a command line of its own, which loads rich and pygments; it does without where that is missing.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
