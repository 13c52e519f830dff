"""Opening bexio: the ledger itself, and what is asked before there is a state to open it with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bexsync.auth.companies import Company
from bexsync.auth.service import Identity
from bexsync.config.profile import Profile
from bexsync.errors import BexsyncError, StateProblem
from bexsync.http.client import Client
from bexsync.http.clock import Clock
from bexsync.ledgers.bexio import rights
from bexsync.ledgers.bexio.api import Api
from bexsync.ledgers.bexio.ledger import MOST_IN_FLIGHT, BexioLedger
from bexsync.ledgers.bexio.master import MasterReader, NoMemory
from bexsync.ledgers.bexio.models import LastingAccount, TokenUser
from bexsync.ledgers.bexio.reading import understood
from bexsync.ports.ledger import Ledger, Right
from bexsync.ports.master_data import MasterData
from bexsync.store import Store


def open_ledger(client: Client, profile: Profile, store: Store, clock: Clock) -> Ledger:
    """The ledger of a profile, with what it learns kept in `store`."""
    return BexioLedger(
        Api(client, min(profile.engine.in_flight, MOST_IN_FLIGHT)),
        store,
        clock,
        web_url=profile.ledger.web_url,
        bank_accounts=bool(profile.ledger.bank_accounts or profile.payments.accounts),
        templates=bool(profile.invoices.template or profile.invoices.template_paid),
        orders=profile.orders.enabled,
    )


def ask_identity(client: Client, claim: str) -> Identity:
    """Whose the client's token is; `claim` is the company's id where the token names it."""
    return Identity(ask_company(client, claim), *_ask_user(Api(client)))


def ask_master_data(client: Client, now: datetime) -> tuple[MasterData, Mapping[str, BexsyncError]]:
    """All lists of the company, and why one could not be read."""
    return MasterReader(Api(client), NoMemory(), bank_accounts=True, templates=False).read_anew(now)


def ask_rights(client: Client) -> Mapping[str, Right]:
    """How the rights of the token's user stand, by scope."""
    return rights.ask_rights(Api(client))


def ask_company(client: Client, claim: str) -> Company:
    """The company of the client's token, by what any token may read (contract 1.3, 9).

    The chart of accounts is there from the first day: the id of its oldest account tells companies apart.
    """
    api = Api(client)
    name = next((str(row.get("name") or "") for row in api.list("/2.0/company_profile")), "")
    with understood("its accounts"):
        accounts = [LastingAccount.read(row) for row in api.list("/2.0/accounts")]
    anchor = min(accounts, key=lambda account: account.id).uuid if accounts else ""
    if not anchor and not claim:
        raise StateProblem(
            "bexio shows no accounts, so the company cannot be told from others.",
            "Give the token's user the right to see the accounting.",
        )
    return Company(claim or anchor.replace("-", "")[:16], name, anchor or claim)


def _ask_user(api: Api) -> tuple[str, str]:
    with understood("the user of the token"):
        me = TokenUser.read(api.show("/3.0/users/me"))
    return f"{me.firstname} {me.lastname}".strip(), me.email
