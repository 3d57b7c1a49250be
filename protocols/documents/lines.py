"""Where each key of a TOML text stands: from its path to its line."""

import re
import tomllib
from collections.abc import Iterator
from itertools import pairwise

from protocols.documents.problems import Where

_TOKEN = re.compile(
    r'''(?P<string>"""(?:\\.|[^\\])*?"""(?:"{0,2})|\'\'\'.*?\'\'\'(?:'{0,2})'''
    r"""|"(?:\\.|[^"\\])*"|'[^']*')"""
    r"""|(?P<skipped>\#[^\n]*|[^\S\n]+)|(?P<mark>[\[\]{},=.\n])|(?P<word>[^\s\[\]{},=."'#]+)""",
    re.DOTALL,
)


def lines_of(text: str) -> dict[Where, int]:
    """Map the path of each key, list element and table of a valid TOML text to its line."""
    return _Scanner(text).scan()


class _Scanner:
    """Reads tokens from left to right; the text is known to be valid."""

    def __init__(self, text: str) -> None:
        self._tokens = [*_tokens(text), ("\n", 0), ("", 0)]
        self._at = 0
        self._lines: dict[Where, int] = {}
        self._lengths: dict[Where, int] = {}

    def scan(self) -> dict[Where, int]:
        table: Where = ()
        while self._next:
            if self._take("["):
                table = self._header()
            elif not self._take("\n"):
                self._pair(table)
        return self._lines

    @property
    def _next(self) -> str:
        return self._tokens[self._at][0]

    @property
    def _line(self) -> int:
        return self._tokens[self._at][1]

    def _take(self, token: str) -> bool:
        taken = self._next == token
        self._at += taken
        return taken

    def _header(self) -> Where:
        line, repeated = self._line, self._take("[")
        where: Where = ()
        *parents, last = self._key("]")
        self._take("]")
        for part in parents:
            where = self._current((*where, part), line)
        where = (*where, last)
        if repeated:
            self._lengths[where] = self._lengths.get(where, 0) + 1
            where = self._current(where, line)
        self._lines[where] = line
        return where

    def _current(self, where: Where, line: int) -> Where:
        """Step into the newest element if `where` is an array of tables."""
        self._lines.setdefault(where, line)
        return (*where, self._lengths[where] - 1) if where in self._lengths else where

    def _key(self, end: str) -> list[str]:
        parts = []
        while not self._take(end):
            if not self._take("."):
                parts.append(_unquoted(self._next))
                self._at += 1
        return parts

    def _pair(self, table: Where) -> None:
        line, where = self._line, table
        for part in self._key("="):
            where = (*where, part)
            self._lines.setdefault(where, line)
        self._value(where)

    def _value(self, where: Where) -> None:
        if self._take("["):
            self._list(where)
        elif self._take("{"):
            while not self._take("}"):
                if not self._take(",") and not self._take("\n"):
                    self._pair(where)
        else:
            while self._next not in {",", "]", "}", "\n"}:
                self._at += 1

    def _list(self, where: Where) -> None:
        index = 0
        while not self._take("]"):
            if not self._take(",") and not self._take("\n"):
                self._lines[*where, index] = self._line
                self._value((*where, index))
                index += 1


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    line, starts = 1, [match.start() for match in _TOKEN.finditer(text)]
    for match, (start, end) in zip(
        _TOKEN.finditer(text), pairwise([*starts, len(text)]), strict=True
    ):
        if match.lastgroup != "skipped":
            yield match.group(), line
        line += text.count("\n", start, end)


def _unquoted(part: str) -> str:
    return tomllib.loads(f"key = {part}")["key"] if part[0] in "\"'" else part
