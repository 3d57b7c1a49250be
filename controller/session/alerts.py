"""Telling somebody who isn't there: a command or a local webhook at start, end, fault and limit."""

import json
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from protocols.documents import Section

TIMEOUT_S = 10.0
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class AlertsSection(Section):
    """Who is told."""

    command: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    """A program; it gets the message as JSON on its standard input."""
    webhook: str | None = None
    """Address on this computer that is sent the same by HTTP POST."""

    @field_validator("webhook")
    @classmethod
    def _is_local(cls, url: str | None) -> str | None:
        if url is not None and not _is_loopback(url):
            raise ValueError(
                f"expected http://127.0.0.1:PORT/…, a program on this computer that passes "
                f"messages on; got {url!r}"
            )
        return url


def _is_loopback(url: str) -> bool:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  raises where it can't be one
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and parts.hostname in LOOPBACK


def _opener() -> urllib.request.OpenerDirector:
    """Return what sends requests, and neither uses a proxy nor follows anybody elsewhere."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPErrorProcessor,
    ):
        opener.add_handler(handler())
    return opener


class Alerts:
    """Sends messages and never waits for them: a session mustn't hang on somebody's phone."""

    def __init__(self, settings: AlertsSection, say: Callable[[str], None]) -> None:
        self._settings, self._say = settings, say
        self._threads: list[threading.Thread] = []

    def send(self, kind: str, message: str, **values: object) -> None:
        """Tell what happened: `start`, `end`, `fault` or `limit`."""
        told = {"kind": kind, "message": message, **values}
        body = json.dumps(told, default=str).encode()
        ways = []
        if self._settings.command:
            ways.append(self._by_command)
        if self._settings.webhook is not None:
            ways.append(self._by_webhook)
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        for way in ways:
            thread = threading.Thread(target=way, args=(body,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def flush(self, timeout_s: float = TIMEOUT_S) -> None:
        """Wait for what is under way, at the very end; for so long in all."""
        deadline_s = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, deadline_s - time.monotonic()))

    def _by_command(self, body: bytes) -> None:
        name = self._settings.command[0]
        try:
            done = subprocess.run(
                self._settings.command,
                input=body,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
                timeout=TIMEOUT_S,
                start_new_session=True,  # Ctrl-C is meant for the session
            )
        except subprocess.TimeoutExpired:
            self._complain(f"{name} took longer than {TIMEOUT_S:g} s and was ended")
        except (OSError, ValueError) as error:
            self._complain(f"{name} failed: {error}")
        else:
            if done.returncode:
                self._complain(f"{name} ended with {done.returncode}")

    def _by_webhook(self, body: bytes) -> None:
        url = self._settings.webhook or ""
        # its host was checked to be this computer
        call = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310
        try:
            with _opener().open(call, timeout=TIMEOUT_S):
                pass
        except (OSError, HTTPException, ValueError) as error:
            self._complain(f"{url} failed: {error}")

    def _complain(self, what: str) -> None:
        with suppress(Exception):  # the terminal may be gone; that is no reason to end
            self._say(f"alert: {what}")
