"""Telling somebody who isn't there: a command or a local webhook at start, end, fault and limit."""

import json
import subprocess
import threading
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

TIMEOUT_S = 10.0
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class AlertsSection(BaseModel):
    """Who is told."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    command: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    """A program; it gets the message as JSON on its standard input."""
    webhook: str | None = None
    """Address on this computer that is sent the same by HTTP POST."""

    @field_validator("webhook")
    @classmethod
    def _is_local(cls, url: str | None) -> str | None:
        if url is not None:
            parts = urlsplit(url)
            if parts.scheme not in {"http", "https"} or parts.hostname not in LOOPBACK:
                raise ValueError(
                    f"expected http://127.0.0.1:PORT/…, a program on this computer that passes "
                    f"messages on; got {url!r}"
                )
        return url


class Alerts:
    """Sends messages and never waits for them: a session mustn't hang on somebody's phone."""

    def __init__(self, settings: AlertsSection, say: Callable[[str], None]) -> None:
        self._settings, self._say = settings, say
        self._threads: list[threading.Thread] = []

    def send(self, kind: str, message: str, **values: object) -> None:
        """Tell what happened: `start`, `end`, `fault` or `limit`."""
        body = json.dumps({"kind": kind, "message": message, **values}).encode()
        for way in (self._by_command, self._by_webhook):
            thread = threading.Thread(target=way, args=(body,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def flush(self, timeout_s: float = TIMEOUT_S) -> None:
        """Wait for what is under way, at the very end."""
        for thread in self._threads:
            thread.join(timeout_s)

    def _by_command(self, body: bytes) -> None:
        if not self._settings.command:
            return
        try:
            done = subprocess.run(
                self._settings.command,
                input=body,
                capture_output=True,
                check=False,
                timeout=TIMEOUT_S,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            self._say(f"alert: {self._settings.command[0]} failed: {error}")
            return
        if done.returncode:
            self._say(f"alert: {self._settings.command[0]} ended with {done.returncode}")

    def _by_webhook(self, body: bytes) -> None:
        if self._settings.webhook is None:
            return
        # its host was checked to be this computer
        call = urllib.request.Request(  # noqa: S310
            self._settings.webhook, body, {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(call, timeout=TIMEOUT_S):  # noqa: S310
                pass
        except OSError as error:
            with suppress(Exception):
                self._say(f"alert: {self._settings.webhook} failed: {error}")
