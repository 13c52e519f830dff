"""Steps: effects as typed values, the object each one writes, and how it is written into the journal and read back.

An effect is declared by its class. The journal keeps it under `step_kind`, which never changes, with the version of its
form in `schema`; `to_wire` writes plain JSON values, `effect_from` reads them back.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar, Literal, Protocol, TypeVar

from pydantic import TypeAdapter

from bexsync.errors import Defect, StateProblem
from bexsync.ids import LedgerId
from bexsync.ports.documents import EffectResult

Json = Any
T = TypeVar("T")
# The fingerprint of a link whose document is being rewritten begins with it, from the first change to the last look.
EDITING = "~"
# Which numbers follow the days of their documents: those of different days, each one, or none.
NumberOrder = Literal["day", "strict", "any"]


class Side(StrEnum):
    """Who performs an effect."""

    LEDGER = "ledger"
    SHOP = "shop"


class FoundBy(StrEnum):
    """What an effect whose outcome is unknown is looked for by."""

    REFERENCE = "the reference that the document carries"
    CODE = "the code of the item"
    CONTACT = "name, kind and mail in the list of all contacts"
    RELATION = "the relation of the two contacts"
    POSITIONS = "how many positions the document has"
    STATUS = "the status of the document"
    ABSENCE = "the document or contact being gone"
    VALUES = "the values that it wrote"
    NEWER = "what is newer than all that was there before, and says the same"
    REPEAT = "nothing: repeating it changes nothing"


class ContentChange(StrEnum):
    """What an effect does to the content of a document, which is kept to tell a person's work from ours."""

    NONE = "none"
    PART = "part"
    WHOLE = "whole"
    LOOK = "look"


@dataclass(frozen=True)
class Ref:
    """Stands for what an earlier step will have made; `field` picks from its answer.

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
    shop's customer whose contact the step makes, or makes the document for. `link_kind` is the kind of the link where
    it is not that of the subject, `role` the document's part in it where it is not the one that all of it is about.
    """

    ledger_kind: str
    fingerprint: str | None = None
    agreed: Mapping[str, Json] | None = None
    adopted: bool = False
    told: Mapping[str, str] | None = None
    source: str = ""
    contact_of: str = ""
    link_kind: str = ""
    role: str = ""


@dataclass(frozen=True, kw_only=True)
class Wire:
    """A value that is written into the journal: its fields by name, without those that are None unless in `nulls`."""

    nulls: ClassVar[frozenset[str]] = frozenset()

    def to_wire(self) -> dict[str, Json]:
        """The value as plain JSON."""
        return {
            f.name: to_wire(value)
            for f in fields(self)
            if (value := getattr(self, f.name)) is not None or f.name in self.nulls
        }


@dataclass(frozen=True, kw_only=True)
class Effect(Wire):
    """One effect on one side; each class declares its fields, its cost and how it is found again."""

    step_kind: ClassVar[str]
    schema: ClassVar[int] = 1
    side: ClassVar[Side] = Side.LEDGER
    found_by: ClassVar[FoundBy] = FoundBy.REPEAT
    requests: ClassVar[int] = 1
    mails: ClassVar[int] = 0
    # What it counts as against the limits of the profile: "documents", "cancels" or nothing.
    counts_as: ClassVar[str] = ""
    # What kind of object `writes` names.
    object_kind: ClassVar[str] = ""
    # What a person reads of it: "create", "send"; "" where it is only a part of another effect.
    action: ClassVar[str] = ""

    @property
    def writes(self) -> LedgerId | Ref | None:
        """The object in the ledger that it writes; None for a new one, whose name is the step's own key."""
        return None

    @property
    def found_beside(self) -> LedgerId | Ref | None:
        """The contact or document beside whose newer records it is found again, so that one is made at a time."""
        return None

    def contact_of(self, done: EffectResult) -> LedgerId | None:
        """The contact that it made, or that its document is for."""
        del done
        return None


E = TypeVar("E", bound=Effect)


@dataclass(frozen=True)
class Step:
    """One effect, named for ever by kind and key (`scope` is the site, or "" for what all sites share).

    `expect` is what the answer must say: `total` within `within`, `positions`, `currency_id`. `after` names steps that
    must be done first. `money` is what it books. What takes the next number of the ledger's names whose in `series`,
    and in `day` the day that its document bears, YYYY-MM-DD.
    """

    effect: Effect
    key: str
    subject: Subject
    scope: str = ""
    expect: Mapping[str, str] = field(default_factory=dict)
    after: tuple[Ref, ...] = ()
    link: LinkDraft | None = None
    money: Decimal | None = None
    currency: str = ""
    title: str = ""
    series: str = ""
    day: str = ""

    @property
    def kind(self) -> str:
        """The kind under which the journal keeps it."""
        return self.effect.step_kind

    @property
    def payload(self) -> dict[str, Json]:
        """The effect as the journal has it, references unresolved."""
        return self.effect.to_wire()

    @property
    def ref(self) -> Ref:
        """How later steps refer to this one."""
        return Ref(self.kind, self.key)

    @property
    def needs(self) -> tuple[Ref, ...]:
        """Every earlier step this one depends on."""
        return (*self.after, *references(self.effect))

    @property
    def written_object(self) -> str:
        """The object that it writes, the same for all steps on one object of a run."""
        target = self.effect.writes
        return f"{self.kind} {self.key}" if target is None else _named(target, self.effect.object_kind)

    @property
    def exclusive(self) -> str:
        """What steps have in common of which only one may be under way; "" where there is no such thing."""
        beside = self.effect.found_beside
        return "" if beside is None else f"{self.kind} beside {_named(beside)}"

    def payload_hash(self) -> str:
        """Changes when what would be sent, or what is expected of it, changes."""
        text = json.dumps([self.payload, dict(self.expect)], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:32]


def _named(target: LedgerId | Ref, object_kind: str = "") -> str:
    """The name of an object, the same whether or not an earlier step of the run makes it."""
    return f"{target.kind} {target.key}" if isinstance(target, Ref) else f"{object_kind} {target}"


class WasDone(Protocol):
    """Whether a step of a scope was done before, by its kind and key."""

    def __call__(self, kind: str, key: str) -> bool: ...


class EffectKinds:
    """The effects that the journal can read back, by the kind it keeps them under."""

    def __init__(self, *groups: Iterable[type[Effect]]) -> None:
        self._classes = {one.step_kind: one for group in groups for one in group}

    def all(self) -> tuple[type[Effect], ...]:
        """The class of every kind."""
        return tuple(self._classes.values())

    def read(self, kind: str, payload: Mapping[str, Json], schema: int) -> Effect:
        """The effect of a row; raises ValueError for a damaged one.

        Raises Defect for a kind that no adapter declares, StateProblem for a form that only a later version knows.
        """
        if kind not in self._classes:
            raise Defect(f"No ledger and no shop declares the step {kind}.")
        known = self._classes[kind].schema
        if schema > known:
            raise StateProblem(
                f"The state was written by a newer bexsync (step {kind}, form {schema}; this one knows {known}).",
                "Update bexsync.",
            )
        return effect_from(self._classes[kind], payload)


def effect_from(kind: type[E], payload: Mapping[str, Json]) -> E:
    """An effect as the journal has it, with its references resolved; raises ValueError where it cannot be read."""
    effect: E = _adapter(kind).validate_python(dict(payload))
    return effect


_ADAPTERS: dict[type[Effect], TypeAdapter[Any]] = {}


def _adapter(kind: type[Effect]) -> TypeAdapter[Any]:
    if kind not in _ADAPTERS:  # built when a row is read back, since most runs read none
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def to_wire(value: Any) -> Json:
    """A value as plain JSON, references and decimals included."""
    if isinstance(value, Ref):
        return value.as_json()
    if isinstance(value, LedgerId):
        return value.wire
    if isinstance(value, Wire):
        return value.to_wire()
    if isinstance(value, Mapping):
        return {str(name): to_wire(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_wire(item) for item in value]
    return str(value) if isinstance(value, Decimal) else value


def references(value: Any) -> tuple[Ref, ...]:
    """All references inside a value, in order."""
    if isinstance(value, Ref):
        return (value,)
    if isinstance(value, Wire):
        return tuple(ref for f in fields(value) for ref in references(getattr(value, f.name)))
    if isinstance(value, Mapping):
        return tuple(ref for item in value.values() for ref in references(item))
    if isinstance(value, list | tuple):
        return tuple(ref for item in value for ref in references(item))
    return ()


def resolved(value: T, answer: Callable[[Ref], Any]) -> T:
    """The value with every reference replaced by what `answer(ref)` gives."""
    return value if not references(value) else _resolved(value, answer)


def _resolved(value: Any, answer: Callable[[Ref], Any]) -> Any:
    if isinstance(value, Ref):
        return answer(value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: _resolved(getattr(value, f.name), answer) for f in fields(value)})
    if isinstance(value, Mapping):
        return {name: _resolved(item, answer) for name, item in value.items()}
    if isinstance(value, tuple):
        return tuple(_resolved(item, answer) for item in value)
    return value
