"""What a schema expects, in human words: "a number > 0", "a list of 2 values, each …"."""

from collections.abc import Callable, Mapping
from typing import Any

from protocols.documents.canonical import inline
from protocols.documents.schema import LISTS, TABLES, Expectation, Schema, tag_key

_SIGNS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}


def describe(
    expectation: Expectation, schema: Schema | None, bounds: Mapping[str, Any] | None = None
) -> str | None:
    """Say what is expected; None where pydantic says it better.

    Args:
        expectation: knows what the schema's references mean.
        schema: a node as `Expectation.follow` returned it.
        bounds: those that the schema doesn't hold, from pydantic's error.
    """
    if schema is None:
        return None
    node = {**(bounds or {}), **expectation.unwrap(schema)}
    word = _WORDS.get(node["type"])
    return None if word is None else word(expectation, node)


def _number(noun: str) -> Callable[[Expectation, Schema], str]:
    def number(_: Expectation, node: Schema) -> str:
        limits = [f"{sign} {node[name]}" for name, sign in _SIGNS.items() if name in node]
        multiple = [f"a multiple of {node['multiple_of']}"] if "multiple_of" in node else []
        return f"{noun} {' and '.join(limits + multiple)}".rstrip()

    return number


def _boolean(_: Expectation, __: Schema) -> str:
    return "true or false"


def _text(_: Expectation, node: Schema) -> str:
    size = _size(node, "character")
    pattern = f" that matches {node['pattern']}" if node.get("pattern") else ""
    return f"text{size and f' of {size}'}{pattern}"


def _literal(_: Expectation, node: Schema) -> str:
    return _one_of([inline(value) for value in node["expected"]])


def _union(expectation: Expectation, node: Schema) -> str | None:
    choices = [choice[0] if isinstance(choice, tuple) else choice for choice in node["choices"]]
    words = [describe(expectation, choice) for choice in choices]
    return " or ".join(filter(None, words)) or None


def _tagged_union(_: Expectation, node: Schema) -> str:
    return f"a table with {tag_key(node)} = {_one_of([inline(tag) for tag in node['choices']])}"


def _table(_: Expectation, __: Schema) -> str:
    return "a table"


def _list(expectation: Expectation, node: Schema) -> str:
    items = node.get("items_schema")
    if node["type"] == "tuple" and node.get("variadic_item_index") is None:
        each = [describe(expectation, item) or "a value" for item in node["items_schema"]]
        return f"a list of {_count(len(each), 'value')}: {', '.join(each)}"
    size = _size(node, "value") or "values"
    each = describe(expectation, items[0] if isinstance(items, list) else items)
    return f"a list of {size}{f', each {each}' if each else ''}"


_WORDS: dict[str, Callable[[Expectation, Schema], str | None]] = {
    "int": _number("a whole number"),
    "float": _number("a number"),
    "bool": _boolean,
    "str": _text,
    "literal": _literal,
    "union": _union,
    "tagged-union": _tagged_union,
    **dict.fromkeys(TABLES, _table),
    **dict.fromkeys(LISTS, _list),
}


def _size(node: Schema, noun: str) -> str:
    """Return "1 to 3 values" from the lengths allowed, empty if any is."""
    low, high = node.get("min_length") or 0, node.get("max_length")
    if high is None:
        return f"at least {_count(low, noun)}" if low else ""
    if low == high:
        return _count(high, noun)
    return f"{low} to {_count(high, noun)}" if low else f"at most {_count(high, noun)}"


def _one_of(words: list[str]) -> str:
    return " or ".join(words) if len(words) < 3 else f"one of {', '.join(words)}"


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
