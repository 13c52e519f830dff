"""bexio: what it calls things, what it accepts, and how its answers are read."""

from bexsync.ledgers.bexio.scopes import OPERATIONS, SCOPES
from bexsync.ports.ledger_description import LedgerDescription, LedgerWords, LoginNeeds, RequestLimits

DESCRIPTION = LedgerDescription(
    words=LedgerWords(
        name="bexio",
        accounts_place="Accounting, chart of accounts",
        taxes_place="Settings, taxes",
        currencies_place="Settings, currencies",
        years_place="Settings, business years",
        company_place="Settings",
        rights_place="Settings, users and rights",
        rights_menu="Settings > Users and rights",
        modules_place="Settings, subscription",
        untaxed_code="U00",
        scopes=OPERATIONS,
    ),
    api_url="https://api.bexio.com",
    web_url="https://office.bexio.com",
    login=LoginNeeds(
        issuer="https://auth.bexio.com/realms/bexio",
        portal="developer.bexio.com",
        token_page="developer.bexio.com/pat",  # noqa: S106  an address
        confidential=True,
        company_claim="company_id",
    ),
    scopes=SCOPES,
    limits=RequestLimits({"default": 1000, "items": 400, "search": 250}, window_seconds=60),
)
