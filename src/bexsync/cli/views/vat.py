"""The VAT map for a person and for a script: the shop's rates and classes beside the taxes in the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from rich.text import Text

from bexsync.cli.views.page import Page, Row
from bexsync.errors import Exit
from bexsync.money import decimal_text
from bexsync.planning.vat_map import Books, Entry, Finding, findings, review
from bexsync.planning.vat_wants import Origin, TaxUse
from bexsync.vat import Tax, VatMap, VatRow

if TYPE_CHECKING:
    from bexsync.admin.vat_map import Survey
    from bexsync.cli.views import Output

_COLOURS = {
    "mapped": "green",
    "new": "cyan",
    "by rate": "dim",
    "by default": "dim",
    "proposed": "cyan",
    "unmapped": "bold yellow",
}
_WIDE = 110


@dataclass(frozen=True)
class Written:
    """What became of the file; `done` is false in a rehearsal."""

    path: str
    backup: str
    changed: bool
    done: bool
    had_comments: bool
    text: str


def tell(
    seen: Survey, vat_map: VatMap, written: Written | None = None
) -> tuple[Exit, dict[str, Any], list[dict[str, str]]]:
    """Exit code, data and errors for a script."""
    found = findings(seen.books, vat_map, seen.wants)
    data: dict[str, Any] = {
        "company": seen.company,
        "subject_to_vat": True,
        "entries": [_entry(entry, _standing(entry, seen), seen.books) for entry in _entries(seen, vat_map)],
        "rows": [_row(row) for row in vat_map.rows],
        "taxes": [
            {
                "code": tax.code, "name": tax.name, "rate": decimal_text(tax.rate),
                "valid_from": _day(tax.valid_from), "valid_to": _day(tax.valid_to),
            }
            for tax in seen.books.master.taxes
            if tax.active and tax.is_for_sales
        ],
        "findings": [{"level": f.level, "code": f.code, "message": f.message, "hint": f.hint} for f in found],
        "unreadable": [{"place": _location(r.source, r.location), "message": r.message} for r in seen.remarks],
        "requests": seen.requests,
    }  # fmt: skip
    if written is not None:
        data |= {
            "file": written.path, "written": written.changed and written.done, "changed": written.changed,
            "backup": written.backup, "text": written.text,
        }  # fmt: skip
    wrong = [finding for finding in found if finding.level == "wrong"]
    errors = [{"code": f.code, "message": f.message, "hint": f.hint, "kind": "tax", "shop_id": ""} for f in wrong]
    return Exit.CONFIGURATION if wrong else Exit.OK, data, errors


def show_map(output: Output, seen: Survey, vat_map: VatMap, written: Written) -> Exit:
    """The table as it is now, what became of the file, and what is left to do."""
    found = findings(seen.books, vat_map, seen.wants)
    if output.talkative:
        show_table(seen, vat_map)
        _show_file(written)
    _say(output, found, seen)
    if written.changed and written.done and written.had_comments and not output.quiet:
        output.say_error(f"{output.command}: The comments in {written.path} are gone; {written.backup} still has them.")
    return Exit.CONFIGURATION if any(finding.level == "wrong" for finding in found) else Exit.OK


def show_check(output: Output, seen: Survey) -> Exit:
    """What is wrong or soon will be, a sentence each; on a terminal also that nothing is."""
    found = findings(seen.books, seen.vat_map, seen.wants)
    if output.talkative:
        show_table(seen, seen.vat_map)
        if not found:
            page = Page()
            page.line(Text("The VAT map is right.", style="green"))
            page.show()
    _say(output, found, seen)
    return Exit.CONFIGURATION if any(finding.level == "wrong" for finding in found) else Exit.OK


def _say(output: Output, found: Sequence[Finding], seen: Survey) -> None:
    """One line each on stderr, where cron's mail comes from; with --quiet only what stops records."""
    for finding in found:
        if finding.level == "wrong" or not output.quiet:
            output.say_error(f"{output.command}: {finding.message} {finding.hint}".rstrip())
    for remark in seen.remarks if not output.quiet else ():
        location = _location(remark.source, remark.location)
        output.say_error(f"{output.command}: {location}: {remark.message} {remark.hint}".rstrip())


def show_table(seen: Survey, vat_map: VatMap) -> None:
    """The shop's rates and classes, each with the tax it gets."""
    page = Page()
    ledger = seen.books.master.words.name
    heading = Text(seen.company or "The company", style="bold")
    page.line(heading + Text(f": the shop's VAT beside the taxes in {ledger}"))
    page.line()
    entries = list(_entries(seen, vat_map))
    names = ("in the shop", "rate", "in", "from", ledger, "tax", "until", "", "seen in")
    page.table(
        names,
        [_cells(entry, _standing(entry, seen), seen.books, page.width) for entry in entries],
        right=("rate",),
    )
    page.line()
    page.show()


def _entries(seen: Survey, vat_map: VatMap) -> Iterator[Entry]:
    for want in seen.wants:
        yield from review(seen.books, vat_map, want)


def _standing(entry: Entry, seen: Survey) -> str:
    if entry.is_later and entry.problem is not None:
        return "ends"
    if entry.standing == "mapped" and entry.row not in seen.vat_map.rows:
        return "new"
    return entry.standing


def _cells(entry: Entry, standing: str, books: Books, width: int) -> Row:
    """A tax that is only proposed stands where it would be; what has none says why."""
    want, tax = entry.want, entry.tax
    if entry.problem is not None and entry.proposal is not None:
        tax, standing = entry.proposal, "proposed"
    what = want.pattern.tax_class or {"sale": "any sale", "shipping": "shipping", "fee": "payment fees"}[want.use]
    if want.pattern.tax_class and want.use != "sale":
        what += f", {want.use}"
    begin = entry.day if entry.day > books.today else entry.pattern.valid_from
    shown = Text(described(tax)) if tax is not None else Text("")
    code = tax.code if tax is not None else entry.row.code if entry.row is not None else ""
    origins = ", ".join(_origins(want, books))
    return Row(
        (
            Text(what),
            Text(f"{decimal_text(want.rate)} %" if want.rate is not None else ""),
            Text(want.pattern.country or ""),
            Text(begin.isoformat() if begin else ""),
            Text(code, style="bold"),
            shown,
            Text(_day(tax.valid_to) if tax is not None else ""),
            Text(standing, style=_COLOURS[standing]),
        ),
        Text(origins if width >= _WIDE else "", style="dim"),
        (Text(entry.problem.message),) if entry.problem is not None and tax is None else (),
    )


def _origins(want: TaxUse, books: Books) -> list[str]:
    found = [origin for origin in want.origins if origin is not Origin.USUAL]
    return [books.master.ledger if origin is Origin.LEDGER else origin.value for origin in found]


def described(tax: Tax) -> str:
    """A tax beside its code: rate and name, each once."""
    name = tax.name.removeprefix(tax.code).strip(" -")
    return name if "%" in name else f"{decimal_text(tax.rate)} % {name}".strip()


def _show_file(written: Written) -> None:
    page = Page()
    if not written.changed:
        page.line("The map is as it was; nothing was written.")
    elif written.done:
        page.line(f"Written to {written.path}." + (f" The map before is {written.backup}." if written.backup else ""))
    else:
        page.line(f"Would be written to {written.path}:")
        page.line()
        for line in written.text.splitlines():
            page.whole(Text(line, style="dim" if line.startswith("#") else ""))
    page.show()


def _entry(entry: Entry, standing: str, books: Books) -> dict[str, Any]:
    want = entry.want
    return {
        **_row(entry.pattern),
        "rate": decimal_text(want.rate) if want.rate is not None else "",
        "use": want.use,
        "code": entry.tax.code if entry.tax is not None else "",
        "status": standing.replace(" ", "_"),
        "proposal": entry.proposal.code if entry.proposal is not None else "",
        "day": entry.day.isoformat(),
        "seen_in": _origins(want, books),
        "message": entry.problem.message if entry.problem is not None else "",
    }


def _row(row: VatRow) -> dict[str, Any]:
    return {
        "class": row.tax_class or "",
        "rate": decimal_text(row.rate) if row.rate is not None else "",
        "country": row.country or "",
        "use": row.use or "",
        "code": row.code,
        "valid_from": _day(row.valid_from),
    }


def _day(day: date | None) -> str:
    return day.isoformat() if day is not None else ""


def _location(source: str, location: str) -> str:
    return f"{source}, {location}" if location else source
