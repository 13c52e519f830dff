"""The contracts between bexsync and what it stands between: shop, ledger, state, and the steps that change them."""
