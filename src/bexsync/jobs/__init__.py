"""The jobs: each gathers, plans, checks and applies."""
