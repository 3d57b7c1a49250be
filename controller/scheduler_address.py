"""Addresses of schedulers: which ones may be used at all.

Work that is sent to a scheduler is code. So one of another computer is reached by TLS only.
"""

import ipaddress
import socket
from urllib.parse import urlsplit


class SchedulerError(Exception):
    """No scheduler, or not one that may be used; the message says what to do."""


def checked(address: str) -> None:
    """Refuse an address that anybody on the network could listen to, or that is none.

    Raises:
        SchedulerError: with what to do.
    """
    scheme, host, port = _parts(address)
    if scheme not in {"tcp", "tls"} or not host or port is None:
        raise SchedulerError(
            f"scheduler {address!r}: expected tls://HOST:PORT, tcp://127.0.0.1:PORT or `local`"
        )
    if scheme == "tls":
        _check_tls(address)
    elif not _is_loopback(host):
        raise SchedulerError(
            f"scheduler {address!r} is on another computer and not encrypted: whoever reaches it "
            f"may run any code there and here. Start it and its workers with TLS and give "
            f"tls://{host}:{port}, or reach it through `ssh -L {port}:127.0.0.1:{port} {host}` as "
            f"tcp://127.0.0.1:{port}"
        )


def _parts(address: str) -> tuple[str, str, int | None]:
    try:
        found = urlsplit(address if "://" in address else f"tcp://{address}")
        port = found.port
    except ValueError:
        return "", "", None
    return found.scheme, found.hostname or "", port


def _is_loopback(host: str) -> bool:
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None)}
    except OSError as error:
        raise SchedulerError(f"scheduler host {host!r} isn't known: {error}") from error
    return all(ipaddress.ip_address(one.partition("%")[0]).is_loopback for one in found)


def _check_tls(address: str) -> None:
    import dask.config

    needed = ("ca-file", "client.cert", "client.key")
    missing = [
        name for name in needed if not dask.config.get(f"distributed.comm.tls.{name}", default=None)
    ]
    if missing:
        raise SchedulerError(
            f"scheduler {address!r} needs certificates: set "
            f"{', '.join(f'distributed.comm.tls.{name}' for name in missing)} in Dask's "
            "configuration (~/.config/dask/distributed.yaml)"
        )
