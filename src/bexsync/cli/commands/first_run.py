"""What follows a new profile: the connection test, a rehearsal of the first push, and the lines for cron."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from bexsync.cli.commands.connection import run_test
from bexsync.cli.commands.schedule import planned_crontab
from bexsync.cli.prompts.asking import Asker, tell
from bexsync.cli.prompts.init_questions import program
from bexsync.cli.runner import Command, guarded, run_job
from bexsync.cli.views import Output
from bexsync.errors import BexsyncError, Exit
from bexsync.registry import shop_package

if TYPE_CHECKING:
    from bexsync.cli.prompts.init_prompts import Written

Step = Callable[[Command], Exit]


@dataclass
class _Recorded(Output):
    """The output of a step that becomes part of what the whole command prints."""

    data_of_step: dict[str, Any] = field(default_factory=dict)
    errors_of_step: list[dict[str, str]] = field(default_factory=list)

    def data(self, code: Exit, data: dict[str, Any], errors: Sequence[dict[str, str]] = ()) -> Exit:
        """Keep the result for the object of the whole command."""
        self.data_of_step = {"exit_code": int(code), **data, "errors": list(errors)}
        self.errors_of_step = list(errors)
        return code


class FirstRun:
    """The steps after the file; the profile stays whatever becomes of them."""

    def __init__(self, call: Command, asker: Asker, written: Written) -> None:
        self._call = call
        self._asker = asker
        self._written = written
        self._program = program(written.name)
        self._errors: list[dict[str, str]] = []

    def go(self, *, test: bool) -> Exit:
        """All of it; the exit code is that of the test."""
        self._say(f"The profile is written: {self._written.path}")
        code, tested = self._test() if test else (Exit.OK, {})
        rehearsed = self._rehearse() if code is Exit.OK and not self._first_step else {}
        text, data, notes = self._cron()
        if not self._call.output.json:
            if code is Exit.OK:
                self._tell_how_to_go_on(text, notes, tested=test)
            else:
                ledger = self._written.profile.ledger.words.name
                tell(f"The profile stays. Mend what the test named, in {self._written.path} or in {ledger}, then:")
                tell(f"  {self._program} test-connection")
            return code
        return self._call.output.data(
            code,
            {
                "profile": self._written.name,
                "path": str(self._written.path),
                "written": True,
                "company": self._written.company,
                "test": tested,
                "dry_run": rehearsed,
                "cron": data.get("lines", []),
                "notes": notes,
            },
            self._errors,
        )

    def _test(self) -> tuple[Exit, Mapping[str, Any]]:
        if self._asker.asks:
            tell()
        tries = self._asker.agrees(
            f"Try it now? A contact and a draft, which uses up one invoice number, are created in "
            f"{self._written.company or self._written.profile.ledger.words.name}, then archived and deleted."
        )
        if self._asker.asks:
            tell()
        return self._step("test-connection", lambda call: run_test(call, read_only=not tries, yes=True))

    def _rehearse(self) -> Mapping[str, Any]:
        from bexsync.jobs.invoice_choice import PushOptions
        from bexsync.jobs.invoices import push

        options = PushOptions((), None, None, None, True)
        return self._step("invoices push", lambda call: run_job(call, lambda shop: push(shop, options)))[1]

    def _step(self, name: str, work: Step) -> tuple[Exit, Mapping[str, Any]]:
        """Another command's work as part of this one; its own way with signals ends with it."""
        output = _Recorded(name, self._call.profile, json=self._call.output.json, rehearsing=name == "invoices push")
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            call = replace(self._call, name=name, output=output)
            code = guarded(call, lambda: work(call))
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        self._errors += output.errors_of_step
        return code, output.data_of_step

    @property
    def _first_step(self) -> str:
        """How the first invoice is handed over, "" where there is nothing to do for it."""
        shop = self._written.profile.shop
        package = shop_package(shop.type)
        waits = package.waiting(shop, self._written.path).count
        return "" if waits else package.first_step(shop, self._written.path)

    def _cron(self) -> tuple[str, Mapping[str, Any], list[str]]:
        try:
            text, data, notes = planned_crontab(self._call)
        except BexsyncError as problem:
            return "", {}, [f"No lines for cron: {problem.message} {problem.hint}".rstrip()]
        return text, data, [*self._cron_troubles(), *notes]

    def _cron_troubles(self) -> list[str]:
        """What keeps cron from the login."""
        from bexsync.auth.source import names_token
        from bexsync.cli.prompts.login_prompts import rehearsal
        from bexsync.wiring import open_auth_desk

        record = None if names_token() else open_auth_desk(self._call.profile).record
        if record is None:
            return []
        lines, reached = rehearsal(str(self._written.path), record.store)
        return lines if reached is False else []

    def _tell_how_to_go_on(self, cron: str, notes: list[str], *, tested: bool) -> None:
        program = self._program
        if not tested:
            self._say(f"\nSee whether it fits: {program} test-connection")
        if not self._first_step:
            self._say(f"\nLet it happen: {program} invoices push")
        else:
            self._say(
                f"\nNext, {self._first_step}\n"
                f"(`{program} docs format` says what it may hold, `{program} examples copy DIR` copies some), then\n"
                f"  {program} invoices push --dry-run     shows what would happen\n"
                f"  {program} invoices push               lets it happen"
            )
        if cron:
            self._say(f"\nAnd by itself, with `crontab -e`:\n{cron}")
        for note in notes:
            if not note.startswith("Add these lines"):
                tell(note)

    def _say(self, text: str) -> None:
        if not self._call.output.json:
            self._call.output.say(text)
