"""Groups whose commands are made when they are asked for: to describe all takes longer than most of them run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from functools import partial
from typing import Any

from typer.core import TyperCommand, TyperGroup

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

        def get_params(self, ctx: Any) -> list[Any]:
            return _sparing(super().get_params(ctx))

    return LazyGroup


class LightCommand(TyperCommand):
    """A command that loads pydantic, by which typer checks values, only for a value that is to be checked."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, each with its value as it is where nothing has to be checked."""
        return _sparing(super().get_params(ctx))


def _sparing(parameters: list[Any]) -> list[Any]:
    for parameter in parameters:
        if "process_value" not in vars(parameter):
            parameter.process_value = partial(_processed, parameter, parameter.process_value)
    return parameters


def _processed(parameter: Any, check: Callable[[Any, Any], Any], context: Any, value: Any) -> Any:
    """The value, as it is where it was not given, where it is counted, and where any text will do."""
    described = getattr(parameter, "type_descriptor", None)  # which typer has from 0.29 on
    is_any_text = described is not None and described.annotation is str and isinstance(value, str)
    is_left_out = value is None and (context.resilient_parsing or not parameter.required)
    if not (is_left_out or is_any_text or getattr(parameter, "count", False)):
        return check(context, value)
    if value is None and (parameter.multiple or parameter.nargs == -1):
        value = ()
    return parameter.callback(context, parameter, value) if parameter.callback else value
