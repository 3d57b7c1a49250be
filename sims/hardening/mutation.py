"""Documents that somebody typed wrong, or that something damaged."""

import random
import re
from collections.abc import Callable

VALUES = (
    *("0", "-1", "1", "2", "1.5", "-0.0", "1e308", "1e-308", "1e400", "nan", "inf", "-inf"),
    *("2147483647", "-2147483649", "9223372036854775808", "100000", "30000000", "9" * 40),
    *("9" * 5000, "0x7fffffffffffffff", "1_000_000", "1e9", "4096", "65", "true", "false"),
    *('""', "'x'", '"' + "x" * 5000 + '"', '"ü🐁\\u0000"', '"\\ud800"', "''' '''", '"nan"'),
    *("[]", "{}", "[[]]", "[1, 'a', {}]", "[" * 60 + "]" * 60, "[" * 3000 + "]" * 3000),
    *("[" + "1.0, " * 3000 + "]", "[nan, inf]", "{ kind = 3 }", "{ kind = 'es' }"),
    *("1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", "2020-13-40", "{ a.b.c = 1 }"),
)
"""What may stand where another value was expected."""
_ASSIGNMENT = re.compile(r"^(\s*[A-Za-z0-9_.\"-]+\s*=\s*)(.+)$")
_TABLES = ("[", "]", "[[", "]]", "=", '"""', "'''", "#", "\\", "\0", "\r", "\ufeff", "\u2028", "é")


def mutated(text: str, others: list[str], chance: random.Random) -> bytes:
    """Return a document changed in a few of many ways.

    Args:
        text: of a good document.
        others: good documents, of which lines may come in.
        chance: decides.
    """
    data = text
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        data = chance.choice(_WAYS)(data, others, chance)
    raw = data.encode("utf-8", "surrogatepass")
    return _raw(raw, chance) if chance.random() < 0.15 else raw


def _value(text: str, others: list[str], chance: random.Random) -> str:
    """Give a key another value: of the list, or of another key."""
    lines, places = _assignments(text)
    if not places:
        return text
    place = chance.choice(places)
    found = _ASSIGNMENT.match(lines[place])
    value = chance.choice(VALUES)
    if chance.random() < 0.4:
        of, where = _assignments(chance.choice(others))
        value = of[chance.choice(where)].partition("=")[2] if where else value
    lines[place] = f"{found[1] if found else ''}{value}"
    return "\n".join(lines)


def _number(text: str, _: list[str], chance: random.Random) -> str:
    """Change one number, often to a huge one."""
    found = list(re.finditer(r"\d+(?:\.\d+)?", text))
    if not found:
        return text
    at = chance.choice(found)
    new = chance.choice(VALUES[:25]) if chance.random() < 0.5 else str(chance.randrange(10**9))
    return text[: at.start()] + new + text[at.end() :]


def _lose(text: str, _: list[str], chance: random.Random) -> str:
    lines = text.split("\n")
    del lines[chance.randrange(len(lines))]
    return "\n".join(lines)


def _double(text: str, others: list[str], chance: random.Random) -> str:
    """Repeat a line, or take one of another document."""
    lines = text.split("\n")
    source = lines if chance.random() < 0.5 else chance.choice(others).split("\n")
    lines.insert(chance.randrange(len(lines) + 1), chance.choice(source))
    return "\n".join(lines)


def _rename(text: str, _: list[str], chance: random.Random) -> str:
    words = list(re.finditer(r"[A-Za-z_]{3,}", text))
    if len(words) < 2:
        return text
    at, by = chance.sample(words, 2)
    return text[: at.start()] + by[0] + text[at.end() :]


def _insert(text: str, _: list[str], chance: random.Random) -> str:
    place = chance.randrange(len(text) + 1)
    return text[:place] + chance.choice(_TABLES + VALUES) + text[place:]


def _cut(text: str, _: list[str], chance: random.Random) -> str:
    return text[: chance.randrange(len(text) + 1)]


def _nest(text: str, _: list[str], chance: random.Random) -> str:
    deep = chance.choice((3, 50, 400, 5000))
    name = ".".join(["a"] * deep)
    return f"{text}\n{chance.choice((name + ' = 1', f'[{name}]', f'[[{name}]]'))}\n"


def _raw(data: bytes, chance: random.Random) -> bytes:
    """Damage what is on the disk, and not what was typed."""
    if chance.random() < 0.2:
        return chance.randbytes(chance.randrange(400))
    changed = bytearray(data)
    for _ in range(chance.randrange(1, 5)):
        if changed:
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _assignments(text: str) -> tuple[list[str], list[int]]:
    lines = text.split("\n")
    return lines, [place for place, line in enumerate(lines) if _ASSIGNMENT.match(line)]


_Way = Callable[[str, list[str], random.Random], str]
_WAYS: tuple[_Way, ...] = (
    *(_value, _value, _value, _number, _number, _lose, _double, _rename, _insert, _cut, _nest),
)
