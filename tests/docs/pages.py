"""The commands and programs that stand in the project's pages."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", "CONTRIBUTING.md", *sorted(f"docs/{p.name}" for p in ROOT.glob("docs/*.md"))]
UNAVAILABLE = re.compile(r"#.*\bneeds\b")
"""A command with such a comment can't be run here: there is no board, or no animal."""
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`(biasloop [^`]+|\./dev [^`]+|python -m [^`]+)`")


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a page."""

    page: str
    words: tuple[str, ...]
    runs: bool
    """Whether it stands in a block and can be run here."""


def text(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def _first_hour(page: str) -> str:
    """What of a page is followed from its beginning to its end: README's first hour, or all."""
    _, head, rest = page.partition("## The first hour\n")
    return rest.partition("\n## ")[0] if head else page


def blocks(page: str, language: str) -> list[str]:
    """The blocks of one language, in their order."""
    return [body for kind, body in _BLOCK.findall(text(page)) if kind == language]


def commands(page: str) -> Iterator[Command]:
    """Every command of a page: those in blocks, in their order, then those in sentences."""
    followed = _first_hour(text(page))
    for block in blocks(page, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            words = tuple(shlex.split(line, comments=True))
            if words:
                runs = block in followed and not UNAVAILABLE.search(line)
                yield Command(page, words, runs)
    for inline in _INLINE.findall(_BLOCK.sub("", text(page))):
        yield Command(page, tuple(shlex.split(inline.replace("…", ""))), False)
