"""The identity server of the sandbox: logs people in and gives apps tokens, as bexio's realm does."""
