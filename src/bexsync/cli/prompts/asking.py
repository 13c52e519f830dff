"""Questions with a default: answered by an option, on a terminal by a person, else by the default."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Mapping
from typing import Any, TypeVar

import typer

from bexsync.errors import BexsyncError, UsageProblem
from bexsync.ports.shop_package import Question

T = TypeVar("T")


class Asker:
    """Gets answers: an option's is final, a person's is asked for until it will do."""

    def __init__(self, options: Mapping[str, str | None], *, asks: bool) -> None:
        self._options = options
        self.asks = asks

    def answer(self, question: Question[T]) -> T:
        """The answer; raises BexsyncError where an option, or a default that nobody can correct, will not do."""
        if self.given(question.option) is not None:
            return self.option(question)
        if not self.asks:
            return question.check(question.default)
        if question.words:
            tell()
        for line in question.words:
            tell(line)
        while True:
            said = _typed(f"{question.prompt} [{question.shown or question.default}]")
            try:
                return question.check(_printing(said or question.default))
            except BexsyncError as problem:
                tell_problem(problem)

    def option(self, question: Question[T]) -> T:
        """What the command line says, which nobody corrects; raises BexsyncError with the option's name."""
        try:
            return question.check(self.given(question.option) or "")
        except BexsyncError as problem:
            raise type(problem)(f"{question.option}: {problem.message}", problem.hint, code=problem.code) from problem

    def given(self, option: str) -> str | None:
        """What the command line says."""
        value = self._options.get(option)
        return None if value is None else _printing(value.strip())

    def agrees(self, question: str) -> bool:
        """Yes or no; yes where nobody is asked."""
        while self.asks:
            said = _typed(f"{question} [Y/n]").casefold()
            if said in ("", "y", "yes", "j", "ja", "o", "oui", "s", "si", "sì"):
                return True
            if said in ("n", "no", "nein", "non"):
                return False
            tell("  Say y for yes or n for no.")
        return True


def _typed(prompt: str) -> str:
    return str(typer.prompt(_styled(prompt, fg="cyan"), default="", show_default=False, err=True)).strip()


def _styled(text: str, **style: Any) -> str:
    """What stands out on a terminal whose owner has nothing against it."""
    return typer.style(text, **style) if sys.stderr.isatty() and not os.environ.get("NO_COLOR") else text


def _printing(text: str) -> str:
    """Arrow keys and other strays are no part of an answer."""
    if not text.isprintable():
        raise UsageProblem("That holds signs that do not print.", "Type it again.")
    return text


def tell(text: str = "") -> None:
    """Words of the conversation go where the questions go, so that a script reads nothing but the result."""
    room = shutil.get_terminal_size().columns if sys.stderr.isatty() else 0
    if room and len(text) > room and "\n" not in text:
        margin = " " * (len(text) - len(text.lstrip()))
        text = textwrap.fill(text, room, subsequent_indent=margin, break_long_words=False, break_on_hyphens=False)
    typer.echo(text, err=True)


def tell_heading(text: str) -> None:
    """The next part of the conversation."""
    tell(f"\n{_styled(text, bold=True)}")


def tell_problem(problem: BexsyncError) -> None:
    """Why an answer will not do."""
    tell(f"  {problem.message} {problem.hint}".rstrip())
