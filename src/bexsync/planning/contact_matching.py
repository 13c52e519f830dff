"""Which contact of the ledger a customer is: by mail with name or address, without a mail by name and place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from bexsync.config.profile import SameMail
from bexsync.errors import RecordProblem
from bexsync.ids import LedgerId
from bexsync.planning.addresses import full_name, is_same_place, one_line
from bexsync.ports.store import PostalAddress
from bexsync.ports.wanted import NewContact, Party
from bexsync.records.folding import alike, contracted, folded
from bexsync.records.postal_codes import plain_postal_code

_MOST_NAMED = 3
_IN_CARE_OF = re.compile(r"(?:^|[\s,])(?:c/o|p\.\s?a\.|per adresse|chez|presso)\s", re.IGNORECASE)


class Candidate(Protocol):
    """What matching needs to know of a contact; `ledger_id` is None where it is still to be created."""

    @property
    def ledger_id(self) -> LedgerId | None: ...
    @property
    def kind(self) -> str: ...
    @property
    def name_1(self) -> str: ...
    @property
    def name_2(self) -> str: ...
    @property
    def archived(self) -> bool: ...
    @property
    def address(self) -> PostalAddress: ...


class NewContacts:
    """The contacts that are still to be created, by mail and by name."""

    def __init__(self) -> None:
        self._by_mail: dict[str, list[NewContact]] = {}
        self._by_name: dict[tuple[str, str], list[NewContact]] = {}

    def add(self, new: NewContact) -> None:
        """Keeps one more."""
        if new.mail:
            self._by_mail.setdefault(new.mail.casefold(), []).append(new)
        self._by_name.setdefault(_name_and_postcode(new.name_1, new.name_2, new.address.postcode), []).append(new)

    def by_mail(self, mail: str) -> Sequence[NewContact]:
        """Those with a mail."""
        return self._by_mail.get(mail.casefold(), ())

    def by_name(self, name_1: str, name_2: str, postcode: str) -> Sequence[NewContact]:
        """Those with a name and postal code."""
        found = self._by_name.get(_name_and_postcode(name_1, name_2, postcode), ())
        return [new for new in found if alike(f"{new.name_1} {new.name_2}", f"{name_1} {name_2}")]


def _name_and_postcode(name_1: str, name_2: str, postcode: str) -> tuple[str, str]:
    return contracted(f"{name_1} {name_2}"), plain_postal_code(postcode)


class Lookup(Protocol):
    """Every contact there is, archived ones and those of this run too."""

    def by_mail(self, mail: str) -> Sequence[Candidate]: ...
    def by_name(self, name_1: str, name_2: str, postcode: str) -> Sequence[Candidate]: ...


@dataclass(frozen=True)
class SoughtContact:
    """A contact that is looked for; `name_1` is the company or the last name, as the ledger has it.

    `shared_mail` is a mail that belongs to the company as well, so that it does not tell who somebody is.
    """

    kind: str
    name_1: str
    name_2: str
    mail: str | None
    addresses: tuple[PostalAddress, ...]
    same_kind_only: bool = False
    shared_mail: str = ""
    field: str = "customer.email"

    @property
    def postcode(self) -> str:
        """The postal code by which it is looked for."""
        return self.addresses[0].postcode if self.addresses else ""

    @property
    def name(self) -> str:
        """The name in the order in which people write it."""
        return full_name(self.name_2, self.name_1)

    @property
    def party(self) -> Party:
        """Who it is."""
        return Party(self.kind, self.name_1, self.name_2, self.mail or "", self.postcode)


@dataclass(frozen=True)
class Match:
    """The contact that fits, if any, and whose mail it is where the mail belongs to another party."""

    found: Candidate | None = None
    others: tuple[Candidate, ...] = ()


def match(
    wanted: SoughtContact,
    lookup: Lookup,
    same_mail: SameMail,
    ledger: str,
    is_anothers: Callable[[Candidate], bool] = lambda _: False,
) -> Match:
    """The one contact that fits; raises RecordProblem when several do, or a person has to say who it is.

    `is_anothers` says which contacts are those of customers whom the shop itself tells apart from this one; of those
    the address is not enough.
    """
    if wanted.mail:
        known = lookup.by_mail(wanted.mail)
        of_kind = [row for row in known if row.kind == wanted.kind]
        fitting = _best(of_kind, wanted, is_anothers)
        if fitting:
            return Match(_only_one(fitting, wanted, f"the mail {wanted.mail}", ledger))
        others = of_kind if wanted.same_kind_only else known
        if others:
            return _another_party(wanted, others, of_kind, same_mail, ledger)
        if not wanted.same_kind_only:
            return Match()
    if wanted.shared_mail:
        namesakes = [row for row in lookup.by_mail(wanted.shared_mail) if row.kind == wanted.kind]
        namesakes = [row for row in namesakes if is_same_name(row, wanted) and not row.archived]
        if len(namesakes) == 1:
            return Match(namesakes[0])
    by_name = [row for row in lookup.by_name(wanted.name_1, wanted.name_2, wanted.postcode) if row.kind == wanted.kind]
    where = f"the name {wanted.name} and postcode {wanted.postcode or '(none)'}"
    return Match(_only_one(_best(by_name, wanted, is_anothers) or by_name, wanted, where, ledger) if by_name else None)


def is_same_name(row: Candidate, wanted: SoughtContact) -> bool:
    """Whether a contact of the same kind has the name; first names may be missing, short, or in the other place."""
    if row.kind == "company":
        return alike(row.name_1, wanted.name_1) or alike(f"{row.name_1} {row.name_2}", wanted.name_1)
    if alike(row.name_1, wanted.name_1):
        return alike(row.name_2, wanted.name_2) or _is_short(row.name_2, wanted.name_2)
    return bool(wanted.name_2) and alike(row.name_1, wanted.name_2) and alike(row.name_2, wanted.name_1)


def described(row: Candidate) -> str:
    """A contact for a sentence."""
    where = one_line(row.address)
    which = f"contact {row.ledger_id}" if row.ledger_id is not None else "new"
    name = full_name(row.name_2, row.name_1) if row.kind == "person" else full_name(row.name_1, row.name_2)
    return f"{name}{f', {where}' if where else ''} ({which})"


def listed(rows: Sequence[Candidate]) -> str:
    """A few contacts for a sentence; a property manager's mail may belong to hundreds."""
    more = f" and {len(rows) - _MOST_NAMED} more" if len(rows) > _MOST_NAMED else ""
    return "; ".join(described(row) for row in rows[:_MOST_NAMED]) + more


def _is_short(one: str, other: str) -> bool:
    """Whether one first name is missing or only the initial of the other."""
    short, long = sorted((folded(one), folded(other)), key=len)
    return len(short) <= 1 and long.startswith(short)


def _is_there(row: Candidate, wanted: SoughtContact) -> bool:
    """Whether the addresses agree; where one is unknown, a person may have another last name than before."""
    if row.address.is_empty or all(address.is_empty for address in wanted.addresses):
        return row.kind == "person" and bool(wanted.name_2) and alike(row.name_2, wanted.name_2)
    if _is_in_care_of(row.address):  # the place of a fiduciary, who may have many such customers
        return False
    return any(is_same_place(row.address, address) for address in wanted.addresses)


def _is_in_care_of(address: PostalAddress) -> bool:
    return any(_IN_CARE_OF.search(text) for text in (address.street, address.addition))


def _best(
    rows: Iterable[Candidate], wanted: SoughtContact, is_anothers: Callable[[Candidate], bool]
) -> list[Candidate]:
    """Those that fit by name and address, else by name, else by address; archived ones only where no other does."""
    fit = [(row, is_same_name(row, wanted), _is_there(row, wanted)) for row in rows]
    for archived in (False, True):
        group = [one for one in fit if one[0].archived is archived]
        for fitting in (
            [row for row, name, place in group if name and place],
            [row for row, name, _ in group if name],
            [row for row, _, place in group if place and not is_anothers(row)],
        ):
            if fitting:
                return fitting
    return []


def _only_one(rows: Sequence[Candidate], wanted: SoughtContact, by: str, ledger: str) -> Candidate:
    candidates = [row for row in rows if not row.archived] or list(rows)
    if len(candidates) == 1:
        return candidates[0]
    raise RecordProblem(
        f"{ledger} has {len(candidates)} contacts with {by} that may be {wanted.name}: {listed(candidates)}.",
        "Correct name, address or mail of the one that is meant, so that only it agrees with the shop. "
        f"Merge them in {ledger} only if both are the same customer.",
        code="contact_ambiguous",
        field="customer",
    )


def _another_party(
    wanted: SoughtContact,
    others: Sequence[Candidate],
    of_kind: Sequence[Candidate],
    same_mail: SameMail,
    ledger: str,
) -> Match:
    """The mail is known, but name and address are another's."""
    if same_mail == "stop":
        address = one_line(wanted.addresses[0]) if wanted.addresses else ""
        raise RecordProblem(
            f"The mail {wanted.mail} belongs to {listed(others)}, "
            f"but the shop has it for {wanted.name}{f', {address}' if address else ''}.",
            f"Correct the mail or the address in the shop or in {ledger}; "
            'or set [contacts] same_mail = "separate" in the profile, for a contact of its own.',
            code="contact_in_question",
            field=wanted.field,
            subject=f"mail:{wanted.mail}",
        )
    if same_mail == "one" and of_kind:
        return Match(_only_one(of_kind, wanted, f"the mail {wanted.mail}", ledger), tuple(others))
    return Match(None, tuple(others))
