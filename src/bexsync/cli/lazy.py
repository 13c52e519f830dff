"""Groups whose commands are made when they are asked for: to describe all takes longer than most of them run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

from typer.core import TyperGroup

Make = Callable[[], Any]  # a command or group as click knows it, which typer names in no other way


class LazyCommands(MutableMapping[str, Any]):
    """The commands of a group by their names, in the order in which they are listed."""

    def __init__(self, makers: Mapping[str, Make]) -> None:
        self._makers = dict(makers)
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._makers[name] = lambda: command

    def __delitem__(self, name: str) -> None:
        del self._makers[name]
        self._made.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


def lazy_group(makers: Mapping[str, Make]) -> type[TyperGroup]:
    """The class of a group with these commands; `makers` may still grow until the group is made."""

    class LazyGroup(TyperGroup):
        def __init__(self, **attributes: Any) -> None:
            super().__init__(**attributes)
            self.commands = LazyCommands(makers)

        def list_commands(self, ctx: Any) -> list[str]:
            del ctx
            return list(self.commands)

    return LazyGroup
