"""The words of a plan: steps, references between them, what it all costs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bexsync.errors import PlanTooBig

Json = Any
_CANCELS = frozenset({"invoice_cancel", "invoice_delete"})


@dataclass(frozen=True)
class Ref:
    """Stands in a payload for what an earlier step will have made; `field` picks from its answer.

    `default` stands there instead where the answer says nothing of the field.
    """

    kind: str
    key: str
    field: str = "ledger_id"
    default: str | None = None

    def as_json(self) -> dict[str, str]:
        """The reference as it is written into the journal."""
        return {"$ref": self.kind, "key": self.key, "field": self.field}


@dataclass(frozen=True)
class Subject:
    """The shop record that a step or an error is about."""

    kind: str
    shop_id: str


@dataclass(frozen=True)
class LinkDraft:
    """What a done step writes about its subject's link, in the transaction that marks it done.

    `source` names the content that a new document was made from, whether or not it came out right. `contact_of` is the
    shop's customer whose contact the step makes, or makes the document for.
    """

    ledger_kind: str
    fingerprint: str | None = None
    agreed: Mapping[str, Json] | None = None
    adopted: bool = False
    told: Mapping[str, str] | None = None
    source: str = ""
    contact_of: str = ""


@dataclass(frozen=True)
class Step:
    """One effect on one side, as data.

    `kind` and `key` name it for ever (`scope` is the site, or "" for what all sites share), `payload` is what
    to send and may hold Refs, `expect` is what the answer must say: `total` within `within`, `positions`,
    `currency_id`. `after` names steps that must be done first. `mails` and `money` are its cost beside requests.
    """

    kind: str
    key: str
    subject: Subject
    payload: Mapping[str, Json]
    scope: str = ""
    expect: Mapping[str, str] = field(default_factory=dict)
    after: tuple[Ref, ...] = ()
    link: LinkDraft | None = None
    requests: int = 1
    mails: int = 0
    money: Decimal | None = None
    currency: str = ""
    title: str = ""

    @property
    def ref(self) -> Ref:
        """How later steps refer to this one."""
        return Ref(self.kind, self.key)

    @property
    def needs(self) -> tuple[Ref, ...]:
        """Every earlier step this one depends on."""
        return (*self.after, *references(self.payload))

    def payload_hash(self) -> str:
        """Changes when what would be sent, or what is expected of it, changes."""
        text = json.dumps([encoded(self.payload), dict(self.expect)], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:32]


def references(value: Json) -> tuple[Ref, ...]:
    """All Refs inside a payload, in order."""
    if isinstance(value, Ref):
        return (value,)
    if isinstance(value, Mapping):
        return tuple(ref for item in value.values() for ref in references(item))
    if isinstance(value, list | tuple):
        return tuple(ref for item in value for ref in references(item))
    return ()


def encoded(value: Json) -> Json:
    """A payload as plain JSON values, Refs and Decimals included."""
    if isinstance(value, Ref):
        return value.as_json()
    if isinstance(value, Mapping):
        return {str(k): encoded(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [encoded(item) for item in value]
    return str(value) if isinstance(value, Decimal) else value


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
            requests=sum(step.requests for step in self.steps),
            documents=sum(step.kind == "invoice" for step in self.steps),
            mails=sum(step.mails for step in self.steps),
            cancels=sum(step.kind in _CANCELS for step in self.steps),
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
