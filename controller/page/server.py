"""The server: bound first, so that its address is known, and ended by Ctrl-C whoever looks on."""

import asyncio
import gc
import ipaddress
import secrets
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import uvicorn

from controller.page.app import Page
from controller.page.guard import LEAST_TOKEN, Guard
from controller.store.memory import one_heap

GRACE_S = 1


class PageError(Exception):
    """The page can't be served; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the page is, and what one needs to read it."""

    socket: socket.socket
    token: str | None
    loopback: bool

    @property
    def port(self) -> int:
        """The port, also where any free one was asked for."""
        return self.socket.getsockname()[1]

    @property
    def url(self) -> str:
        """What is opened in a browser."""
        host = self.socket.getsockname()[0]
        if ipaddress.ip_address(host).is_unspecified:
            host = socket.gethostname()
        name = f"[{host}]" if ":" in host else host
        shown = f"?token={self.token}" if self.token else ""
        return f"http://{name}:{self.port}/{shown}"


def bind(host: str, port: int, token: str | None) -> Address:
    """Take an address; beyond this computer only with a token, which is made if none is given.

    Raises:
        PageError: it can't be had.
    """
    if token is not None and (len(token) < LEAST_TOKEN or not token.isascii()):
        raise PageError(
            f"the token has {len(token)} characters: expected at least {LEAST_TOKEN}, ASCII "
            "only; without --token one is made where it is needed"
        )
    try:
        family, _, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        taken = socket.create_server(where[:2], family=family)
    except (OSError, OverflowError) as error:
        raise PageError(
            f"{host} port {port} can't be used: {error}; is another page open there? Give "
            f"another with --port, or --port 0 for any free one"
        ) from error
    loopback = ipaddress.ip_address(taken.getsockname()[0]).is_loopback
    if token is None and not loopback:
        token = secrets.token_urlsafe(24)
    return Address(taken, token, loopback)


def run(root: Path, address: Address, ready: Callable[[], None]) -> None:
    """Serve until Ctrl-C."""
    one_heap()
    gc.collect()
    gc.freeze()  # so that looking for garbage after each computation costs nothing
    with suppress(KeyboardInterrupt):  # uvicorn has heard it, and raises it again at its end
        asyncio.run(_serve(root, address, ready))


async def _serve(root: Path, address: Address, ready: Callable[[], None]) -> None:
    page = Page(root)
    guard = Guard(page.app, token=address.token, loopback=address.loopback, port=address.port)
    config = uvicorn.Config(
        guard,
        access_log=False,  # addresses may hold the token
        log_level="warning",
        lifespan="off",
        ws="none",
        http="h11",
        loop="asyncio",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    server = _Server(config, page)
    ready()
    await server.serve(sockets=[address.socket])


class _Server(uvicorn.Server):
    """Lets the browsers go when it is to end, which would be waited for else."""

    def __init__(self, config: uvicorn.Config, page: Page) -> None:
        super().__init__(config)
        self._page, self._loop = page, asyncio.get_running_loop()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Hear a signal."""
        self._loop.call_soon_threadsafe(self._page.close)
        super().handle_exit(sig, frame)
