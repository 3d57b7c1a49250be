"""Plain data written as TOML: values of a table first, then its tables, in the order given."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from protocols.documents.problems import key, quoted

_WIDTH = 100
_SHOWN = 40


def write(data: Mapping[str, Any]) -> str:
    """Write nested tables, lists, text, numbers and booleans as TOML that parses back to them.

    Raises:
        TypeError: for a value that TOML can't hold, such as None.
    """
    return "\n".join(_table(data, ())).lstrip("\n") + "\n"


def inline(value: Any) -> str:
    """Write one value on one line."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return quoted(value)
        case Mapping():
            pairs = ", ".join(f"{key(k)} = {inline(v)}" for k, v in value.items())
            return f"{{ {pairs} }}" if pairs else "{}"
        case Sequence():
            return f"[{', '.join(map(inline, value))}]"
        case _:
            raise TypeError(f"expected text, a number, a boolean, a list or a table, got {value!r}")


def shown(value: Any) -> str:
    """Write a value for a message: as TOML, shortened."""
    try:
        text = inline(value)
    except (TypeError, ValueError):
        return f"a {type(value).__name__}"
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _table(data: Mapping[str, Any], names: tuple[str, ...]) -> Iterator[str]:
    for name, value in data.items():
        if not _is_table(value) and not _is_tables(value):
            yield f"{key(name)} = {_value(value)}"
    for name, value in data.items():
        inner = (*names, name)
        header = ".".join(map(key, inner))
        if _is_table(value):
            yield from ("", f"[{header}]", *_table(value, inner))
        elif _is_tables(value):
            for item in value:
                yield from ("", f"[[{header}]]", *_table(item, inner))


def _value(value: Any) -> str:
    line = inline(value)
    if isinstance(value, str) or not isinstance(value, Sequence) or len(line) <= _WIDTH:
        return line
    return "\n".join(["[", *(f"  {inline(item)}," for item in value), "]"])


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping)


def _is_tables(value: Any) -> bool:
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    return is_list and bool(value) and all(map(_is_table, value))
