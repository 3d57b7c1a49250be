"""What a process asks of the system while it writes: every write, sync and name, in its order.

The process is traced (ptrace), so that also what SQLite does in C is seen; nothing is preloaded and
nothing in the process knows of it. Linux on x86_64 only.

python -m sims.hardening.syscalls FOLDER NOTES UNTIL LOG
"""

import ctypes
import json
import os
import platform
import signal
import struct
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

_TRACEME, _SYSCALL, _SETOPTIONS, _INFO = 0, 24, 0x4200, 0x420E
_TRACE_SYSGOOD, _EXITKILL = 1, 0x100000
_AT_FDCWD = 0xFFFFFF9C
_NUMBERS = {
    1: "write",
    18: "pwrite64",
    74: "fsync",
    75: "fdatasync",
    77: "ftruncate",
    82: "rename",
    83: "mkdir",
    84: "rmdir",
    87: "unlink",
    257: "openat",
    263: "unlinkat",
    # what nothing here uses, and what the model doesn't know
    20: "writev",
    76: "truncate",
    86: "link",
    264: "renameat",
    285: "fallocate",
    296: "pwritev",
    316: "renameat2",
    326: "copy_file_range",
}
_UNKNOWN = {
    *("writev", "truncate", "link", "renameat", "fallocate"),
    *("pwritev", "renameat2", "copy_file_range"),
}
_O_CREAT, _O_TRUNC = 0o100, 0o1000


@dataclass(frozen=True, slots=True)
class Call:
    """One thing that was done to a file or a name."""

    what: str
    """write, sync, truncate, create, rename, mkdir, remove, acknowledge"""
    path: str
    offset: int = 0
    """In the file; the new length of `truncate`; the number of `acknowledge`."""
    data: str = ""
    """Hexadecimal: what was written."""
    to: str = ""
    """New name."""


CANT_TRACE = 3
"""Exit code."""


class CantTraceError(Exception):
    """The system doesn't let processes be traced."""


def possible() -> str:
    """Return why nothing can be recorded here; empty where it can."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return "needs Linux on x86_64"
    return ""


def read_calls(path: Path) -> list[Call]:
    """Return what was recorded."""
    return [Call(**json.loads(line)) for line in path.read_text().splitlines()]


def record(body: Callable[[], None], folder: Path, notes: Path, log: TextIO) -> int:
    """Run something in a process of its own and write down its calls; returns its exit code.

    Args:
        body: what it does.
        folder: only files in it are of interest.
        notes: what is written there is a number that is acknowledged.
        log: gets one line of JSON for each call.

    Raises:
        CantTraceError.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long
    pid = os.fork()
    if pid == 0:
        _be_traced(libc, body)
    os.waitpid(pid, 0)  # it has stopped itself
    if libc.ptrace(_SETOPTIONS, pid, None, _TRACE_SYSGOOD | _EXITKILL) != 0:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise CantTraceError(f"ptrace: {os.strerror(ctypes.get_errno())}")
    for one in _calls(libc, pid, str(folder), str(notes)):
        if isinstance(one, int):
            return one
        log.write(json.dumps(asdict(one)) + "\n")
    raise RuntimeError("the process was lost")


def _be_traced(libc: ctypes.CDLL, body: Callable[[], None]) -> None:
    """Let the parent trace this process, then do what it is for; never returns."""
    try:
        libc.ptrace(_TRACEME, 0, None, None)
        os.kill(os.getpid(), signal.SIGSTOP)
        body()
    except BaseException:  # noqa: BLE001  a forked child must end here
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _calls(libc: ctypes.CDLL, pid: int, folder: str, notes: str) -> Iterator[Call | int]:
    """Yield calls that succeeded, then the exit code."""
    waiting: Call | None = None
    deliver = 0
    while True:
        libc.ptrace(_SYSCALL, pid, None, deliver)
        _, status = os.waitpid(pid, 0)
        if os.WIFEXITED(status) or os.WIFSIGNALED(status):
            yield os.waitstatus_to_exitcode(status)
            return
        stopped_by = os.WSTOPSIG(status)
        if stopped_by != signal.SIGTRAP | 0x80:
            deliver = stopped_by
            continue
        deliver = 0
        entering, number, values = _info(libc, pid)
        if entering:
            name = _NUMBERS.get(number)
            waiting = None if name is None else _call(pid, name, values, folder, notes)
        elif waiting is not None:
            if number >= 0:  # here what the call returned
                yield waiting
            waiting = None


def _info(libc: ctypes.CDLL, pid: int) -> tuple[bool, int, tuple[int, ...]]:
    """Return whether a call begins, then its number and arguments, or what it returned."""
    buffer = ctypes.create_string_buffer(88)
    libc.ptrace(_INFO, pid, ctypes.c_void_p(88), ctypes.cast(buffer, ctypes.c_void_p))
    entering = buffer.raw[0] == 1
    if entering:
        number, *values = struct.unpack_from("<7Q", buffer.raw, 24)
        return True, number, tuple(values)
    return False, struct.unpack_from("<q", buffer.raw, 24)[0], ()


def _call(pid: int, name: str, v: tuple[int, ...], folder: str, notes: str) -> Call | None:
    """Return what a call is about to do; None where it touches nothing of interest."""
    found = _on_file(pid, name, v) or _on_name(pid, name, v)
    if found is None:
        return None
    if found.path == notes and found.what == "write":
        words = bytes.fromhex(found.data).split()
        return Call("acknowledge", notes, offset=int(words[-1]))
    inside = [path for path in (found.path, found.to) if path.startswith(f"{folder}/")]
    if not inside and found.path != folder:
        return None
    if found.what == "unknown":
        raise NotImplementedError(f"{found.path}: the model of a disk doesn't know this call")
    return found


def _on_file(pid: int, name: str, v: tuple[int, ...]) -> Call | None:
    """Return what is done to an open file."""
    if name not in {"write", "pwrite64", "fsync", "fdatasync", "ftruncate", *_UNKNOWN}:
        return None
    path = _open_path(pid, v[0])
    if name == "write":
        return Call("write", path, _position(pid, v[0]), _memory(pid, v[1], v[2]).hex())
    if name == "pwrite64":
        return Call("write", path, v[3], _memory(pid, v[1], v[2]).hex())
    if name == "ftruncate":
        return Call("truncate", path, v[1])
    return Call("unknown" if name in _UNKNOWN else "sync", path)


def _on_name(pid: int, name: str, v: tuple[int, ...]) -> Call | None:
    """Return what is done to a name."""
    if name == "openat":
        return _on_open(_path(pid, v[1], v[0]), v[2])
    if name == "rename":
        return Call("rename", _path(pid, v[0]), to=_path(pid, v[1]))
    if name == "unlinkat":
        return Call("remove", _path(pid, v[1], v[0]))
    whats = {"mkdir": "mkdir", "rmdir": "remove", "unlink": "remove"}
    return Call(whats[name], _path(pid, v[0])) if name in whats else None


def _on_open(path: str, flags: int) -> Call | None:
    if flags & _O_CREAT and not os.path.exists(path):  # noqa: PTH110  before the call is made
        return Call("create", path)
    return Call("truncate", path) if flags & _O_TRUNC else None


def _memory(pid: int, address: int, size: int) -> bytes:
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:  # noqa: PTH123
        memory.seek(address)
        return memory.read(size)


def _path(pid: int, address: int, folder: int = _AT_FDCWD) -> str:
    """Return a name in the process's memory, absolute."""
    page = 4096 - address % 4096
    text = _memory(pid, address, page)
    if b"\0" not in text:
        text += _memory(pid, address + page, 4096)
    name = text.partition(b"\0")[0].decode()
    if name.startswith("/"):
        return name
    whole = folder & 0xFFFFFFFF
    at = f"/proc/{pid}/cwd" if whole == _AT_FDCWD else f"/proc/{pid}/fd/{whole}"
    return os.path.join(os.readlink(at), name)  # noqa: PTH115, PTH118


def _open_path(pid: int, number: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/fd/{number}")  # noqa: PTH115
    except OSError:
        return ""


def _position(pid: int, number: int) -> int:
    with open(f"/proc/{pid}/fdinfo/{number}") as info:  # noqa: PTH123
        return int(info.readline().split()[1])


def _main(words: list[str]) -> int:
    from sims.hardening.store_writer import small_chunks, write

    folder, notes, log = Path(words[0]), Path(words[1]), Path(words[3])
    with log.open("w") as file, small_chunks():
        try:
            return record(
                lambda: write(folder, notes, int(words[2]), followed=False), folder, notes, file
            )
        except CantTraceError as error:
            sys.stderr.write(str(error))
            return CANT_TRACE


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
