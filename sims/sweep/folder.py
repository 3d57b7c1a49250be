"""The folder of a sweep: of one plan, for good, so that what is done there can be counted on."""

import json
import shutil
from pathlib import Path

from controller.analysis.whole_file import whole_file
from protocols.documents import Document
from sims.sweep.document import Sweep
from sims.sweep.plan import Run

DOCUMENT_NAME, PLAN_NAME = "sweep.toml", "plan.json"


class SweepError(Exception):
    """A sweep can't begin or go on here; the message says what to do."""


def prepare(folder: Path, sweep: Document[Sweep], runs: tuple[Run, ...]) -> None:
    """Make a sweep's folder, or see that it is this sweep's.

    Where the workers come from may be another than before: the runs are what counts.

    Raises:
        SweepError: it holds another sweep, or something else.
    """
    plan = {"control": sweep.value.control, "runs": {run.name: run.sha256 for run in runs}}
    path = folder / PLAN_NAME
    if path.exists():
        _compare(folder, json.loads(path.read_text("utf-8")), plan)
        return
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SweepError(f"{folder} is taken and holds no sweep; name a new folder with --out")
    folder.mkdir(parents=True, exist_ok=True)
    whole_file(folder / DOCUMENT_NAME, lambda partial: partial.write_text(sweep.text, "utf-8"))
    text = json.dumps(plan, indent=1) + "\n"
    whole_file(path, lambda partial: partial.write_text(text, "utf-8"))


def check_room(folder: Path) -> None:
    """Refuse to begin where nothing can be written.

    Raises:
        SweepError: the disk is full.
    """
    free = shutil.disk_usage(folder).free
    if free < 32 * 2**20:
        raise SweepError(f"{folder} has {free / 2**20:.0f} MiB left; free some space")


def _compare(folder: Path, there: dict, here: dict) -> None:
    if there == here:
        return
    if there["control"] != here["control"]:
        what = f"its runs have {'a' if there['control'] else 'no'} control"
    else:
        old, new = there["runs"], here["runs"]
        names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
        first = names[0]
        verb = "isn't in it" if first not in old else "is gone" if first not in new else "differs"
        more = f", and {len(names) - 1} more" if len(names) > 1 else ""
        what = f"run {first} {verb}{more}"
    raise SweepError(
        f"{folder} holds another sweep ({what}): finished runs would be taken for this one's. Name "
        f"another folder with --out, or put the document back as it is in {folder / DOCUMENT_NAME}"
    )
