"""Stores of which something on the disk was damaged."""

import io
import json
import os
import random
import shutil
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, final

from controller.store import StoreError
from sims.hardening import base_stores
from sims.hardening.damage import damage, pick
from sims.hardening.part import AbstractPart, Conditions, Try
from sims.hardening.promises import told
from sims.hardening.store_readers import READERS, Numbers, kept

Readers = Mapping[str, Callable[[Path], Numbers]]


@final
@dataclass(frozen=True)
class Stores(AbstractPart):
    """What was damaged is never shown as if it hadn't been."""

    kind: ClassVar[str] = "stores"
    a_try: ClassVar[str] = (
        "an experiment's or a session's store, closed or killed, with one file damaged, and one "
        "way of reading it"
    )
    promise: ClassVar[str] = (
        "the same numbers, or StoreError, or all but what is said to be unreadable; never another "
        "number or exception, and no frame of the journal that could be read before is lost"
    )
    tries: ClassVar[int] = 4000
    short: ClassVar[int] = 30
    readers: Readers | None = None
    """Under attack; None: all that there are."""
    make: Callable[[Path], list[Path]] = base_stores.make
    """Makes the stores that are damaged."""

    def run(self, conditions: Conditions) -> Iterator[Try]:
        """Damage a copy, read it, compare."""
        bench = _Bench(self.make(conditions.folder / "good"), conditions.folder)
        readers = self.readers or READERS
        for number in conditions.numbers():
            chance = conditions.random("stores", number)
            good, name = chance.choice(bench.stores), chance.choice(list(readers))
            yield bench.one(good, name, readers[name], chance.random(), number)


@dataclass(frozen=True)
class _Bench:
    """Where stores are damaged and read."""

    stores: list[Path]
    folder: Path
    truth: dict[tuple[Path, str], Numbers] = field(default_factory=dict)

    def one(
        self, good: Path, name: str, read: Callable[[Path], Numbers], seed: float, number: int
    ) -> Try:
        if (good, name) not in self.truth:
            self.truth[good, name] = read(copy(good, self.folder / "whole"))
        folder, kind, how = self._damaged(good, seed)
        before = kept(copy(folder, self.folder / "before"))
        try:
            ended, failure = _compared(read(folder), self.truth[good, name])
        except StoreError as error:
            ended, failure = "refused", "" if str(error) else "a refusal without a word"
        except Exception as error:  # noqa: BLE001  anything but a refusal is a failure
            ended, failure = "failed", told(error)
        after = kept(copy(folder, self.folder / "after"))
        if lost := [seq for seq in before if after.get(seq) != before[seq]]:
            failure = f"{failure} frames {lost[:9]} of the journal are lost"
        if not failure:
            return Try(ended, number=number)
        evidence = {"damaged.tar.xz": _tar(self._damaged(good, seed)[0])}
        what = f"{good.name}, {how}; {name}: {failure}"
        return Try(f"failed ({kind}, {name})", what, number, evidence=evidence)

    def _damaged(self, good: Path, seed: float) -> tuple[Path, str, str]:
        """Return a damaged copy, the kind of file, and what was done to it."""
        chance = random.Random(seed)  # noqa: S311
        folder = copy(good, self.folder / "copy")
        kind, path = pick(folder, chance)
        return folder, kind, f"{path.relative_to(folder)}: {damage(path, chance)}"


def copy(source: Path, target: Path) -> Path:
    """Copy a store; files that are only ever replaced as a whole are shared, which is quick."""
    shutil.rmtree(target, ignore_errors=True)
    target /= source.name
    shutil.copytree(source, target, copy_function=_link)
    return target


def _link(source: str, target: str) -> None:
    if ".zarr" in source:
        os.link(source, target)
    else:
        shutil.copy2(source, target)


def _compared(found: Numbers, truth: Numbers) -> tuple[str, str]:
    if found == truth:
        return "the same numbers", ""
    if found.get("origin", "").startswith("{") and json.loads(found["origin"])["problems"]:
        return "said to be incomplete", ""
    names = [name for name in {**truth, **found} if found.get(name) != truth.get(name)]
    shown = [f"{name}: {found.get(name)!s:.200} for {truth.get(name)!s:.200}" for name in names[:3]]
    return "failed", f"{len(names)} of {len(truth)} differ: {'; '.join(shown)}"


def _tar(folder: Path) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz", preset=0) as tar:
        tar.add(folder, folder.name)
    return packed.getvalue()
