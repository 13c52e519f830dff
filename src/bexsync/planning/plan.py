"""A plan: the steps of one run in order, and what they cost."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from bexsync.errors import PlanTooBig
from bexsync.ports.steps import Step, Subject

_DIGITS = re.compile(r"([0-9]+)")


@dataclass(frozen=True)
class Cost:
    """What a plan would use: requests to the ledger, documents, mails, documents taken back, money per currency."""

    requests: int = 0
    documents: int = 0
    mails: int = 0
    cancels: int = 0
    money: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """The steps of one run in order."""

    steps: tuple[Step, ...] = ()

    def cost(self) -> Cost:
        """What applying all of it would use."""
        money: dict[str, Decimal] = {}
        for step in self.steps:
            if step.money is not None:
                money[step.currency] = money.get(step.currency, Decimal(0)) + step.money
        return Cost(
            requests=sum(step.effect.requests for step in self.steps),
            documents=sum(step.effect.counts_as == "documents" for step in self.steps),
            mails=sum(step.effect.mails for step in self.steps),
            cancels=sum(step.effect.counts_as == "cancels" for step in self.steps),
            money=money,
        )

    def digest(self) -> str:
        """A short name for exactly this plan."""
        text = "\n".join(f"{s.scope}|{s.kind}|{s.key}|{s.payload_hash()}" for s in self.steps)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def by_subject(self) -> Iterator[tuple[Subject, Sequence[Step]]]:
        """The steps record by record, in order."""
        batch: list[Step] = []
        for step in self.steps:
            if batch and step.subject != batch[0].subject:
                yield batch[0].subject, batch
                batch = []
            batch.append(step)
        if batch:
            yield batch[0].subject, batch

    def check(
        self, *, documents: int, mails: int, cancels: int, confirmed: int | None, rehearsed: bool = False
    ) -> None:
        """Refuses itself when it is bigger than the limits and nobody confirmed just this size."""
        cost = self.cost()
        counts = (
            (cost.documents, "documents", documents),
            (cost.mails, "mails", mails),
            (cost.cancels, "cancellations", cancels),
        )
        whole = cost.documents + cost.cancels
        refuse_too_big(counts, confirmed=confirmed, whole=whole, section="[limits]", rehearsed=rehearsed)


def place_of(number: str) -> list[tuple[int, str]]:
    """A key that sorts the shop's numbers as people do: RE-9 before RE-10."""
    return [(int(part), "") if part.isascii() and part.isdigit() else (-1, part) for part in _DIGITS.split(number)]


def refuse_too_big(
    counts: Sequence[tuple[int, str, int]],
    *,
    confirmed: int | None,
    whole: int,
    section: str,
    rehearsed: bool = False,
) -> None:
    """Refuses what is bigger than its limits unless just this size was confirmed; each is a count, its noun, its limit.

    Raises PlanTooBig, whose hint knows whether the plan is `rehearsed`, and so before a person's eyes, already.
    """
    over = [f"{count} {noun} (limit {limit})" for count, noun, limit in counts if count > limit]
    if over and confirmed != whole:
        raise PlanTooBig(
            f"The plan holds {' and '.join(over)}; nothing was done.",
            f"{'If that is meant,' if rehearsed else 'Look at it with --dry-run, then'} "
            f"confirm it with --confirm {whole}, or raise {section}.",
        )
