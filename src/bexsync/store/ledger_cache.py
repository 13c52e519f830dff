"""What was learned about the ledger: facts, master data, and the contact index."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from bexsync.ids import LedgerId
from bexsync.ports.steps import to_wire
from bexsync.ports.store import ContactRow, Database, PostalAddress, Row, Transaction, parse_stored, stored_object
from bexsync.records.folding import alike, contracted, folded, written_out
from bexsync.records.postal_codes import plain_postal_code
from bexsync.store.links import OLDEST_FIRST
from bexsync.store.values import moment, packed, stored


class Facts:
    """Named things learned about the ledger, each with its age."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def get(self, name: str, *, now: datetime | None = None, max_age: timedelta | None = None) -> Any:
        """The value, or None when it is unknown, older than `max_age` or from the future; decimals come as Decimal."""
        row = self._db.row("SELECT * FROM facts WHERE name = ?", name)
        if row is None:
            return None
        if now is not None and max_age is not None:
            age = now - moment(row["learned_at"])
            if not timedelta(0) <= age <= max_age:  # what was learned in the future was dated by a wrong clock
                return None
        return parse_stored(lambda text: json.loads(text, parse_float=Decimal), row["value"])

    def learn(self, name: str, value: Any, now: datetime) -> None:
        """Keeps a value."""
        with self._db.transaction() as db:
            db.execute(
                """INSERT INTO facts VALUES (?, ?, ?)
                   ON CONFLICT (name) DO UPDATE SET value = excluded.value, learned_at = excluded.learned_at""",
                (name, json.dumps(value, default=_number), stored(now)),
            )

    def forget(self, prefix: str) -> None:
        """Drops every fact whose name begins so."""
        with self._db.transaction() as db:
            db.execute("DELETE FROM facts WHERE substr(name, 1, ?) = ?", (len(prefix), prefix))


def _number(value: Any) -> Any:
    """Decimals of master data are short (rates, rounding steps), so their text survives as a JSON number."""
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(type(value).__name__)


_REFUSED_NUMBER = "contact_number:refused:"


class ContactIndex:
    """All contacts of the ledger company, matched here and never by the ledger's own search."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def by_mail(self, mail: str) -> list[ContactRow]:
        """Contacts with this mail in either field; the mail is compared case-folded."""
        mail_key = mail.casefold()
        rows = self._db.rows(
            f"""SELECT * FROM contacts WHERE (mail = ? AND mail <> '') OR (mail_second = ? AND mail_second <> '')
                {OLDEST_FIRST}""",  # noqa: S608
            mail_key,
            mail_key,
        )
        return [_contact(row) for row in rows]

    def by_name(self, name_1: str, name_2: str, postcode: str) -> list[ContactRow]:
        """Contacts with this name and postal code."""
        name = f"{name_1} {name_2}"
        rows = self._db.rows(
            f"SELECT * FROM contacts WHERE name_key IN (?, ?, ?) AND postcode = ? {OLDEST_FIRST}",  # noqa: S608
            name_key(name_1, name_2),
            written_out(name),
            contracted(name),
            plain_postal_code(postcode),
        )
        return [found for row in rows if alike(f"{(found := _contact(row)).name_1} {found.name_2}", name)]

    def get(self, ledger_id: LedgerId) -> ContactRow | None:
        """One contact by its id."""
        row = self._db.row("SELECT * FROM contacts WHERE ledger_id = ?", ledger_id)
        return _contact(row) if row else None

    def by_number(self, nr: int) -> ContactRow | None:
        """The live contact with this number."""
        row = self._db.row(
            f"SELECT * FROM contacts WHERE nr = ? AND nr <> '' AND archived = 0 {OLDEST_FIRST}",  # noqa: S608
            str(nr),
        )
        return _contact(row) if row else None

    def number_is_free(self, nr: int) -> bool:
        """Whether no contact has this number, and the ledger has not refused it."""
        taken = self._db.row("SELECT 1 FROM contacts WHERE nr = ? AND nr <> ''", str(nr))
        refused = self._db.row("SELECT 1 FROM facts WHERE name = ?", f"{_REFUSED_NUMBER}{nr}")
        return taken is None and refused is None

    def refuse_number(self, nr: int, now: datetime) -> None:
        """Notes that the ledger refused this number, though no contact in the index has it."""
        Facts(self._db).learn(f"{_REFUSED_NUMBER}{nr}", True, now)

    def keep(self, contacts: Iterable[ContactRow]) -> None:
        """Adds or replaces contacts; what bexsync wrote there is kept unless a row says it."""
        with self._db.transaction() as db:
            db.executemany(
                """INSERT INTO contacts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '')
                   ON CONFLICT (ledger_id) DO UPDATE SET
                     kind = excluded.kind, name_1 = excluded.name_1, name_2 = excluded.name_2,
                     mail = excluded.mail, mail_second = excluded.mail_second, postcode = excluded.postcode,
                     name_key = excluded.name_key, archived = excluded.archived, updated_at = excluded.updated_at,
                     nr = excluded.nr, details = excluded.details,
                     written = CASE WHEN excluded.written = '{}' THEN contacts.written ELSE excluded.written END""",
                [_columns(contact) for contact in contacts],
            )

    def reported(self, ledger_id: LedgerId) -> str:
        """The digest of the differences between shop and ledger that were last reported of a contact."""
        row = self._db.row("SELECT reported FROM contacts WHERE ledger_id = ?", ledger_id)
        return str(row["reported"]) if row else ""

    def report(self, ledger_id: LedgerId, digest: str) -> None:
        """Notes that these differences were reported."""
        with self._db.transaction() as db:
            db.execute("UPDATE contacts SET reported = ? WHERE ledger_id = ?", (digest, ledger_id))

    def drop_others(self, ledger_ids: Iterable[LedgerId]) -> None:
        """Forgets every contact that a complete listing no longer shows."""
        with self._db.transaction() as db:
            _show(db, ledger_ids)
            db.execute("DELETE FROM contacts WHERE ledger_id NOT IN (SELECT id FROM shown)")

    def restore_others(self, archived: Iterable[LedgerId]) -> None:
        """Whatever a complete listing of archived contacts no longer shows is archived no more."""
        with self._db.transaction() as db:
            _show(db, archived)
            db.execute(
                "UPDATE contacts SET archived = 0 WHERE archived = 1 AND ledger_id NOT IN (SELECT id FROM shown)"
            )

    def forget(self) -> None:
        """Empties the index, so that the next look-up reads everything again."""
        with self._db.transaction() as db:
            db.execute("DELETE FROM contacts")


def _show(db: Transaction, ledger_ids: Iterable[LedgerId]) -> None:
    db.execute("CREATE TEMP TABLE IF NOT EXISTS shown (id TEXT PRIMARY KEY)")
    db.execute("DELETE FROM shown")
    db.executemany("INSERT INTO shown VALUES (?) ON CONFLICT DO NOTHING", [(i,) for i in ledger_ids])


def name_key(name_1: str, name_2: str) -> str:
    """Names compared without regard to case, accents and spacing."""
    return folded(f"{name_1} {name_2}")


_DETAILS = ("language_id", "phone", "phone_mobile", "user_id", "owner_id")


def _columns(contact: ContactRow) -> tuple[Any, ...]:
    details = asdict(contact.address) | {name: getattr(contact, name) for name in _DETAILS}
    return (
        contact.ledger_id,
        contact.kind,
        contact.name_1,
        contact.name_2,
        contact.mail.casefold(),
        contact.mail_second.casefold(),
        plain_postal_code(contact.postcode),
        name_key(contact.name_1, contact.name_2),
        int(contact.archived),
        contact.updated_at,
        contact.nr.lstrip("0"),
        packed({name: to_wire(value) for name, value in details.items() if value not in (None, "")}),
        packed(contact.written),
    )


def _contact(row: Row) -> ContactRow:
    details = stored_object(row["details"])
    address = PostalAddress(
        street=details.get("street", ""),
        house_number=details.get("house_number", ""),
        addition=details.get("addition", ""),
        postcode=details.get("postcode", row["postcode"]),
        city=details.get("city", ""),
        country_id=LedgerId.known(details.get("country_id")),
    )
    return ContactRow(
        ledger_id=LedgerId(row["ledger_id"]),
        kind=row["kind"],
        name_1=row["name_1"],
        name_2=row["name_2"],
        mail=row["mail"],
        mail_second=row["mail_second"],
        archived=bool(row["archived"]),
        updated_at=row["updated_at"],
        nr=row["nr"],
        address=address,
        language_id=LedgerId.known(details.get("language_id")),
        phone=details.get("phone", ""),
        phone_mobile=details.get("phone_mobile", ""),
        user_id=LedgerId.known(details.get("user_id") or None),
        owner_id=LedgerId.known(details.get("owner_id") or None),
        written=stored_object(row["written"]),
    )
