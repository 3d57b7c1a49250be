"""Animals: what each may get, what it weighed, and who runs it now.

lab/subjects/m1/subject.toml    its limits
lab/subjects/m1/weights.tsv     every weighing, one line each
lab/subjects/m1/refusals.tsv    why it wasn't run
lab/rewards/DEVICE.sqlite       what each device has delivered, to whom
"""

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from controller.session.errors import NotReady
from controller.store.errors import StoreLocked
from controller.store.lock import Lock, writer_pid
from protocols.documents import Section, load

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
DOCUMENT = "subject.toml"
WEIGHTS = "weights.tsv"
REFUSALS = "refusals.tsv"
TEMPLATE = """\
# What {name} may get. Nothing runs without these limits; each is kept over restarts and days.
name = "{name}"

# Below this part of its weight before water restriction it isn't run.
baseline_weight_g = {weight_g}
min_weight_fraction = 0.8

# Water of one calendar day, from this program's valves. What is missing to the minimum at a
# session's end is given then: "by hand" says how much, "valve" delivers it.
water_max_ul = 2000.0
water_min_ul = 800.0
top_up = "by hand"

# Air puffs of one calendar day, and the longest session.
puffs_max = 60
minutes_max = 90.0
"""


class SubjectDocument(Section):
    """Limits of one animal."""

    name: Annotated[str, Field(pattern=rf"^{NAME.pattern}$")]
    """Also the folder's name; letters, digits, dot, dash, underscore."""
    baseline_weight_g: Annotated[float, Field(gt=0)]
    """Weight before water restriction."""
    min_weight_fraction: Annotated[float, Field(gt=0, lt=1)]
    """Part of it below which the animal isn't run."""
    water_max_ul: Annotated[float, Field(gt=0)]
    """Most water of a calendar day."""
    water_min_ul: Annotated[float, Field(ge=0)]
    """Least water of a calendar day."""
    top_up: Literal["by hand", "valve"] = "by hand"
    """How what is missing at a session's end is given."""
    puffs_max: Annotated[int, Field(ge=0)]
    """Most air puffs of a calendar day."""
    minutes_max: Annotated[float, Field(gt=0)]
    """Longest session."""

    @model_validator(mode="after")
    def _limits_fit_each_other(self) -> Self:
        if self.water_min_ul > self.water_max_ul:
            raise ValueError(
                f"water_min_ul: expected at most water_max_ul ({self.water_max_ul:g}), got "
                f"{self.water_min_ul:g}"
            )
        return self


@dataclass(frozen=True, slots=True)
class Subject:
    """An animal with its folder and limits; held by `opened` for one session."""

    folder: Path
    limits: SubjectDocument

    @property
    def name(self) -> str:
        """What it is called."""
        return self.limits.name

    def hold(self) -> Lock:
        """Take the animal for one session.

        Raises:
            NotReady: it is in another one, or its folder can't be written.
        """
        try:
            return Lock.take(self.folder)
        except StoreLocked as error:
            pid = writer_pid(self.folder) or "unknown"
            raise NotReady(
                f"subject {self.name} is in another session already, that of process {pid}: end "
                "that one first"
            ) from error
        except OSError as error:
            raise NotReady(_unwritable(self.folder, error)) from error

    def weigh(self, grams: float, utc_ns: int) -> None:
        """Note a weight, then refuse to go on where it is too low.

        Raises:
            NotReady: it is too low, can't be a weight, or can't be written down.
        """
        baseline_g = self.limits.baseline_weight_g
        if not 0 < grams < 10 * baseline_g:
            raise NotReady(
                f"{grams:g} g can't be the weight of {self.name} (baseline {baseline_g:g} g): "
                "weigh it again"
            )
        self._write_down(WEIGHTS, f"{grams:g}", utc_ns)
        least = baseline_g * self.limits.min_weight_fraction
        if grams < least:
            raise NotReady(
                f"{self.name} weighs {grams:g} g, less than {least:.4g} g "
                f"({self.limits.min_weight_fraction:.0%} of {self.limits.baseline_weight_g:g} g): "
                "it isn't run today; give it water and tell whoever looks after it"
            )

    def refuse(self, reason: str, utc_ns: int) -> None:
        """Note why it wasn't run.

        Raises:
            NotReady: it can't be written down.
        """
        self._write_down(REFUSALS, " ".join(reason.split()), utc_ns)

    def _write_down(self, name: str, text: str, utc_ns: int) -> None:
        when = datetime.fromtimestamp(utc_ns // 10**9, UTC).isoformat(timespec="seconds")
        try:
            with (self.folder / name).open("a", encoding="utf-8") as file:
                file.write(f"{when}\t{text}\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise NotReady(_unwritable(self.folder / name, error)) from error


def check_name(name: str) -> str:
    """Return a name that can be a folder's.

    Raises:
        NotReady: for everything else.
    """
    if not NAME.fullmatch(name):
        raise NotReady(
            f"{_short(name)!r} can't be a subject's name: expected a letter or digit, then "
            "letters, digits, dot, dash or underscore, 64 in all"
        )
    return name


def _short(name: str) -> str:
    return name if len(name) <= 80 else f"{name[:80]}…"


def find(lab: Path, name: str) -> Subject:
    """Return an animal with its limits.

    Raises:
        NotReady: it isn't known, or its limits are missing.
        protocols.documents.DocumentError: its document is wrong.
    """
    folder = lab / "subjects" / check_name(name)
    path = folder / DOCUMENT
    if not path.is_file():
        known = sorted(one.parent.name for one in (lab / "subjects").glob(f"*/{DOCUMENT}"))
        raise NotReady(
            f"no limits for subject {name} (no {path}): write them first, "
            f"`biasloop subject new {name} --weight-g 25.0`; subjects that there are: "
            f"{', '.join(known) or 'none'}"
        )
    limits = load(path, SubjectDocument).value
    if limits.name != name:
        raise NotReady(f"{path} is about {limits.name!r}, its folder is {name!r}: rename one")
    return Subject(folder, limits)


def add(lab: Path, name: str, weight_g: float) -> Path:
    """Write a new animal's document, to be looked through.

    Raises:
        NotReady: it is there already, the name or weight can't be used, nothing can be written.
    """
    folder = lab / "subjects" / check_name(name)
    path = folder / DOCUMENT
    if not 0 < weight_g < inf:
        raise NotReady(
            f"{weight_g:g} g can't be the weight of {name}: expected its weight in grams before "
            "water restriction"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(TEMPLATE.format(name=name, weight_g=float(weight_g)))
    except FileExistsError as error:
        raise NotReady(f"{path} exists: edit it, or choose another name") from error
    except OSError as error:
        raise NotReady(_unwritable(path, error)) from error
    return path


def _unwritable(path: Path, error: OSError) -> str:
    return (
        f"{path} can't be written: {error.strerror or error}; check the folder, its permissions "
        "and the disk's space"
    )
