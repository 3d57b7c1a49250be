from typing import Annotated, ClassVar

import equinox as eqx
import pytest
from annotated_types import Ge
from pydantic import TypeAdapter, ValidationError

import protocols.spaces
from protocols import registry
from protocols.registry import RegistryError, discover, one_of, settings_for
from protocols.spaces.base import AbstractSpace


class Widget(eqx.Module):
    """A component."""

    kind: ClassVar[str] = "widget"
    size: Annotated[int, Ge(1)]
    colour: str = "red"


class Gadget(eqx.Module):
    """Another one."""

    kind: ClassVar[str] = "gadget"


def test_settings_have_the_fields_defaults_and_bounds_of_the_component():
    settings = settings_for(Widget)(kind="widget", size=2)
    assert settings.build() == Widget(size=2, colour="red")
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        settings_for(Widget)(kind="widget", size=0)
    with pytest.raises(ValidationError, match="Extra inputs"):
        settings_for(Widget)(kind="widget", size=1, shape="round")


def test_components_are_told_apart_by_kind():
    adapter = TypeAdapter(one_of({"widget": Widget, "gadget": Gadget}))
    assert adapter.validate_python({"kind": "gadget"}).build() == Gadget()
    assert adapter.validate_python({"kind": "widget", "size": 3}).build() == Widget(size=3)


def test_the_spaces_are_found_by_kind():
    found = discover(protocols.spaces, AbstractSpace, "biasloop.spaces")
    assert {"circle", "disk", "images", "interval", "sphere", "table"} <= set(found)
    assert list(found) == sorted(found)


class Point:
    """An entry point of another distribution."""

    name = "outside"

    def __init__(self, value):
        self.value = value

    def load(self):
        return self.value


def test_another_distribution_offers_components_through_entry_points(monkeypatch):
    class Torus(protocols.spaces.sphere.Sphere):
        kind = "torus"

    monkeypatch.setattr(registry, "entry_points", lambda group: [Point(Torus)])
    assert discover(protocols.spaces, AbstractSpace, "biasloop.spaces")["torus"] is Torus


@pytest.mark.parametrize(
    ("value", "message"),
    [(int, "expected a concrete subclass of AbstractSpace"), (AbstractSpace, "concrete subclass")],
)
def test_an_entry_point_that_is_no_component_is_refused(monkeypatch, value, message):
    monkeypatch.setattr(registry, "entry_points", lambda group: [Point(value)])
    with pytest.raises(RegistryError, match=message):
        discover(protocols.spaces, AbstractSpace, "biasloop.spaces")


def test_two_components_may_not_share_a_kind(monkeypatch):
    class Sphere(protocols.spaces.circle.Circle):
        kind = "sphere"

    monkeypatch.setattr(registry, "entry_points", lambda group: [Point(Sphere)])
    with pytest.raises(RegistryError, match="kind 'sphere' is claimed by"):
        discover(protocols.spaces, AbstractSpace, "biasloop.spaces")
