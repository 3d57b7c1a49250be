"""The rig document: what hangs on a rig, what it is allowed, and where its screen stands; TOML."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

import protocols.mappings
from hardware.calibration_file import load as load_calibrations
from hardware.interface import Limits
from hardware.rig_settings import Output, OutputKind, RigSettings, Role
from hardware.screen import Corner, Patch, Screen
from protocols.documents import Document, Section, load
from protocols.mappings.base import AbstractMapping
from protocols.registry import discover, one_of

MAPPINGS = discover(protocols.mappings, AbstractMapping, "biasloop.mappings")
LONGEST_MS, LONGEST_S = 60_000.0, 4_000.0
Part = Annotated[float, Field(ge=-1, le=1)]
Positive = Annotated[float, Field(gt=0)]
Hexadecimal = r"^[0-9a-f]{%d}$"


class OutputSection(Section):
    """One output, by the name that it has in the firmware."""

    kind: OutputKind
    """What hangs on it."""
    max_ms: Annotated[float, Field(gt=0, le=LONGEST_MS)]
    """Longest pulse."""
    gap_ms: Annotated[float, Field(ge=0, le=LONGEST_MS)]
    """Shortest time between two."""
    budget_s: Annotated[float, Field(gt=0, le=LONGEST_S)]
    """Time on in all since the board's start."""
    frequency_hz: Annotated[int, Field(ge=0, le=20_000)] = 0
    """Of a tone; 0 is steady, for a line that switches a tone generator."""

    @model_validator(mode="after")
    def _only_tones_have_a_frequency(self) -> Self:
        if self.frequency_hz and self.kind != "tone":
            raise ValueError(f"frequency_hz: only a tone has one, this is a {self.kind}")
        return self

    def build(self) -> Output:
        """Return it as the rig takes it."""
        limits = Limits(
            max_us=round(self.max_ms * 1e3),
            gap_us=round(self.gap_ms * 1e3),
            budget_us=round(self.budget_s * 1e6),
        )
        return Output(self.kind, limits, self.frequency_hz)


class PatchSection(Section):
    """The square below the photodiode."""

    corner: Corner = "bottom right"
    size_px: Annotated[int, Field(ge=1)] = 60
    margin_px: Annotated[int, Field(ge=0)] = 0
    """Distance from both edges."""


class ScreenSection(Section):
    """The screen in front of the animal."""

    size_px: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]
    """Width and height, as the computer drives it."""
    width_cm: Positive
    """Width of the picture."""
    distance_cm: Positive
    """From the animal's eye to the screen's middle."""
    index: Annotated[int, Field(ge=0)] = 0
    """Which of the computer's screens, 0 is the first."""
    full_screen: bool = True
    """Whether the window covers it."""
    refresh_hz: Positive = 60.0
    """Frames a second that the screen is set to."""
    background: tuple[Part, Part, Part] = (0.0, 0.0, 0.0)
    """Red, green, blue from -1 to 1; 0 is mid-grey."""
    patch: PatchSection | None = None
    """Where no photodiode is mounted, leave it out."""

    def build(self) -> Screen:
        """Return it as the display takes it.

        Raises:
            ValueError: for a patch that doesn't fit on the screen.
        """
        values = {name: getattr(self, name) for name in type(self).model_fields}
        patch = None if self.patch is None else Patch(**self.patch.model_dump())
        return Screen(**{**values, "patch": patch})


class Rig(Section):
    """A rig document."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    """Name of the rig; letters, digits, dot, dash, underscore."""
    port: Annotated[str, Field(min_length=1)]
    """Serial port of the board; `simavr` starts an emulated one."""
    lease_ms: Annotated[int, Field(ge=100, le=5000)] = 500
    """Without a heartbeat for so long the board switches everything off."""
    device_id: Annotated[str, Field(pattern=Hexadecimal % 16)] | None = None
    """The only board that is accepted, 16 hexadecimal digits."""
    build: Annotated[str, Field(pattern=Hexadecimal % 8)] | None = None
    """The only firmware that is accepted, 8 hexadecimal digits."""
    calibration: str | None = None
    """File with the valves' weighings; relative paths start at this document."""
    inputs: dict[str, Role]
    """What each input is for: response, photodiode, go or other."""
    outputs: dict[str, OutputSection]
    """Outputs by name; the others stay switched off."""
    screen: ScreenSection | None = None
    mapping: one_of(MAPPINGS) | None = None  # type: ignore[valid-type]
    """How a stimulus looks on this screen."""

    @model_validator(mode="after")
    def _lines_fit_each_other(self) -> Self:
        twice = sorted(self.inputs.keys() & self.outputs.keys())
        if twice:
            raise ValueError(f"outputs: {', '.join(twice)} can't be an input as well")
        if self.mapping is not None and self.mapping.component.needs_screen and not self.screen:
            raise ValueError(
                "mapping: this rig has no screen to show it on; add a [screen], or use 'lines'"
            )
        diodes = [name for name, role in self.inputs.items() if role == "photodiode"]
        if len(diodes) > 1:
            raise ValueError(f"inputs: expected one photodiode at most, got {', '.join(diodes)}")
        if self.screen is not None:
            if self.screen.patch is not None and not diodes:
                raise ValueError(
                    "screen.patch: no input is a photodiode; name one in [inputs], or leave the "
                    "patch out"
                )
            self.screen.build()
        return self

    def settings(self, folder: Path) -> RigSettings:
        """Return the rig as the hardware takes it.

        Args:
            folder: of the document, from which the calibration's path starts.

        Raises:
            CalibrationError: when the calibration can't be read or trusted.
        """
        path = None if self.calibration is None else folder / self.calibration
        calibrations = {} if path is None else load_calibrations(path)
        return RigSettings(
            name=self.name,
            port=self.port,
            lease_ms=self.lease_ms,
            outputs={name: section.build() for name, section in self.outputs.items()},
            inputs=dict(self.inputs),
            device_id=self.device_id,
            build=self.build,
            screen=None if self.screen is None else self.screen.build(),
            calibrations=calibrations,
            calibration_path=path,
        )


def load_rig(path: Path) -> tuple[Document[Rig], RigSettings]:
    """Read and check a rig document, and the calibration that it names.

    Raises:
        protocols.documents.DocumentError: with every problem, each with file, line and field.
        CalibrationError: when the calibration can't be read or trusted.
    """
    document = load(path, Rig)
    settings = document.value.settings(path.resolve().parent)
    return document, settings
