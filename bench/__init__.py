"""Measurements on the sandbox: shares of the request limit, cost of history, requests, memory, start-up."""
