"""What a person reads of a run over products: what keeps single ones from being synchronised, and counts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from bexsync.engine.result import Outcome, Status
from bexsync.errors import RecordProblem
from bexsync.jobs.product_lists import CatalogReader, ProductOptions
from bexsync.jobs.run import Run
from bexsync.planning.products import KIND, sku_twice
from bexsync.ports.shop import InvalidInput
from bexsync.ports.steps import Subject

VANISHED = "vanished"
_NOTED_TOGETHER = 500


class ErrorTracker:
    """The errors of one job; products are not kept in the state, so that each run judges all of them anew."""

    def __init__(self, run: Run, action: str, *, rests: bool = True) -> None:
        self._run = run
        self._action = action
        self._rests = rests
        self._before = {(row.kind, row.shop_id): row for row in run.store.errors.open() if row.job == run.job}
        self._now: set[tuple[str, str]] = set()
        self._waiting: list[tuple[str, RecordProblem]] = []

    @property
    def known_to_be_gone(self) -> list[str]:
        """The products of which a person was told already that they or their items are gone."""
        return [row.shop_id for row in self._before.values() if row.cause.endswith(f":{VANISHED}")]

    def note(self, shop_id: str, problem: RecordProblem, *, kind: str = KIND, status: Status = Status.BLOCKED) -> None:
        """Says it; what vanished is said once, and what a person has acknowledged is left in peace."""
        link = self._run.store.links.get(KIND, shop_id)
        outcome = Outcome(
            kind, self._action, shop_id, status, link.ledger_id if link else None, link.number if link else "",
            link.url if link else "", problem.message, problem.hint, problem.code, subject=problem.subject,
        )  # fmt: skip
        self.say(outcome)

    def note_together(self, shop_id: str, problem: RecordProblem) -> None:
        """As `note`, in one commit with those that follow; `note_waiting` ends it."""
        self._waiting.append((shop_id, problem))
        if len(self._waiting) == _NOTED_TOGETHER:
            self.note_waiting()

    def note_waiting(self) -> None:
        """Notes what waits for that."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            with self._run.store.transaction():
                for shop_id, problem in waiting:
                    self.note(shop_id, problem)

    def say(self, outcome: Outcome) -> None:
        """As `note`, of an outcome that is there already."""
        self._now.add((outcome.kind, outcome.shop_id))
        if self._may_rest(outcome):
            # Said by an earlier pass of this very run, it stays said.
            subject = Subject(outcome.kind, outcome.shop_id)
            self._run.outcomes.setdefault(subject, replace(outcome, status=Status.IGNORED))
        else:
            self._run.note(outcome)

    def is_well(self, outcome: Outcome) -> None:
        """Nothing is wrong with it; that is only written down where something was."""
        if (outcome.kind, outcome.shop_id) in self._before:
            self._run.note(outcome)
        else:
            self._run.outcomes[Subject(outcome.kind, outcome.shop_id)] = outcome

    def _may_rest(self, outcome: Outcome) -> bool:
        known = self._before.get((outcome.kind, outcome.shop_id))
        if known is None or not self._rests or known.cause != f"{outcome.code}:{outcome.subject or outcome.shop_id}":
            return False
        return known.acknowledged_at is not None or outcome.subject == VANISHED

    def note_unreadable(self, unreadable: Sequence[InvalidInput]) -> None:
        """What of the shop's list is no product."""
        with self._run.store.transaction():
            for found in unreadable:
                where = f"{found.source}, {found.location}" if found.location else found.source
                message = f"{where}: {found.message}"
                sentence = message if message.endswith((".", "?", "!")) else f"{message}."
                problem = RecordProblem(sentence, found.hint, code="unreadable", subject=where)
                self.note(found.shop_id or where, problem, kind=found.kind or KIND, status=Status.FAILED)

    def resolve_the_others(self) -> None:
        """Every product was looked at: an error that did not come again is over."""
        now = self._run.workspace.clock.now()
        with self._run.store.transaction():
            for kind, shop_id in self._before.keys() - self._now:
                self._run.store.errors.resolve(self._run.job, kind, shop_id, now)


class ProductNotes:
    """Notes of `products sync`; what is not worth a line is counted."""

    def __init__(self, run: Run, options: ProductOptions, troubles: ErrorTracker) -> None:
        self._run = run
        self._options = options
        self._troubles = troubles
        self.without_sku: list[str] = []
        self.unchanged = 0
        self.inactive = 0

    def unreadable(self, unreadable: Sequence[InvalidInput]) -> None:
        """What of the shop's list is no product."""
        options = self._options
        self._troubles.note_unreadable([u for u in unreadable if not options.is_narrow or u.shop_id in options.ids])

    def twice(self, twice: Mapping[str, Sequence[str]]) -> None:
        """Products that share an SKU: which of them the item would be, nobody can say."""
        for code, shop_ids in twice.items():
            if self._options.is_narrow and not {code, *shop_ids} & {*self._options.skus, *self._options.ids}:
                continue
            for shop_id in dict.fromkeys(shop_ids):
                self._troubles.note_together(shop_id, sku_twice(code, list(dict.fromkeys(shop_ids))))
        self._troubles.note_waiting()

    def gone_from_shop(self, shop_ids: set[str]) -> None:
        """Linked products that the shop no longer has."""
        for shop_id in sorted(shop_ids):
            link = self._run.store.links.get(KIND, shop_id)
            problem = RecordProblem(
                f"The shop no longer has product {shop_id}; "
                f"its item {link.number if link else ''} stays in {self._run.ledger_name}.",
                "Nothing to do if that is meant; the link is kept. To let it go: "
                f"bexsync links forget product:{shop_id}",
                code="product_vanished",
                subject=VANISHED,
            )
            self._troubles.note_together(shop_id, problem)
        self._troubles.note_waiting()

    def unknown_names(self, reader: CatalogReader, seen_codes: Collection[str], seen_ids: Collection[str]) -> None:
        """Names that somebody typed and that no product of the shop has."""
        unknown = [sku for sku in self._options.skus if sku not in seen_codes]
        unknown += [shop_id for shop_id in self._options.ids if shop_id not in seen_ids]
        for wanted in unknown:
            message = f'The shop has no product "{wanted}" among its {reader.count}.'
            hint = "--id takes the shop's id of a product, --sku its SKU, both sign by sign."
            self._run.note_unknown_id(KIND, "sync", wanted, message, hint)

    def count(self, reader: CatalogReader) -> None:
        """Counts of the products that have no line of their own."""
        result = self._run.result
        result.unlisted.clear()
        result.remarks[:] = reader.remarks
        done_before = sum(o.status is Status.DONE for o in self._run.outcomes.values())
        if self.unchanged > done_before:
            result.unlisted[Status.UNCHANGED.value] = self.unchanged - done_before
        if self.inactive:
            result.unlisted[Status.IGNORED.value] += self.inactive
            result.remarks.append(
                _several(self.inactive, "is not active and has", "are not active and have") + " no item yet."
            )
        if self.without_sku:
            result.unlisted[Status.IGNORED.value] += len(self.without_sku)
            left_out = _several(len(self.without_sku), "has no SKU and was", "have no SKU and were")
            hint = 'Give it one, or say [products] without_sku = "create".'
            result.remarks.append(f"{left_out} left out: {_named(self.without_sku)}. {hint}")
        result.data["without_sku"] = list(self.without_sku)


def _named(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _several(count: int, one: str, many: str) -> str:
    return f"1 product {one}" if count == 1 else f"{count} products {many}"
