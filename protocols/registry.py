"""Components found by `kind`, and the document settings that are derived from their fields.

A component (a space, a labeller, a learner, a divergence, a strategy) is one final class in one
file. Its class variable `kind` names it in documents, its annotated fields are its settings.
Components of other distributions are offered through entry points.
"""

import dataclasses
import importlib
import inspect
import pkgutil
import typing
from importlib.metadata import entry_points
from types import ModuleType
from typing import Annotated, Any, ClassVar, Literal, Union

from pydantic import BaseModel, ConfigDict, Discriminator, create_model


class RegistryError(Exception):
    """Two components claim one kind, or an offered object is no component."""


class Settings(BaseModel):
    """The part of a document that describes one component; `build` makes the component."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
    component: ClassVar[type]

    def build(self) -> Any:
        """Make the component that these settings describe."""
        values = {name: getattr(self, name) for name in type(self).model_fields if name != "kind"}
        return self.component(**values)


def discover(package: ModuleType, base: type, group: str) -> dict[str, type]:
    """Find the concrete subclasses of `base` in a package's modules and in entry points.

    Args:
        package: every module directly inside it is imported.
        base: the abstract class of the family.
        group: entry-point group through which other distributions offer theirs.

    Returns:
        The classes by `kind`, sorted.

    Raises:
        RegistryError: when two classes share a kind or an entry point is not a `base`.
    """
    found: dict[str, type] = {}
    for info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        for value in vars(module).values():
            if _is_concrete(value, base) and value.__module__ == module.__name__:
                _add(found, value)
    for point in entry_points(group=group):
        value = point.load()
        if not _is_concrete(value, base):
            raise RegistryError(
                f"entry point {point.name!r} of {group!r}: expected a concrete subclass of "
                f"{base.__name__}, got {value!r}"
            )
        _add(found, value)
    return dict(sorted(found.items()))


def settings_for(component: type) -> type[Settings]:
    """Derive the document model of a component from its annotated fields."""
    hints = typing.get_type_hints(component, include_extras=True)
    fields: dict[str, Any] = {"kind": (Literal[component.kind], ...)}  # type: ignore[attr-defined]
    for field in dataclasses.fields(component):
        if not field.init:
            continue
        default = ... if field.default is dataclasses.MISSING else field.default
        fields[field.name] = (hints[field.name], default)
    model = create_model(
        f"{component.__name__}Settings", __base__=Settings, __doc__=component.__doc__, **fields
    )
    model.component = component
    return model


def one_of(components: dict[str, type]) -> Any:
    """Return the pydantic annotation for "one of these kinds", told apart by `kind`."""
    models = tuple(settings_for(component) for component in components.values())
    return Annotated[Union[models], Discriminator("kind")]  # noqa: UP007  (made at run time)


def _is_concrete(value: object, base: type) -> bool:
    return isinstance(value, type) and issubclass(value, base) and not inspect.isabstract(value)


def _add(found: dict[str, type], component: type) -> None:
    kind = component.kind  # type: ignore[attr-defined]
    if found.setdefault(kind, component) is not component:
        raise RegistryError(
            f"kind {kind!r} is claimed by {found[kind].__module__} and {component.__module__}; "
            "rename one of them"
        )
