"""A fault as data: which requests it changes, and how."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from bexio_sandbox.faults.kinds import KINDS, Kind
from bexio_sandbox.faults.parameters import FaultError, Parameter, Unfit, advice, one_of, text, whole

_ANY = "*"
_IDENTITY = "/realms/"
_METHODS = ("*", "GET", "POST", "PUT", "PATCH", "DELETE")


def is_of_identity(path: str) -> bool:
    """Return whether a path is one of the identity server, which only a fault with a path of its own strikes."""
    return path.startswith(_IDENTITY)


def _path(value: Any) -> str:
    if not text(value).startswith(("/", "*")):
        raise Unfit('write a path from its beginning, such as "/2.0/kb_invoice/{id}/send" or "*/send".')
    return str(value)


WHERE: dict[str, Parameter] = {
    "method": Parameter(one_of(*_METHODS), "*"),
    "path": Parameter(_path, _ANY),
    "nth": Parameter(whole(1), 1),
    "repeat": Parameter(whole(0), 1),
}


@dataclass(frozen=True, init=False)
class Fault:
    """Strikes from the nth matching request on, on `repeat` of them; 0 means for ever.

    A path may hold {id} for one part and * for any number of them. What else a fault can be told depends on its name.
    """

    name: str
    method: str
    path: str
    nth: int
    repeat: int
    parameters: Mapping[str, Any] = field(hash=False)

    def __init__(
        self, /, name: str, method: str = "*", path: str = "*", *, nth: int = 1, repeat: int = 1, **parameters: Any
    ) -> None:
        if not isinstance(name, str) or name not in KINDS:
            raise FaultError("name", f"there is no fault {name!r}; {advice(name, KINDS)}")
        where = {"method": method, "path": path, "nth": nth, "repeat": repeat}
        cleaned = {key: WHERE[key].read(key, value) for key, value in where.items()}
        for key, value in {"name": name, **cleaned, "parameters": _checked(name, parameters)}.items():
            object.__setattr__(self, key, value)

    def __getitem__(self, key: str) -> Any:
        return self.parameters.get(key, self.kind.parameters[key].default)

    @property
    def kind(self) -> Kind:
        """What the name stands for."""
        return KINDS[self.name]

    def matches(self, method: str, path: str) -> bool:
        """Return whether a request is one of those that count."""
        if is_of_identity(path) and self.path == _ANY:
            return False
        if self.method not in ("*", method) or not self._pattern.fullmatch(path):
            return False
        return self.kind.fits is None or self.kind.fits.fullmatch(f"{method} {path}") is not None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        parts = re.split(r"(\{id\}|\*)", self.path)
        return re.compile("".join({"*": ".*", "{id}": "[^/]+"}.get(part, re.escape(part)) for part in parts))


def _checked(name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    kind = KINDS[name]
    for key in parameters:
        if key not in kind.parameters:
            raise FaultError(key, _unknown_key(name, key))
    for key, parameter in kind.parameters.items():
        if parameter.is_required and key not in parameters:
            raise FaultError(key, f"it is missing, and {name} needs it.")
    cleaned = {key: kind.parameters[key].read(key, value) for key, value in parameters.items()}
    if kind.check:
        kind.check(cleaned)
    return cleaned


def _unknown_key(name: str, key: str) -> str:
    known = ["name", *WHERE, *KINDS[name].parameters]
    return f"{name} has no such key; {advice(key, known)}"
