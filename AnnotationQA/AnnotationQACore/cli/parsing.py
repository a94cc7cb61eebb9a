"""Arguments of commands: a mistake in them is one line that says what is wrong, what was meant, and where help is."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Iterable, Iterator
from typing import NoReturn

from AnnotationQACore.cli.console import say
from AnnotationQACore.cli.examples import examples_of

__all__ = ["CommandParser", "meant"]

_BAD_USE = 2
_EXAMPLES = "examples:\n"
_NUMBER = {"int": "whole number", "float": "number"}


class CommandParser(argparse.ArgumentParser):
    """Parser of one command or one of its steps; its examples come from `AnnotationQACore.cli.examples`.

    Options are written out in full: what is an abbreviation today may name two options tomorrow.
    """

    def __init__(self, prog: str, description: str | None = None, **more: object) -> None:
        shown = examples_of(prog)
        super().__init__(
            prog=prog,
            description=description,
            epilog=_EXAMPLES + "\n".join(f"  {line}" for line in shown) if shown else None,
            formatter_class=_Formatter,
            allow_abbrev=False,
            **more,  # type: ignore[arg-type]  # what add_parser hands on
        )

    def error(self, message: str) -> NoReturn:
        """Print one line and end with exit code 2."""
        say(f"{self.prog}: {self._in_words(message)}; see {self.prog} --help.")
        raise SystemExit(_BAD_USE)

    def _in_words(self, message: str) -> str:
        message = " ".join(message.split())
        if message.startswith("unrecognized arguments: "):
            return self._unknown(message.removeprefix("unrecognized arguments: "))
        if message.startswith("the following arguments are required: "):
            return self._missing(message.removeprefix("the following arguments are required: "))
        message = message.removeprefix("argument ")
        if wrong := re.fullmatch(r"(.+?): invalid (int|float) value: (.*)", message):
            return f"{wrong[1]}: {wrong[3]} is no {_NUMBER[wrong[2]]}"
        if wrong := re.fullmatch(r"(.+?): invalid choice: (.*) \(choose from (.*)\)", message):
            choices = [choice.strip().strip("'") for choice in wrong[3].split(",")]
            return f"{wrong[1]}: {wrong[2]} is none of {', '.join(choices)}{meant(wrong[2].strip(chr(39)), choices)}"
        return message

    def _unknown(self, words: str) -> str:
        first = words.split(" ")[0]
        if first.startswith("-"):
            return f"there is no option '{first}'{meant(first.split('=')[0], _options(self))}"
        return f"'{first}' is one word too many (put a name with spaces in quotes)"

    def _missing(self, names: str) -> str:
        steps = next((a.choices for a in self._actions if isinstance(a, argparse._SubParsersAction)), None)
        if steps and names == next(a.metavar for a in self._actions if isinstance(a, argparse._SubParsersAction)):
            return f"say which {names}: {', '.join(steps)}"
        return f"{names} {'are' if ', ' in names else 'is'} missing"


class _Formatter(argparse.HelpFormatter):
    """Lines of examples stay as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if text.startswith(_EXAMPLES) else super()._fill_text(text, width, indent)


def meant(word: str, known: Iterable[str]) -> str:
    """`` (did you mean '...'?)`` when one of the known words is close."""
    close = difflib.get_close_matches(word.lower(), list(known), 1, 0.6)
    return f" (did you mean '{close[0]}'?)" if close else ""


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    """All options of a parser and of its steps."""
    for action in parser._actions:
        yield from (option for option in action.option_strings if option.startswith("--"))
        if isinstance(action, argparse._SubParsersAction):
            for step in action.choices.values():
                yield from _options(step)
