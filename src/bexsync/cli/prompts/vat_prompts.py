"""The conversation of `vat map`: one question for each rate or class that no row decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bexsync.admin.first_profile import Offer, chosen
from bexsync.cli.prompts.asking import Asker, tell
from bexsync.cli.views.vat import described, show_table
from bexsync.money import decimal_text
from bexsync.planning.mapping_arguments import allowed
from bexsync.planning.taxes import why_unusable
from bexsync.planning.vat_map import Entry, in_words, open_entries
from bexsync.ports.shop_package import Question
from bexsync.vat import Tax, TaxKind, VatMap

if TYPE_CHECKING:
    from bexsync.admin.vat_map import Survey

_SKIP = "-"


class MapConversation:
    """Asks, and takes nothing for an answer that the ledger or the shop contradicts."""

    def __init__(self, seen: Survey, vat_map: VatMap) -> None:
        self._seen = seen
        self._vat_map = vat_map
        self._asker = Asker({}, asks=True)
        self._offers = _offers(seen)
        self._ledger = seen.books.master.words.name

    def begin(self) -> None:
        """How it stands, and what there is to choose from, unless nothing is to be asked."""
        if not open_entries(self._seen.books, self._vat_map, self._seen.wants):
            return
        show_table(self._seen, self._vat_map)
        tell(f"The taxes of sales in {self._ledger}:")
        width = max((len(offer.value) for offer in self._offers), default=0)
        for place, offer in enumerate(self._offers, 1):
            tell(f"  {place:>2}  {offer.value:<{width}}  {offer.words}")
        tell("\nEnter takes what stands in brackets; a code or its number takes another; - leaves it as it is.")

    def answer(self, entry: Entry) -> str:
        """The code for an entry, "" to leave it."""
        default = entry.proposal.code if entry.proposal is not None else _SKIP
        prompt = in_words(entry.want) + (f" from {entry.day} on" if entry.is_later else "")
        return self._asker.answer(
            Question("", prompt, default, lambda said: self._checked(said, entry), words=_why(entry))
        )

    def _checked(self, said: str, entry: Entry) -> str:
        if said in (_SKIP, "skip"):
            return ""
        code = chosen(said, self._offers, "sales tax", self._ledger)
        row = replace(entry.pattern, code=code, rate=entry.want.rate)
        return allowed(self._seen.books, (), row).code


def _why(entry: Entry) -> Sequence[str]:
    """A proposal speaks for itself; where there is none, a person should know what happens without an answer."""
    if entry.proposal is not None:
        return ()
    if entry.problem is not None:
        return (entry.problem.message,)
    tax = f"{entry.tax.code} ({decimal_text(entry.tax.rate)} %)" if entry.tax is not None else "none"
    return (f"{in_words(entry.want)}: without a row, what names no rate gets {tax}.",)


def _offers(seen: Survey) -> list[Offer]:
    """What a customer's invoice may carry now, the usual ones first; then what is to come."""
    today = seen.books.today
    taxes = [
        t for t in seen.books.master.taxes if t.active and t.is_for_sales and (not t.valid_to or t.valid_to >= today)
    ]

    def rank(tax: Tax) -> tuple[bool, bool, object, str]:
        return bool(why_unusable(tax, today)), tax.kind != TaxKind.SALES, -tax.rate, tax.code

    return [Offer(tax.code, _described(tax)) for tax in sorted(taxes, key=rank)]


def _described(tax: Tax) -> str:
    since = [f"from {tax.valid_from}"] if tax.valid_from else []
    until = [f"until {tax.valid_to}"] if tax.valid_to else []
    return ", ".join((described(tax), *since, *until))


def agrees_to(path: Path, before: VatMap, fresh: VatMap) -> bool:
    """Whether what would be written is what was meant."""
    rows = [row for row in fresh.rows if row not in before.rows]
    count = f"{len(rows)} new or changed row{'' if len(rows) == 1 else 's'}"
    return Asker({}, asks=True).agrees(f"Write {count} to {path}?")
