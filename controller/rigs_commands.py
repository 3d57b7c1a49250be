"""`biasloop rig serve`: a rig's computer that runs sessions which are ordered from elsewhere.

Nothing here imports JAX, and Dask only once it is needed.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from controller.rigs.host import LabHost
    from controller.session.on_rig import Request


def serve(
    rig: Annotated[
        str,
        typer.Argument(metavar="RIG", help="A rig document (TOML), or the name of a ready one."),
    ],
    *,
    scheduler: Annotated[
        str, typer.Option(metavar="ADDRESS", help="tls://HOST:PORT, or tcp://127.0.0.1:PORT.")
    ],
    lab: Annotated[
        Path, typer.Option(help="Folder of this rig's sessions, rewards and alerts.")
    ] = Path("lab"),
    check: Annotated[bool, typer.Option(help="Look at the rig first.")] = True,
) -> None:
    """Run sessions that are ordered over a Dask scheduler, until Ctrl-C."""
    import asyncio

    from controller.paths import rig_path
    from controller.rigs.host import LabHost
    from controller.rigs.session_entry import say
    from controller.scheduler_address import checked
    from controller.schedulers import require_dask
    from controller.session.on_rig import origin_of
    from protocols.rig_document import load_rig

    require_dask()
    checked(scheduler)
    path = rig_path(rig).resolve()
    _, settings = load_rig(path)
    lab = lab.resolve()
    with _only_one(lab, settings.name):
        request = _tried(path, lab, check=check)
        host = LabHost(lab, path, settings.name, origin_of(settings, request))
        asyncio.run(_until_ended(scheduler, settings.name, host, say))


async def _until_ended(
    address: str, name: str, host: "LabHost", say: "Callable[[str], None]"
) -> None:
    import asyncio

    from controller.rigs.worker import ending_on_signals, serve

    ended = asyncio.Event()
    with ending_on_signals(ended, lambda: host.busy is not None):
        await serve(address, name, host, say, ended)


@contextmanager
def _only_one(lab: Path, name: str) -> Iterator[None]:
    """Be the only one that serves a rig on this computer.

    Raises:
        NotReady: another process does.
    """
    from controller.session.errors import NotReady
    from controller.store import StoreLocked
    from controller.store.lock import Lock, writer_pid

    folder = lab / "served" / name
    folder.mkdir(parents=True, exist_ok=True)
    try:
        lock = Lock.take(folder)
    except StoreLocked as error:
        raise NotReady(
            f"the rig {name} is served by process {writer_pid(folder)} already: end that first"
        ) from error
    try:
        yield
    finally:
        lock.release()


def _tried(rig: Path, lab: Path, *, check: bool) -> "Request":
    """Look at the rig as before a session, and let go of it.

    Raises:
        NotReady: lists what isn't right.
    """
    from controller.rigs.lent_folder import running_in
    from controller.rigs.session_entry import look_at, say
    from controller.session.on_rig import checked_rig, origin_of, port_of
    from hardware.display import Display
    from protocols.rig_document import load_rig

    request = look_at(rig, lab, check=check)
    _, settings = load_rig(rig)
    origin_of(settings, request)
    if running := running_in(lab):
        say(f"{running} goes on in this rig: it was looked at before that")
        return request
    with ExitStack() as opened:
        display = None
        if settings.screen is not None:
            display = opened.enter_context(Display(settings.screen))
        port = opened.enter_context(port_of(settings, request, None))
        checked_rig(request, settings, port, display, lab)
    return request
