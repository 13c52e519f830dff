"""Takes back an invoice that the shop cancelled: an untouched draft is deleted, an unpaid invoice is cancelled."""

from __future__ import annotations

from bexsync.errors import Changed, Refused
from bexsync.ledgers.bexio.api import Api
from bexsync.ledgers.bexio.effects import Handler, Handlers
from bexsync.ledgers.bexio.finders import INVOICES, DocumentFinder
from bexsync.ports.document_effects import CancelDocument, DeleteDocument, DeleteTestDraft
from bexsync.ports.documents import DocumentState, DocumentStatus, EffectResult, LookupResult


class CancellingEffects:
    """Cancels and deletes invoices; each effect looks first, since none can be undone."""

    def __init__(self, api: Api, finder: DocumentFinder) -> None:
        self._api = api
        self._finder = finder

    @property
    def handlers(self) -> Handlers:
        """The effects that take an invoice back."""
        return (
            Handler(CancelDocument, self.cancel, self.find_cancelled),
            Handler(DeleteDocument, self.delete, self.find_deleted),
            Handler(DeleteTestDraft, self.delete_test_draft, self.find_deleted_test_draft),
        )

    def cancel(self, effect: CancelDocument) -> EffectResult:
        """Cancel an issued invoice that nobody has paid anything of."""
        state = self._finder.whole(effect.known_id)
        if state.standing is DocumentStatus.CANCELLED:
            return _taken_back(state, DocumentStatus.CANCELLED)
        if state.standing is not DocumentStatus.ISSUED or state.received or state.credited:
            standing = state.standing.value.replace("_", " ")
            raise Changed(
                f"{state.number} was cancelled in the shop, but in bexio it is {standing}, maybe paid in "
                f"part, so it was left as it is: {state.url}"
            )
        self._api.write("POST", f"{INVOICES}/{state.ledger_id}/cancel")
        return _taken_back(state, DocumentStatus.CANCELLED)

    def find_cancelled(self, effect: CancelDocument) -> LookupResult:
        """The status of the invoice says whether it was cancelled."""
        state = self._finder.present(effect.known_id)
        if state is None or state.standing is not DocumentStatus.CANCELLED:
            return LookupResult()
        return LookupResult(done=_taken_back(state, DocumentStatus.CANCELLED))

    def delete(self, effect: DeleteDocument) -> EffectResult:
        """Delete a draft that holds what bexsync wrote, and was never shown to the customer."""
        state = self._finder.whole(effect.known_id)
        if state.standing is not DocumentStatus.DRAFT or state.shared or state.content != effect.content:
            raise Changed(
                f"{state.number} was cancelled in the shop, but a person has worked on it in bexio, so the draft was "
                f"left as it is: {state.url}"
            )
        self._api.write("DELETE", f"{INVOICES}/{state.ledger_id}")
        return _taken_back(state, DocumentStatus.DELETED)

    def find_deleted(self, effect: DeleteDocument) -> LookupResult:
        """A draft that is gone was deleted."""
        if self._finder.present(effect.known_id) is not None:
            return LookupResult()
        return LookupResult(done=EffectResult(effect.known_id, seen={"standing": DocumentStatus.DELETED.value}))

    def delete_test_draft(self, effect: DeleteTestDraft) -> EffectResult:
        """Deletes a draft that carries our reference."""
        state = self._finder.whole(effect.known_id)
        if state.reference != effect.reference:
            raise Refused(
                "bexio",
                409,
                f"{state.number} does not carry the test's reference; it stays as it is: {state.url}",
            )
        if state.standing is not DocumentStatus.DRAFT:
            raise Refused("bexio", 409, f"{state.number} is no draft any more; it stays as it is: {state.url}")
        self._api.write("DELETE", f"{INVOICES}/{effect.known_id}")
        return EffectResult(effect.known_id)

    def find_deleted_test_draft(self, effect: DeleteTestDraft) -> LookupResult:
        """A draft that is gone was deleted."""
        gone = self._api.is_missing(f"{INVOICES}/{effect.known_id}")
        return LookupResult(done=EffectResult(effect.known_id)) if gone else LookupResult()


def _taken_back(state: DocumentState, standing: DocumentStatus) -> EffectResult:
    return EffectResult(state.ledger_id, state.number, state.url, seen={"standing": standing.value})
