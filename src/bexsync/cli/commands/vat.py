"""bexsync vat ..."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from bexsync.cli.options import LEDGER
from bexsync.cli.runner import Command, guarded, times_put_off
from bexsync.errors import Exit, MappingProblem, UsageProblem

if TYPE_CHECKING:
    from bexsync.admin.vat_map import MapFile, Survey
    from bexsync.vat import VatMap, VatRow


def map_(
    call: Command,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="WHAT=CODE", help=f"Map WHAT to this tax code of {LEDGER}; may be repeated."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing; take every proposal.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Show the map with every proposal in it; write nothing.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only look, for cron: silent when the map is right, else 78 and why.")
    ] = False,
) -> Exit:
    """Map the VAT rates and classes of the shop to {ledger}.

    Row by row, into the file PROFILE.vat.toml.

    The shop's rates come from its tax list, its products and the invoices so far. A tax of the same rate is proposed
    where there is but one; 0 %, exempt, foreign and reverse-charge sales never are. Enter takes the proposal.

    WHAT is a class of the shop (standard), shipping, fee, or a rate (rate:8.1). Parts joined by commas narrow it down:
    class:NAME, rate:N, use:shipping, country:DE, from:2027-01-01. So: --set standard=UN81 --set shipping=UN81
    --set rate:8.1=UN81 --set rate:0,country:DE=ULA --set standard,from:2027-01-01=UN85

    What stays unmapped and would stop records is shown, and makes the exit code 78.
    """
    call.output.rehearsing = dry_run

    def work() -> Exit:
        if check and (set_ or yes or dry_run):
            raise UsageProblem("--check only looks, so it goes with no --set, --yes or --dry-run.", "Leave them out.")
        code = _mapped(call, set_ or [], yes=yes, dry_run=dry_run, check=check)
        if check:
            times_put_off(call, code)
        return code

    # Under cron a failure that time mends is only worth a mail when it lasts.
    return guarded(call, work, only_if_repeated=check)


def _mapped(call: Command, orders: Sequence[str], *, yes: bool, dry_run: bool, check: bool) -> Exit:
    """Compare the map with the company's taxes and the shop's sales, then check it or map what is open."""
    from bexsync.admin.vat_map import MapFile, survey
    from bexsync.config.loading import vat_map_path
    from bexsync.paths import profile_path
    from bexsync.planning.mapping_arguments import read_orders
    from bexsync.wiring import disabled_reason, open_workspace

    rows = read_orders(orders)
    reason = disabled_reason(call.profile)
    if reason:
        return call.output.said(reason, {"disabled": True})
    file = MapFile(vat_map_path(profile_path(call.profile).resolve()))
    workspace = open_workspace(call.profile)
    call.output.site = workspace.store.site
    try:
        seen = survey(workspace)
    finally:
        workspace.close()
    if not seen.subject_to_vat:
        return _without_vat(call, seen, rows)
    return _checked(call, seen) if check else _Mapping(call, seen, file, rows, yes, dry_run).done()


def _without_vat(call: Command, seen: Survey, orders: Sequence[VatRow]) -> Exit:
    """A company that charges no VAT has nothing to map."""
    sentence = f"{seen.company} is not subject to VAT in {seen.books.today.year}"
    if orders:
        raise MappingProblem(f"{sentence}: there is nothing to map.", "Leave --set out.")
    if not (call.output.talkative or call.output.json):
        return Exit.OK
    return call.output.said(f"{sentence}, so it needs no map.", {"company": seen.company, "subject_to_vat": False})


def _checked(call: Command, seen: Survey) -> Exit:
    """Nothing but what is wrong, or soon will be."""
    from bexsync.cli.views.vat import show_check, tell

    code, data, errors = tell(seen, seen.vat_map)
    if call.output.json:
        return call.output.data(code, data, errors)
    return show_check(call.output, seen)


@dataclass(frozen=True)
class _Mapping:
    """From what stands to what is wanted, by orders, answers or proposals."""

    call: Command
    seen: Survey
    file: MapFile
    orders: Sequence[VatRow]
    yes: bool
    dry_run: bool

    def done(self) -> Exit:
        """Decides, writes and shows."""
        fresh = self._decided(self._ordered())
        changed = fresh.rows != self.seen.vat_map.rows
        text = self.file.text(fresh, self.seen.books.master, self.seen.books.today)
        backup = None
        if changed and not self.dry_run:
            if not self._is_wanted(fresh):
                raise typer.Abort
            backup = self.file.save(text)
        return self._shown(fresh, text, changed=changed, backup=str(backup or ""))

    def _ordered(self) -> VatMap:
        from bexsync.planning.mapping_arguments import allowed

        vat_map = self.seen.vat_map
        for row in self.orders:
            vat_map = vat_map.with_row(allowed(self.seen.books, self.seen.wants, row))
        return vat_map

    def _decided(self, vat_map: VatMap) -> VatMap:
        from bexsync.planning.vat_map import decided, proposed

        books, wants = self.seen.books, self.seen.wants
        if self.yes or self.dry_run:
            return decided(books, vat_map, wants, proposed)
        if self.call.output.asks and not self.call.output.quiet:
            from bexsync.cli.prompts.vat_prompts import MapConversation

            conversation = MapConversation(self.seen, vat_map)
            conversation.begin()
            return decided(books, vat_map, wants, conversation.answer)
        self._refuse_to_decide(vat_map)
        return vat_map

    def _refuse_to_decide(self, vat_map: VatMap) -> None:
        """Without a terminal nobody can be asked."""
        from bexsync.planning.vat_map import in_words, open_entries

        asked = [e for e in open_entries(self.seen.books, vat_map, self.seen.wants) if e.proposal or e.blocks]
        if not asked:
            return
        names = ", ".join(dict.fromkeys(in_words(entry.want) for entry in asked[:5]))
        more = f" and {len(asked) - 5} more" if len(asked) > 5 else ""
        raise UsageProblem(
            f"These are not mapped yet, and there is no terminal to ask on: {names}{more}.",
            "--yes takes what is proposed (--dry-run shows it), --set WHAT=CODE says the rest.",
        )

    def _is_wanted(self, fresh: VatMap) -> bool:
        if self.yes or not self.call.output.asks or self.call.output.quiet:
            return True
        from bexsync.cli.prompts.vat_prompts import agrees_to

        return agrees_to(self.file.path, self.seen.vat_map, fresh)

    def _shown(self, fresh: VatMap, text: str, *, changed: bool, backup: str) -> Exit:
        from bexsync.cli.views.vat import Written, show_map, tell

        written = Written(str(self.file.path), backup, changed, not self.dry_run, self.file.has_comments, text)
        code, data, errors = tell(self.seen, fresh, written)
        if self.call.output.json:
            return self.call.output.data(code, data, errors)
        return show_map(self.call.output, self.seen, fresh, written)
