"""Writes intents and links: what is about to be done, what came of it, what is in doubt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from dataclasses import fields as dataclass_fields
from datetime import timedelta
from decimal import Decimal
from typing import Any

from bexsync.engine.elapsed import least_seconds_since, stamp
from bexsync.errors import Changed, LedgerAnswer, Refused
from bexsync.http.clock import Clock
from bexsync.money import plain, written
from bexsync.planning.addressee import names
from bexsync.planning.contacts import CONTACT, CUSTOMER
from bexsync.planning.plan import Ref, Step, encoded
from bexsync.ports.documents import DocumentState, DocumentStatus, EffectResult
from bexsync.ports.master_data import PostalAddress
from bexsync.ports.store import ContactRow, DocumentEvent, Intent, IntentState, Link
from bexsync.store import Store
from bexsync.store.database import this_process

_PARTIAL_WRITES = frozenset({"positions_clear", "position"})
_WHOLE_WRITES = frozenset({"invoice", "invoice_edit", "claim"})
_LOOKS = frozenset({"verify", "adopt"})
_FINAL = frozenset({DocumentStatus.PAID, DocumentStatus.CANCELLED, DocumentStatus.DELETED})


@dataclass(frozen=True)
class Claim:
    """Whether a step may be sent: `intent` is its row, `done` what it came to before, `barred` why it must not."""

    intent: Intent
    done: bool = False
    barred: bool = False


class Journal:
    """The one place where intents change state; each method is one transaction."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        job: str,
        timeout_seconds: float,
        settle_seconds: float,
        note: Callable[[DocumentEvent, str, int], None] = lambda *_: None,
    ) -> None:
        self._store = store
        self._note = note
        self._clock = clock
        self._job = job
        self._settle = timedelta(seconds=settle_seconds)
        self._patience = timedelta(seconds=timeout_seconds + settle_seconds)

    def claim(self, step: Step, payload: Mapping[str, Any]) -> Claim:
        """Writes down that the step is about to be sent, unless its story already has an end."""
        store, now = self._store, self._clock.now()
        with store.transaction():
            known = store.intents.get(step.scope, step.kind, step.key)
            if known is not None and known.state is IntentState.DONE:
                return Claim(known, done=True)
            if known is not None and known.state in (IntentState.SENDING, IntentState.IN_DOUBT):
                return Claim(known, barred=True)
            payload_hash = step.payload_hash()
            if known is not None and _is_barred(known, payload_hash):
                return Claim(known, barred=True)
            intent = Intent(
                scope=step.scope,
                kind=step.kind,
                key=step.key,
                state=IntentState.SENDING,
                payload_hash=payload_hash,
                payload=payload,
                expect=step.expect,
                subject_kind=step.subject.kind,
                subject_id=step.subject.shop_id,
                site=store.site,
                job=self._job,
                attempt=(known.attempt if known else 0) + 1,
                owner=self._owner(),
                sent_at=now,
                not_before=now + self._patience,
                link=_link_json(step),
            )
            store.intents.save(intent, now)
        return Claim(intent)

    def done(self, intent: Intent, done: EffectResult) -> Intent:
        """The effect stands: its answer, the link and the contact index change together."""
        held = unexpected(intent.expect, done)
        now = self._clock.now()
        settled = replace(
            intent,
            state=IntentState.HELD if held else IntentState.DONE,
            ledger_id=done.ledger_id,
            result={"ledger_id": done.ledger_id, "number": done.number, "url": done.url, **done.data},
            said=held,
        )
        self._note_outside(settled, done)
        with self._store.transaction():
            self._store.intents.save(settled, now)
            self._write_link(settled, done, held=bool(held))
            self._index_contact(settled, done)
            self._link_customer(settled, done)
        return settled

    def _note_outside(self, intent: Intent, done: EffectResult) -> None:
        """What must be known even after the state was lost."""
        if intent.state is not IntentState.DONE:
            return
        if intent.kind in ("issue", "send"):
            self._note(DocumentEvent.FINISHED, intent.key, int(done.ledger_id or intent.payload["document_id"]))
        if intent.kind in ("claim", "adopt") and "reference" in intent.payload:
            self._note(DocumentEvent.ADOPTED, str(intent.payload["reference"]), int(intent.payload["document_id"]))

    def refused(self, intent: Intent, problem: Refused) -> Intent:
        """The ledger said no; the same payload is not tried again by itself."""
        return self._save(replace(intent, state=IntentState.REJECTED, said=problem.message))

    def hold(self, intent: Intent, problem: Changed) -> Intent:
        """A person worked on the document, and decides what is to become of it."""
        return self._save(replace(intent, state=IntentState.HELD, said=problem.message))

    def not_sent(self, intent: Intent) -> Intent:
        """Nothing left this machine, or nothing was done with it."""
        return self._save(replace(intent, state=IntentState.PLANNED))

    def doubt(self, intent: Intent, problem: LedgerAnswer | None = None) -> Intent:
        """Nobody knows; a look decides, and finding nothing counts only from `not_before` on."""
        due = intent.not_before or self._clock.now()
        if problem is not None:
            due = max(due, self._clock.now() + self._settle)
        said = problem.message if problem else "the run ended before the answer came"
        return self._save(replace(intent, state=IntentState.IN_DOUBT, not_before=due, said=said))

    def restamp(self, intent: Intent) -> Intent:
        """The request leaves only now, having waited its turn; a doubt about it falls due that much later."""
        now = self._clock.now()
        return self._save(replace(intent, sent_at=now, not_before=now + self._patience, owner=self._owner()))

    def seconds_until_due(self, intent: Intent) -> float:
        """How long finding nothing does not count yet, by the wall clock and by the one that nobody sets.

        A wall clock that was put forward meanwhile, as after a power cut, makes nothing due.
        """
        if intent.not_before is None:
            return 0.0
        by_the_wall = (intent.not_before - self._clock.now()).total_seconds()
        passed = least_seconds_since(intent.owner.rpartition(" ")[2], self._clock)
        if passed is None or intent.sent_at is None:
            return max(0.0, by_the_wall)
        needed = min(intent.not_before - intent.sent_at, self._patience).total_seconds()
        return max(0.0, by_the_wall, needed - passed)

    def distrusted(self, intent: Intent) -> Intent:
        """The intent as it is, or sent only now where a clock that was ahead for a while says when it was sent."""
        now = self._clock.now()
        sent_ahead = intent.sent_at is not None and intent.sent_at > now
        due_ahead = intent.not_before is not None and intent.not_before - now > self._patience + self._settle
        return self.restamp(intent) if sent_ahead or due_ahead else intent

    def _owner(self) -> str:
        return f"{this_process()} {stamp(self._clock)}"

    def conflict(self, intent: Intent, said: str) -> Intent:
        """Only a person can judge what the look found."""
        return self._save(replace(intent, state=IntentState.CONFLICT, said=said))

    def _save(self, intent: Intent) -> Intent:
        self._store.intents.save(intent, self._clock.now())
        return intent

    def _write_link(self, intent: Intent, done: EffectResult, *, held: bool) -> None:
        draft = intent.link
        if not draft or draft["ledger_kind"] == CONTACT:
            return
        links = self._store.links
        before = links.get(intent.subject_kind, intent.subject_id)
        if before is None and done.ledger_id is None:
            return
        link = before or Link(
            intent.subject_kind,
            intent.subject_id,
            draft["ledger_kind"],
            done.ledger_id or 0,
            done.number,
            done.url,
            adopted=bool(draft.get("adopted")),
        )
        if intent.kind == "invoice":
            # Half a document is not what was to be created: without a source the next plan writes it anew.
            source = "" if _is_incomplete(intent.expect, done) else draft.get("source", "")
            link = replace(link, notes={**link.notes, "created_as": source})
        link = _with_content(link, intent.kind, done, agrees=bool(draft.get("fingerprint")) and not held)
        if done.state is not None:
            link = observed(link, done.state)
        if done.seen:
            is_final = done.seen.get("standing") in _FINAL
            link = replace(link, state={**link.state, **done.seen}, is_open=link.is_open and not is_final)
        if draft.get("fingerprint") and not held:
            link = _agreed(link, draft, known_before=before is not None)
            if link.ledger_kind == "item":
                link = replace(link, agreed=_as_answered(link.agreed, intent.payload, done))
        if "told" in draft:
            link = replace(link, reported={**link.reported, **draft["told"]}, events=link.events + 1)
        links.save(link, self._clock.now())

    def _link_customer(self, intent: Intent, done: EffectResult) -> None:
        """A customer keeps the contact of the newest document; the run of another site may have made it."""
        customer = intent.link.get("contact_of")
        ledger_id = intent.payload.get("contact_id", done.ledger_id)
        if not customer or ledger_id is None or intent.site != self._store.site:
            return
        known = self._store.links.get(CUSTOMER, customer)
        if known is None or known.ledger_id != ledger_id:
            link = Link(CUSTOMER, customer, CONTACT, ledger_id, "", "", is_open=False)
            self._store.links.save(link, self._clock.now())

    def _index_contact(self, intent: Intent, done: EffectResult) -> None:
        if intent.kind == "contact" and done.ledger_id is not None:
            self._store.contacts.keep([_indexed(intent.payload, done)])
        if intent.kind == "contact_edit":
            row = self._store.contacts.get(intent.payload["ledger_id"])
            if row is not None:
                self._store.contacts.keep([_edited(row, intent.payload["fields"])])
        if intent.kind in ("contact_restore", "contact_archive"):
            row = self._store.contacts.get(intent.payload["ledger_id"])
            if row is not None:
                self._store.contacts.keep([replace(row, archived=intent.kind == "contact_archive")])


def _indexed(form: Mapping[str, Any], done: EffectResult) -> ContactRow:
    """A contact that was just created, as the index will show it."""
    return ContactRow(
        ledger_id=done.ledger_id or 0,
        kind=form["kind"],
        name_1=form["name_1"],
        name_2=form["name_2"],
        mail=form["mail"],
        mail_second="",
        archived=False,
        updated_at="",
        nr=done.number,
        address=PostalAddress(
            street=form.get("street", ""),
            house_number=form.get("house_number", ""),
            addition=form.get("address_addition", ""),
            postcode=form.get("postcode", ""),
            city=form.get("city", ""),
            country_id=form.get("country_id"),
        ),
        language_id=form.get("language_id"),
        phone=form.get("phone", ""),
        user_id=form.get("owner_id"),
        owner_id=form.get("owner_id"),
        written=form,
    )


def _edited(row: ContactRow, fields: Mapping[str, Any]) -> ContactRow:
    """A contact with the fields that were written to it."""
    parts = {"addition" if name == "address_addition" else name: value for name, value in fields.items()}
    address = {f.name: parts.pop(f.name) for f in dataclass_fields(PostalAddress) if f.name in parts}
    return replace(row, **parts, address=replace(row.address, **address), written={**row.written, **fields})


def _link_json(step: Step) -> dict[str, Any]:
    if step.link is None:
        return {}
    draft: dict[str, Any] = {
        "ledger_kind": step.link.ledger_kind,
        "adopted": step.link.adopted,
        "source": step.link.source,
        "contact_of": step.link.contact_of,
    }
    if step.link.fingerprint:
        draft |= {"fingerprint": step.link.fingerprint, "agreed": encoded(step.link.agreed)}
    if step.link.told is not None:
        draft["told"] = dict(step.link.told)
    return draft


def _with_content(link: Link, kind: str, done: EffectResult, *, agrees: bool) -> Link:
    """The link with what its document holds after our own last write; nothing while it is being rewritten."""
    if kind in _PARTIAL_WRITES:
        return replace(link, notes={name: value for name, value in link.notes.items() if name != "content"})
    is_ours = kind in _WHOLE_WRITES or (kind in _LOOKS and agrees)
    if not is_ours or done.state is None or not done.state.content:
        return link
    return replace(link, notes={**link.notes, "content": done.state.content})


def _agreed(link: Link, draft: Mapping[str, Any], *, known_before: bool) -> Link:
    revision = int(link.notes.get("revision", 0))
    if known_before and link.fingerprint not in ("", draft["fingerprint"]):
        revision += 1
    return replace(
        link,
        fingerprint=draft["fingerprint"],
        agreed=draft["agreed"],
        notes={**link.notes, "revision": revision},
    )


def _as_answered(agreed: Mapping[str, Any], payload: Mapping[str, Any], done: EffectResult) -> dict[str, Any]:
    """What was written to an item, as the ledger shows it: it may round or tidy in its own way.

    An item that was to be new but says something else may be somebody else's: of that nothing is agreed.
    """
    written = payload.get("fields", payload)
    is_new = "fields" not in payload
    answered = {}
    for name, one in agreed.items():
        shown = done.data.get(name) if name in written else None
        if shown is None or shown == written[name]:
            answered[name] = one
        elif not is_new:
            answered[name] = {**one, "ledger": shown}
    return answered


def _is_barred(known: Intent, payload_hash: str) -> bool:
    """A refusal or a wrong sum belongs to what was sent; a conflict belongs to the ledger and stays."""
    same = known.payload_hash == payload_hash
    return known.state is IntentState.CONFLICT or (same and known.state in (IntentState.REJECTED, IntentState.HELD))


def observed(link: Link, state: DocumentState) -> Link:
    """The link with what the ledger says now."""
    seen = {
        "number": state.number,
        "url": state.url,
        "standing": state.standing.value,
        "total": plain(state.total),
        "received": plain(state.received),
        "remaining": plain(state.remaining),
        "credited": plain(state.credited),
        "shared": "yes" if state.shared else "no",
    }
    kept = {name: link.state[name] for name in ("paid_date", "currency") if name in link.state}
    # No news for the shop, so these are notes: what a list of invoices shows besides.
    shown = {"day": state.day, "due_date": state.due_date, "contact_id": state.contact_id}
    return replace(
        link,
        number=state.number,
        url=state.url,
        state={**kept, **seen},
        notes={**link.notes, **{name: value for name, value in shown.items() if value}},
        is_open=state.standing not in _FINAL,
    )


def gone(link: Link) -> Link:
    """The link of a document that the ledger no longer has."""
    return replace(link, state={**link.state, "standing": DocumentStatus.DELETED.value}, is_open=False)


def _is_incomplete(expect: Mapping[str, str], done: EffectResult) -> bool:
    """Whether positions are missing, as after a 500 on a large create (bexio contract 2.6)."""
    shown = done.state.positions if done.state else None
    return shown is not None and "positions" in expect and shown < int(expect["positions"])


def unexpected(expect: Mapping[str, str], done: EffectResult) -> str:
    """Why the answer is not what the step expected, "" when it is."""
    state = done.state
    if not expect:
        return ""
    if state is None:
        return "bexio's answer did not show the document."
    where = f"{'It stays a draft' if state.standing is DocumentStatus.DRAFT else 'Look at it'}: {state.url}"
    if state.currency_id is not None and str(state.currency_id) != expect.get("currency_id", str(state.currency_id)):
        return f"bexio has {state.number} in another currency. {where}"
    if state.standing is DocumentStatus.DRAFT and not names(state.address, expect.get("addressee", "")):
        shown = ", ".join(state.address.splitlines())
        return f"bexio addresses {state.number} to {shown}, the shop to {expect['addressee']}. {where}"
    wanted = int(expect["positions"]) if "positions" in expect else None
    if wanted is not None and state.positions is not None and state.positions != wanted:
        return f"bexio shows {state.positions} positions, {wanted} were sent. {where}"
    if "total" in expect:
        total = Decimal(expect["total"])
        gap = state.total - total
        if abs(gap) > Decimal(expect["within"]):
            return (
                f"bexio comes to {written(state.total)}, the lines to {written(total.normalize())} "
                f"({written(gap)} apart, more than rounding explains). {where}"
            )
    if "shop_total" in expect:
        stated = Decimal(expect["shop_total"])
        gap = state.total - stated
        if abs(gap) > Decimal(expect["apart"]):
            return (
                f"bexio comes to {written(state.total)}, the shop's total is {written(stated)} ({written(gap)} apart "
                "by the shop's way of rounding). With [invoices] rounding_account in the profile it gets a line for "
                f"that. {where}"
            )
    return ""


def resolved(payload: Any, answer: Any) -> Any:
    """The payload with every reference replaced by what `answer(ref)` gives."""
    if isinstance(payload, Ref):
        return answer(payload)
    if isinstance(payload, Mapping):
        return {key: resolved(value, answer) for key, value in payload.items()}
    if isinstance(payload, list | tuple):
        return [resolved(item, answer) for item in payload]
    return encoded(payload)
