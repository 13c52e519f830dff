"""Effects that finish an invoice: issuing it, and mailing it to the customer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import Any

from bexsync.errors import BexsyncError, Refused
from bexsync.ledgers.bexio.api import Api
from bexsync.ledgers.bexio.effects import Handler, Handlers
from bexsync.ledgers.bexio.finders import INVOICES, DocumentFinder
from bexsync.ledgers.bexio.just_shown import JustShown
from bexsync.ledgers.bexio.learned_facts import (
    ISSUE_GIVES_LINK,
    ISSUED_FIRST,
    MAIL_GIVES_LINK,
    SEND_ISSUES,
    LearnedFacts,
)
from bexsync.ledgers.bexio.reading import after_the_effect
from bexsync.ledgers.bexio.records import document_done, document_of
from bexsync.money import format_amount, format_grouped
from bexsync.ports.document_effects import FinishingEffect, IssueDocument, SendDocument
from bexsync.ports.documents import DocumentState, DocumentStatus, EffectResult, LookupResult

_ENGLISH_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


class FinishingEffects:
    """Issues and mails invoices."""

    def __init__(self, api: Api, finder: DocumentFinder, learned: LearnedFacts, shown: JustShown, web_url: str) -> None:
        self._api = api
        self._finder = finder
        self._learned = learned
        self._shown = shown
        self._web_url = web_url

    @property
    def handlers(self) -> Handlers:
        """The effects that finish an invoice."""
        return (
            Handler(IssueDocument, self.issue, self.find_issued),
            Handler(SendDocument, self.send, self.find_sent, rests_on=SEND_ISSUES),
        )

    def issue(self, effect: IssueDocument) -> EffectResult:
        """Issues a draft."""
        self._write(effect, "issue")
        if effect.look:
            with after_the_effect():
                state = self._as_shown(effect)
            self._learned.keep(ISSUE_GIVES_LINK, state.shared)
            return document_done(state)
        return EffectResult(effect.known_id, seen={"standing": DocumentStatus.ISSUED.value})

    def find_issued(self, effect: IssueDocument) -> LookupResult:
        """An invoice that is no draft any more was issued."""
        state = self._finder.present(effect.known_id)
        if state is None or state.standing is DocumentStatus.DRAFT:
            return LookupResult()
        return LookupResult(done=document_done(state))

    def send(self, effect: SendDocument) -> EffectResult:
        """Mails an invoice to the customer."""
        words = _in_letters(effect.words.to_wire(), effect.language)
        body: dict[str, Any] = {
            "recipient_email": effect.to,
            "subject": " ".join(_filled(effect.subject, words).split()),
            "message": _filled(effect.message, words),
        }
        if effect.issue:
            body["mark_as_open"] = True
        if effect.attach_pdf:
            body["attach_pdf"] = True
        if not effect.issue and effect.shared_before == "no":
            state = self._as_shown(effect)
            if state.shared:
                return document_done(state)  # somebody mailed it since it was issued
        self._write(effect, "send", body)
        if not effect.issue:
            self._learned.keep(ISSUED_FIRST, True)
            if effect.shared_before == "no" and self._learned.mail_gives_link is None:
                self._see_what_a_mail_gives(effect)
        issued = {"standing": DocumentStatus.ISSUED.value} if effect.issue else {}  # else it may be paid already
        return EffectResult(effect.known_id, seen={**issued, "shared": "yes"})

    def _as_shown(self, effect: FinishingEffect) -> DocumentState:
        """The invoice as an answer of this moment showed it, else as bexio shows it when asked."""
        path = f"{INVOICES}/{effect.document_id}"
        row = self._shown.get(path)
        if row is None:
            row = self._finder.row(effect.known_id)
            self._shown.keep(path, row)
        return document_of(effect.known_id, row, self._web_url)

    def _write(self, effect: FinishingEffect, action: str, body: Any = None) -> None:
        path = f"{INVOICES}/{effect.document_id}"
        try:
            self._api.write("POST", f"{path}/{action}", body)
        finally:
            self._shown.forget(path)

    def _see_what_a_mail_gives(self, effect: SendDocument) -> None:
        """The invoice had no public link before the mail; whether it has one now says what a mail does."""
        with suppress(BexsyncError):  # the mail went out, whatever becomes of this look
            self._learned.keep(MAIL_GIVES_LINK, self._finder.whole(effect.known_id).shared)

    def find_sent(self, effect: SendDocument) -> LookupResult:
        """A mail in doubt is repeated only where it is proved that none went out.

        An untouched draft proves it, and so does an invoice without a public link, in a bexio that was seen to give
        one with a mail.
        """
        state = self._finder.present(effect.known_id)
        if state is None:
            return LookupResult(
                conflict=f"The invoice was deleted before anybody could see whether {effect.to} got it."
            )
        if effect.issue and state.standing is DocumentStatus.DRAFT:
            return LookupResult()
        if effect.shared_before == "no" and state.shared:
            return LookupResult(done=document_done(state))
        if effect.shared_before == "no" and not effect.issue and self._learned.mail_gives_link:
            return LookupResult()
        return LookupResult(
            conflict=f"Nobody can tell whether {state.number} was mailed to {effect.to}. "
            f"Look at it in bexio and mail it there if it was not: {state.url}"
        )

    def changed(self, effect: FinishingEffect) -> str:
        """Say why the document of an issue or a mail is not what `effect` was planned for, "" where it is."""
        try:
            state = self._as_shown(effect)
        except Refused as problem:
            if problem.status == 404:
                return ""  # the effect itself is refused then, in bexio's words
            raise
        if state.content != effect.content and effect.content:
            return (
                f"{state.number} was changed in bexio after bexsync wrote it, and comes to "
                f"{format_amount(state.total)}, "
                f"so it was neither issued nor mailed. If the change is meant, issue and mail it in bexio: {state.url}"
            )
        if isinstance(effect, SendDocument) and effect.issue and state.standing is not DocumentStatus.DRAFT:
            return f"{state.number} was issued in bexio meanwhile, so bexsync does not mail it: {state.url}"
        return ""


def _in_letters(words: Mapping[str, str], language: str) -> dict[str, str]:
    """Return the words with the total as 12'345.60 and the due date in the usual form of the language."""
    due = words.get("due_date", "")
    return {
        **words,
        "total": format_grouped(Decimal(words["total"])),
        "due_date": _day_in_letters(date.fromisoformat(due), language) if due else "",
    }


def _day_in_letters(day: date, language: str) -> str:
    """2 December 2026 in English, 02.12.2026 in the other languages of Switzerland."""
    return f"{day.day} {_ENGLISH_MONTHS[day.month - 1]} {day.year}" if language == "en" else f"{day:%d.%m.%Y}"


def _filled(text: str, words: Mapping[str, str]) -> str:
    """Only our own names are replaced, and what stands for them is not read again; other braces are the writer's."""
    return re.sub(r"\{(\w+)\}", lambda found: str(words.get(found[1], found[0])), text)
