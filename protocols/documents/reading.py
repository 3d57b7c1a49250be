"""From a file to plain data, or to what stands in the way."""

import difflib
import re
import tomllib
from pathlib import Path
from typing import Any

from protocols.documents.lines import lines_of
from protocols.documents.problems import DocumentError, Problem, Where

_REMEDIES = {
    "Invalid value": "text goes in quotes, true and false are written small, a number is 1 or 0.5",
    "Cannot overwrite": "give each key and each table once",
    "Cannot declare": "give each key and each table once",
    "Cannot redefine": "give each key and each table once",
    "Duplicate": "give each key once",
    "Cannot mutate": "an inline table holds all its keys itself; write a [table] to add to it",
    "Expected '='": "write key = value",
    "Unclosed array": "close the list with ]",
    "Unclosed inline table": "close the table with }, on the same line",
    "Unterminated string": "close the text with its quotes",
    "Expected \"'": "close the text with its quotes",
    "Illegal character '\\n'": "close the text with its quotes, on the same line",
    "Invalid statement": "write key = value or [table]",
    "Expected newline": "write one key = value on each line",
    "Unescaped '\\'": "write \\\\ for a backslash, or use single quotes",
}

_TOO_DEEP = "tables or lists are nested too deeply"
_DEEPEST = 100
"""Dots in a key."""
_DOT = re.compile(r"[ \t]*\.[ \t.]*")
_APART = re.compile(r"[\s,=\[\]{}#]+")


def read(path: Path) -> str:
    """Return a file's text.

    Raises:
        DocumentError: when there is no such file, or no text in it.
    """
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        reason = f"no such file{_similar(path)}"
    except IsADirectoryError:
        reason = f"expected a TOML file, got a folder{_similar(path / 'experiment.toml')}"
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        byte = error.object[error.start]
        reason = f"expected UTF-8 text, got byte 0x{byte:02x}; save the file as UTF-8"
        raise DocumentError([Problem(str(path), line, "", reason)]) from None
    except OSError as error:
        reason = f"can't be read: {error.strerror}"
    raise DocumentError([Problem(str(path), None, "", reason)])


def _similar(path: Path) -> str:
    beside = sorted(p.name for p in path.parent.glob("*.toml")) if path.parent.is_dir() else []
    close = difflib.get_close_matches(path.name, beside, n=1)
    return f"; did you mean '{path.with_name(close[0])}'?" if close else "; check the path"


def data_of(text: str, name: str) -> tuple[dict[str, Any], dict[Where, int]]:
    """Parse TOML; also map each path to its line.

    Raises:
        DocumentError: with line, column and remedy, when it isn't TOML.
    """
    _check_depth(text, name)
    try:
        return tomllib.loads(text), lines_of(text)
    except RecursionError:
        raise DocumentError([Problem(name, 1, "", _TOO_DEEP)]) from None
    except ValueError as error:
        raise DocumentError([_malformed(text, name, str(error))]) from None


def _check_depth(text: str, name: str) -> None:
    """Refuse keys of very many parts: tomllib takes the square of their number."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.count(".") <= _DEEPEST:
            continue
        words = _APART.split(_DOT.sub(".", line))
        if max(word.count(".") for word in words) > _DEEPEST:
            raise DocumentError([Problem(name, number, "", _TOO_DEEP)])


def _malformed(text: str, name: str, message: str) -> Problem:
    what, _, place = message.partition(" (at ")
    if found := re.match(r"line (\d+), column (\d+)", place):
        line, column = int(found[1]), int(found[2])
    else:
        line, column = text.count("\n") + 1, len(text) - text.rfind("\n")
    remedy = next((r for start, r in _REMEDIES.items() if what.startswith(start)), "")
    reason = f"column {column}: not valid TOML: {what[:1].lower()}{what[1:]}"
    return Problem(name, line, "", f"{reason}; {remedy}" if remedy else reason)
