"""Build the device's program and its emulator from their sources, once for each state of these.

What is built lies in the user's cache folder, under the hash of the sources; the same hash is
compiled into the program, so that a board says what it runs.
"""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from tempfile import mkdtemp

SOURCES = Path(__file__).parent
FOLDERS = ("core", "boards", "emulator")
PROGRAMS = {
    "avr-gcc": "gcc-avr",
    "avr-g++": "gcc-avr",
    "gcc": "gcc",
    "make": "make",
}
PACKAGES = "gcc make gcc-avr avr-libc arduino-core-avr libsimavr-dev"
BOARDS = ("uno", "mega")


class BuildError(RuntimeError):
    """A program is missing, or the sources don't compile."""


def source_hash() -> str:
    """Return the hash that a board built from these sources reports, 8 hex digits."""
    digest = hashlib.sha256()
    for path in _sources():
        digest.update(path.relative_to(SOURCES).as_posix().encode() + b"\0")
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()[:8]


def firmware(board: str = "uno") -> Path:
    """Return the compiled sketch (ELF), as one flashes it.

    Raises:
        BuildError: says what is missing, or what the compiler said.
    """
    if board not in BOARDS:
        raise BuildError(f"expected a board of {', '.join(BOARDS)}, got {board!r}")
    return _built(f"biasloop-{board}.elf", "elf", f"BOARD={board}")


def emulator() -> Path:
    """Return the program that runs an Uno's ELF on this computer.

    Raises:
        BuildError.
    """
    return _built("simhost", "simhost")


def fuzzer() -> Path:
    """Return the core as a program under address and undefined-behaviour sanitizers.

    Raises:
        BuildError.
    """
    return _built("fuzz", "fuzz")


def _sources() -> list[Path]:
    files = [path for folder in FOLDERS for path in (SOURCES / folder).rglob("*") if path.is_file()]
    return sorted([SOURCES / "Makefile", *files])


def _cache() -> Path:
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "biasloop" / "firmware" / source_hash()


def _built(name: str, target: str, *options: str) -> Path:
    """Make a target in a folder of its own, then move it in place: builds may run side by side."""
    wanted = _cache() / name
    if wanted.exists():
        return wanted
    _check_programs()
    wanted.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(mkdtemp(dir=wanted.parent))
    command = ["make", "-s", "-C", str(SOURCES), target, f"OUT={scratch}", f"BUILD={source_hash()}"]
    try:
        run = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
        if run.returncode != 0:
            raise BuildError(
                f"{target} doesn't build; needed are Debian's packages {PACKAGES}. "
                f"The compiler said:\n{run.stderr[-2000:]}"
            )
        (scratch / name).replace(wanted)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return wanted


def _check_programs() -> None:
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        raise BuildError(
            f"to build the device's program {', '.join(missing)} must be there: "
            f"`sudo apt-get install {PACKAGES}`"
        )
