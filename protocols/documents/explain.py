"""Pydantic's errors in the words of the person who wrote the document."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from protocols.documents.canonical import inline, shown
from protocols.documents.problems import Where
from protocols.documents.schema import Expectation, Schema, tag_key
from protocols.documents.wording import describe

_SELF_EXPLAINED = {"value_error", "assertion_error"}


class Finding(NamedTuple):
    """One mistake, not yet traced to a line."""

    where: Where
    """The path of the field."""
    stands: Where
    """The path of what is in the document: the field, or its table if the field is missing."""
    reason: str


def explain(error: ValidationError, model: type[BaseModel]) -> Iterator[Finding]:
    """Translate each error; the choices of a plain union give one finding together."""
    expectation = Expectation(model)
    seen: set[Where] = set()
    for details in error.errors(include_url=False):
        if _follows_from_others(details):
            continue
        where, schema = expectation.follow(details["loc"])
        if schema is not None and schema["type"] == "union":
            if where in seen:
                continue
            seen.add(where)
        yield _finding(details, where, schema, expectation)


def suggest(name: str, allowed: Iterable[str]) -> str:
    """Return "; did you mean 'near'? allowed: all of them", as far as there is something to say."""
    names = list(allowed)
    close = difflib.get_close_matches(name, names, n=1)
    near = f"; did you mean '{close[0]}'?" if close else ""
    if not names:
        return near
    return f"{near or ';'} allowed: {', '.join(names)}"


def _follows_from_others(details: ErrorDetails) -> bool:
    """Tell whether a list is only called too short because some of its elements are wrong."""
    given = details["input"]
    is_counted = details["type"] == "too_short" and isinstance(given, list)
    return is_counted and len(given) >= details.get("ctx", {})["min_length"]


def _finding(
    details: ErrorDetails, where: Where, schema: Schema | None, expectation: Expectation
) -> Finding:
    match details["type"]:
        case "missing":
            return Finding(where, where[:-1], _missing(schema, expectation))
        case "extra_forbidden" | "unexpected_keyword_argument":
            name = str(where[-1])
            allowed = expectation.keys(details["loc"][:-1])
            return Finding(where, where, f"unknown key '{name}'{suggest(name, allowed)}")
        case "union_tag_invalid" if schema is not None:
            where = (*where, tag_key(schema))
            return Finding(where, where, _unknown_kind(details, schema))
        case "union_tag_not_found" if schema is not None:
            allowed = ", ".join(map(str, schema["choices"]))
            reason = f"has no '{tag_key(schema)}'; add one, allowed: {allowed}"
            return Finding(where, where, reason)
        case _:
            return Finding(where, where, _mismatch(details, schema, expectation))


def _missing(schema: Schema | None, expectation: Expectation) -> str:
    return f"missing; give {describe(expectation, schema) or 'a value'}"


def _unknown_kind(details: ErrorDetails, union: Schema) -> str:
    key, given = tag_key(union), details["input"]
    tag = given.get(key) if isinstance(given, Mapping) else None
    if not isinstance(tag, str):
        return f"expected text, got {shown(tag)}{suggest('', map(str, union['choices']))}"
    return f"unknown {key} '{tag}'{suggest(tag, map(str, union['choices']))}"


def _mismatch(details: ErrorDetails, schema: Schema | None, expectation: Expectation) -> str:
    context = details.get("ctx", {})
    if details["type"] in _SELF_EXPLAINED:
        return str(context["error"])
    got = shown(details["input"])
    if details["type"] == "json_invalid":
        return "tables or lists are nested too deeply"
    if details["type"] == "finite_number":
        return f"expected a finite number, got {got}"
    expected = describe(expectation, schema, context)
    if expected is None:
        return f"{details['msg'][:1].lower()}{details['msg'][1:]}, got {got}"
    return f"expected {expected}, got {got}{_nearest(details, schema)}"


def _nearest(details: ErrorDetails, schema: Schema | None) -> str:
    if details["type"] != "literal_error" or schema is None:
        return ""
    words = [word for word in schema["expected"] if isinstance(word, str)]
    close = difflib.get_close_matches(str(details["input"]), words, n=1)
    return f"; did you mean {inline(close[0])}?" if close else ""
