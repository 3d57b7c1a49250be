"""The schema of a model, followed along the locations of pydantic's errors."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from protocols.documents.problems import Where

Schema = Mapping[str, Any]
"""A node of pydantic's core schema."""

TABLES = {"model-fields", "dataclass-args", "typed-dict", "dict"}
LISTS = {"list", "tuple", "set", "frozenset"}

_INSIDE = {
    "definitions": "schema",
    "default": "schema",
    "nullable": "schema",
    "function-before": "schema",
    "function-after": "schema",
    "function-wrap": "schema",
    "model": "schema",
    "dataclass": "schema",
    "lax-or-strict": "strict_schema",
    "json-or-python": "json_schema",
}


class Expectation:
    """What a model expects, and where."""

    def __init__(self, model: type[BaseModel]) -> None:
        model.model_rebuild()
        self._root: Any = model.__pydantic_core_schema__
        self._definitions = {d["ref"]: d for d in self._root.get("definitions", ())}

    def follow(self, location: Where) -> tuple[Where, Schema | None]:
        """Turn a location into the path that the user wrote, and the schema there.

        A location also holds what nobody wrote: the tag of a discriminated union, the labels of a
        plain union's choices. A name that the model doesn't know has no schema.
        """
        where: list[str | int] = []
        schema: Schema | None = self.unwrap(self._root)
        for part in location:
            if schema is None:
                where.append(part)
            elif schema["type"] == "tagged-union":
                schema = self._inner(schema["choices"].get(part))
            elif schema["type"] in TABLES | LISTS:
                where.append(part)
                item = _element(schema, part) if isinstance(part, int) else _value(schema, part)
                schema = self._inner(item)
        return tuple(where), schema

    def keys(self, location: Where) -> list[str]:
        """Return the keys that the table at a location of pydantic's may have."""
        _, schema = self.follow(location)
        return list(_fields(schema)) if schema is not None else []

    def required(self) -> list[str]:
        """Return the keys that a document must have."""
        fields = _fields(self.unwrap(self._root))
        return [name for name, field in fields.items() if field["schema"]["type"] != "default"]

    def unwrap(self, schema: Schema) -> Schema:
        """Step through defaults, validators and references to what decides the type."""
        while True:
            if schema["type"] == "definition-ref":
                schema = self._definitions[schema["schema_ref"]]
            elif schema["type"] in _INSIDE:
                schema = schema[_INSIDE[schema["type"]]]
            else:
                return schema

    def _inner(self, schema: Schema | None) -> Schema | None:
        return None if schema is None else self.unwrap(schema)


def tag_key(union: Schema) -> str:
    """Return the key by which a discriminated union tells its choices apart."""
    return union["discriminator"] if isinstance(union["discriminator"], str) else "kind"


def _fields(schema: Schema) -> dict[str, Schema]:
    """Return the fields of a table by the names that a document uses."""
    fields = schema.get("fields", {})
    pairs = fields.items() if isinstance(fields, Mapping) else [(f["name"], f) for f in fields]
    return {_alias(field) or name: field for name, field in pairs}


def _alias(field: Schema) -> str | None:
    alias = field.get("validation_alias")
    return alias if isinstance(alias, str) else None


def _value(schema: Schema, name: str) -> Schema | None:
    if schema["type"] == "dict":
        return schema.get("values_schema")
    field = _fields(schema).get(name)
    return None if field is None else field["schema"]


def _element(schema: Schema, index: int) -> Schema | None:
    items = schema.get("items_schema")
    if not isinstance(items, list):
        return items
    variadic = schema.get("variadic_item_index")
    index = index if variadic is None else min(index, variadic)
    return items[index] if index < len(items) else None
