"""Reading a document: TOML text, overrides and a pydantic model in; a frozen, hashed value out."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from protocols.documents.canonical import write
from protocols.documents.explain import Finding, explain
from protocols.documents.overrides import Override, apply
from protocols.documents.problems import OVERRIDE, DocumentError, Problem, Where, dotted
from protocols.documents.reading import data_of, read
from protocols.documents.schema import Expectation

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Document(Generic[M]):
    """A valid document."""

    value: M
    """What it says."""
    text: str
    """The same as canonical TOML: overrides applied, defaults written out, no comments."""
    sha256: str
    """Hash of `text` in UTF-8; comments, layout and the order of keys don't change it."""
    path: Path | None
    """The file that it came from."""


def load(path: Path, model: type[M], overrides: Sequence[str] = ()) -> Document[M]:
    """Read a document from a file.

    Raises:
        DocumentError: with every problem, when the file can't be read or isn't a valid document.
    """
    return replace(parse(read(path), model, name=str(path), overrides=overrides), path=path)


def parse(
    text: str, model: type[M], *, name: str = "<document>", overrides: Sequence[str] = ()
) -> Document[M]:
    """Read a document from text; `name` stands for the file in messages.

    Raises:
        DocumentError: with every problem, when the text isn't a valid document.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    data, lines = data_of(text, name)
    source = _Source(name, lines)
    source.override(data, overrides)
    if not data:
        source.refuse_empty(model)
    value = source.validated(data, model)
    frozen = write(value.model_dump(mode="json", by_alias=True, exclude_none=True))
    return Document(value, frozen, hashlib.sha256(frozen.encode()).hexdigest(), None)


class _Source:
    """Where the values of a document come from: lines of a file, overrides."""

    def __init__(self, name: str, lines: dict[Where, int]) -> None:
        self._name = name
        self._lines = lines
        self._overrides: list[Override] = []
        self._problems: list[Problem] = []

    def override(self, data: dict[str, Any], texts: Sequence[str]) -> None:
        """Apply overrides in turn; what is wrong with one is kept for the end."""
        for text in texts:
            try:
                self._overrides.append(apply(data, text))
            except DocumentError as error:
                self._problems.extend(error.problems)

    def refuse_empty(self, model: type[BaseModel]) -> None:
        if required := Expectation(model).required():
            reason = f"the document is empty; it must at least have {', '.join(required)}"
            raise DocumentError([Problem(self._name, 1, "", reason), *self._problems])

    def validated(self, data: dict[str, Any], model: type[M]) -> M:
        """Return the model's value, or raise everything that is wrong."""
        value = None
        try:
            # Of pydantic's strict modes, JSON's is the one that takes a list for a tuple.
            value = model.model_validate_json(_json(data, self._name))
        except ValidationError as error:
            self._problems.extend(map(self._trace, explain(error, model)))
        if value is None or self._problems:
            raise DocumentError(self._problems)
        return value

    def _trace(self, finding: Finding) -> Problem:
        """Find the line, or the override, that a finding is about."""
        field = dotted(finding.where)
        for override in reversed(self._overrides):
            if self._is_from(override, finding.stands):
                same = finding.where == override.where
                reason = finding.reason if same else f"{field}: {finding.reason}"
                return Problem(OVERRIDE, None, override.field, reason)
        reason = finding.reason + self._after(finding)
        return Problem(self._name, self._line(finding.stands), field, reason)

    def _is_from(self, override: Override, where: Where) -> bool:
        inside = where[: len(override.where)] == override.where
        made = where not in self._lines and override.where[: len(where)] == where
        return inside or (made and bool(where))

    def _after(self, finding: Finding) -> str:
        """Name the overrides of values in a table that is refused as a whole, or incomplete."""
        table = finding.stands
        if not table and finding.where:
            return ""
        fields = [o.field for o in self._overrides if o.where[: len(table)] == table]
        return f" (after {', '.join(f'{OVERRIDE} {field}' for field in fields)})" if fields else ""

    def _line(self, where: Where) -> int:
        while where and where not in self._lines:
            where = where[:-1]
        return self._lines.get(where, 1)


def _json(data: dict[str, Any], name: str) -> str:
    try:
        # Sorted, so that tables whose keys are free are always written alike.
        return json.dumps(data, default=lambda date: date.isoformat(), sort_keys=True)
    except RecursionError:
        reason = "tables or lists are nested too deeply"
    except ValueError:
        reason = "a whole number has too many digits"
    raise DocumentError([Problem(name, 1, "", reason)])
