"""Which company and user a token belongs to, by what any token may read (contract 1.3, 9)."""

from __future__ import annotations

import re

from bexsync.auth.companies import Company
from bexsync.errors import StateProblem
from bexsync.ledgers.bexio.api import Api, Row
from bexsync.ledgers.bexio.reading import NotUnderstood, record_id, row_of, spare_text, text, understood


def ask_for_company(api: Api, claim: str) -> Company:
    """The chart of accounts is there from the first day: the id of its oldest account tells companies apart."""
    name = next((str(row.get("name") or "") for row in api.list("/2.0/company_profile")), "")
    with understood("its accounts"):
        anchors = {record_id(row): _lasting_id(row) for row in api.list("/2.0/accounts")}
    anchor = anchors[min(anchors)] if anchors else ""
    if not anchor and not claim:
        raise StateProblem(
            "bexio shows no accounts, so the company cannot be told from others.",
            "Give the token's user the right to see the accounting.",
        )
    return Company(claim or anchor.replace("-", "")[:16], name, anchor or claim)


def ask_for_user(api: Api) -> tuple[str, str]:
    """Name and mail of the token's user."""
    with understood("the user of the token"):
        me = row_of(api.show("/3.0/users/me"))
        name = " ".join(spare_text(me, key) for key in ("firstname", "lastname")).strip()
        return name, spare_text(me, "email")


def _lasting_id(account: Row) -> str:
    """It becomes part of the name of a file."""
    found = text(account, "uuid")
    if not re.fullmatch(r"[A-Za-z0-9-]{8,64}", found):
        raise NotUnderstood("`uuid` is not the lasting id of an account")
    return found
