"""The ledgers bexsync can write to."""
