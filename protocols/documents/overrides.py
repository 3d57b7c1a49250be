"""Overrides of single values, as `--set learner.ridge=0.1` gives them."""

import tomllib
from dataclasses import dataclass
from typing import Any, NoReturn

from protocols.documents.canonical import shown
from protocols.documents.problems import OVERRIDE, DocumentError, Problem, Where, dotted


@dataclass(frozen=True, slots=True)
class Override:
    """One value to put in the place of the document's."""

    field: str
    """The path as it was given."""
    where: Where
    """The path, indices of lists as numbers."""


def apply(data: dict[str, Any], text: str) -> Override:
    """Change `data` as `path=value` says, and return where.

    The value is read as TOML; what isn't TOML is text. Tables on the way are made.

    Raises:
        DocumentError: when there is no `=`, or the path leads through what is no table or list.
    """
    field, equals, value = text.partition("=")
    field = field.strip()
    if not _is_text(text):
        _refuse(ascii(text), "expected UTF-8 text")
    if not equals:
        _refuse(field, "expected path=value, such as learner.ridge=0.1; there is no '='")
    parts = _parts(field)
    holder: Any = data
    where: Where = ()
    while True:
        index = _index(holder, parts[len(where)], field, where)
        rest = parts[len(where) + 1 :]
        if not rest or (isinstance(holder, dict) and index not in holder):
            holder[index] = _nested(rest, _value(value), field)
            return Override(field, (*where, index, *rest))
        holder, where = holder[index], (*where, index)


def _parts(field: str) -> list[str]:
    """Split a dotted path as TOML does."""
    try:
        node: Any = tomllib.loads(f"{field} = 0")
    except (ValueError, RecursionError):
        node = None
    parts = []
    while isinstance(node, dict) and len(node) == 1:
        ((part, node),) = node.items()
        parts.append(part)
    if node != 0:
        _refuse(
            field or "=", "expected keys joined by dots before the '=', such as learner.ridge=0.1"
        )
    return parts


def _index(holder: Any, part: str, field: str, where: Where) -> str | int:
    if isinstance(holder, dict):
        return part
    name = dotted(where)
    if not isinstance(holder, list):
        _refuse(field, f"{name} is {shown(holder)}, no table, so it can't have a '{part}'")
    if part not in map(str, range(len(holder))):
        allowed = f"0 to {len(holder) - 1}" if holder else "none: it is empty"
        _refuse(field, f"{name} is a list; expected an index ({allowed}), got '{part}'")
    return int(part)


def _nested(names: list[str], value: Any, field: str) -> Any:
    """Wrap a value in the tables that are missing on the way to it."""
    for name in reversed(names):
        if name.isdecimal():
            _refuse(field, f"the document has no list with an element {name}; set the whole list")
        value = {name: value}
    return value


def _value(text: str) -> Any:
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text.strip()
    return parsed["value"] if len(parsed) == 1 else text.strip()


def _is_text(text: str) -> bool:
    """Tell whether the command line held UTF-8; what isn't arrives as lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _refuse(field: str, reason: str) -> NoReturn:
    raise DocumentError([Problem(OVERRIDE, None, field, reason)])
