"""Measurements on the sandbox: requests, waiting, memory, start-up. Ratios within one run, never timed tests."""
