"""Protocol and rig documents with mistakes in them."""

import resource
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, final

from hardware.calibration import CalibrationError
from protocols.documents import DocumentError
from sims.hardening.mutation import mutated
from sims.hardening.part import AbstractPart, Conditions, Try
from sims.hardening.promises import told

LIMIT_S = 5.0
"""Processor time for one document."""
STATM = Path("/proc/self/statm")
LIMIT_GB = 2.0
"""Memory for one document, and for what is kept of all of them."""


class TooLongError(BaseException):
    """A document took more than `LIMIT_S`; none of `Exception`, so that nobody catches it."""


@final
@dataclass(frozen=True)
class Documents(AbstractPart):
    """Whatever stands in a document, it is loaded, or its mistakes are told."""

    kind: ClassVar[str] = "documents"
    a_try: ClassVar[str] = "a ready protocol or rig document with 1 to 6 mutations, then validated"
    promise: ClassVar[str] = (
        "it works, or DocumentError names file, line and field; no other exception, no more than "
        f"{LIMIT_S:g} s of processor time for one, nor {LIMIT_GB:g} GB of memory for one or all"
    )
    tries: ClassVar[int] = 10_000
    short: ClassVar[int] = 150
    loaders: Mapping[str, Callable[[Path], Any]] | None = None
    """Readers under attack by their kind of document; None: the program's own."""

    def run(self, conditions: Conditions) -> Iterator[Try]:
        """Validate mutated documents."""
        loaders = self.loaders or _loaders()
        ready, begun_with = _ready(conditions.folder), 0
        for number in conditions.numbers():
            chance = conditions.random("documents", number)
            which = chance.choice(("protocol", "protocol", "protocol", "rig"))
            texts = ready[which]
            content = mutated(chance.choice(texts), texts, chance)
            path = conditions.folder / which / "document.toml"
            ended, failure = attempt(loaders[which], path, content)
            begun_with = begun_with or _private_bytes()  # with everything imported
            if not failure:
                yield Try(ended, number=number)
                continue
            least = shortened(loaders[which], path, content, failure)
            yield Try(ended, failure, number, evidence={"document.toml": least})
        if (kept_gb := (_private_bytes() - begun_with) / 1e9) > LIMIT_GB:
            yield Try("kept too much", f"{kept_gb:.1f} GB are kept of all that were validated")


def attempt(load: Callable[[Path], Any], path: Path, content: bytes) -> tuple[str, str]:
    """Validate one document; returns how it ended, and what was wrong with that."""
    path.write_bytes(content)
    begun_s = time.process_time()
    try:
        with _at_most(LIMIT_S), _no_more_than(LIMIT_GB):
            load(path)
    except DocumentError as error:
        ended, failure = "refused", _untold(error, path)
    except CalibrationError as error:
        ended, failure = "refused", "" if str(error) else "a CalibrationError without a word"
    except TooLongError:
        ended, failure = "failed", f"took more than {LIMIT_S:g} s"
    except MemoryError:
        ended, failure = "failed", f"took more than {LIMIT_GB:g} GB"
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        ended, failure = "failed", told(error)
    else:
        ended, failure = "loaded", ""
    spent_s = time.process_time() - begun_s
    if spent_s > LIMIT_S and not failure:
        failure = f"took {spent_s:.1f} s"
    return ("failed", failure) if failure else (ended, "")


def shortened(
    load: Callable[[Path], Any], path: Path, content: bytes, failure: str, patience_s: float = 60.0
) -> bytes:
    """Return the document without the lines that aren't needed for the same kind of failure."""
    kind, lines = failure.split(":", maxsplit=1)[0][:40], content.split(b"\n")
    place, deadline_s = 0, time.monotonic() + patience_s
    while place < len(lines) and time.monotonic() < deadline_s:
        fewer = lines[:place] + lines[place + 1 :]
        if attempt(load, path, b"\n".join(fewer))[1].startswith(kind):
            lines = fewer
        else:
            place += 1
    return b"\n".join(lines)


def _loaders() -> dict[str, Callable[[Path], Any]]:
    from controller.cost_warning import cost_warning
    from controller.document import load_experiment
    from protocols.rig_document import load_rig

    def validate(path: Path) -> None:
        experiment = load_experiment(path).value
        cost_warning(experiment)
        _ = experiment.design().theta_size

    return {"protocol": validate, "rig": load_rig}


def _ready(folder: Path) -> dict[str, list[str]]:
    """Return the good documents; what they name beside them is put into the folder."""
    import shutil

    import protocols.library
    import protocols.rigs

    found = {}
    for name, package in {"protocol": protocols.library, "rig": protocols.rigs}.items():
        source = Path(package.__path__[0])
        shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        found[name] = [path.read_text("utf-8") for path in sorted(source.glob("*.toml"))]
    return found


def _untold(error: DocumentError, path: Path) -> str:
    """Say what a refusal doesn't say."""
    if not error.problems:
        return "DocumentError without a problem"
    for one in error.problems:
        if one.path != str(path) or one.line is None or not one.reason:
            return f"DocumentError without file, line or reason: {one}"
    return ""


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Break off after so much processor time."""
    over = False

    def end(*_: object) -> None:
        if not over:
            raise TooLongError

    before = signal.signal(signal.SIGPROF, end)
    # again and again, as what is raised in a callback of the collector is dropped
    signal.setitimer(signal.ITIMER_PROF, seconds, 0.1)
    try:
        yield
    finally:
        over = True
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@contextmanager
def _no_more_than(gigabytes: float) -> Iterator[None]:
    """Let memory be refused that is so much more than there is now."""
    if not STATM.exists():  # where no system counts, nothing is refused
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_DATA)
    limit = _private_bytes() + int(gigabytes * 1e9)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def _private_bytes() -> int:
    """Return the size of this process's data, as Linux counts it for its limit; elsewhere 0."""
    if not STATM.exists():
        return 0
    sizes = STATM.read_text("ascii").split()
    return int(sizes[5]) * resource.getpagesize()
