"""What is wrong with a document, one line a mistake."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

Where = tuple[str | int, ...]
"""The path to a value: keys of tables and indices of lists."""

OVERRIDE = "--set"
"""The `Problem.path` of a mistake that comes from an override and not from a file."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPED = re.compile(r'["\\\x00-\x1f\x7f]')
_SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a document."""

    path: str
    """The file as it was named, or `--set`."""
    line: int | None
    """Line in the file, from 1; None where there is none."""
    field: str
    """Dotted path of the field; empty for the whole document."""
    reason: str
    """What was expected, what came, what to do."""

    def __str__(self) -> str:
        """Return `path:line: field: reason`, or `--set field: reason`."""
        if self.path == OVERRIDE:
            return f"{OVERRIDE} {self.field}: {self.reason}"
        line = "" if self.line is None else f":{self.line}"
        field = f"{self.field}: " if self.field else ""
        return f"{self.path}{line}: {field}{self.reason}"


class DocumentError(Exception):
    """A document can't be used; its text is one line for each problem, sorted by line."""

    problems: tuple[Problem, ...]

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=_rank))
        super().__init__("\n".join(map(str, self.problems)))


def dotted(where: Where) -> str:
    """Write a path as TOML and `--set` do: `stages.0."odd key"`."""
    return ".".join(key(part) if isinstance(part, str) else str(part) for part in where)


def key(part: str) -> str:
    """Write a key as TOML does: bare where it can be, else in quotes."""
    return part if _BARE_KEY.fullmatch(part) else quoted(part)


def quoted(text: str) -> str:
    """Write text as a one-line TOML string."""
    return f'"{_ESCAPED.sub(_escape, text)}"'


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    return _SHORT.get(character, f"\\u{ord(character):04x}")


def _rank(problem: Problem) -> tuple[bool, int, str]:
    return problem.path == OVERRIDE, problem.line or 0, problem.field
