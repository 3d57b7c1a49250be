"""Who may read the page: a layer around the application that lets nothing else through.

On loopback, only addresses that mean this computer are answered, so that no page of the web can
have its own name point here. Elsewhere, and wherever a token is given, it has to be shown: once in
the address, then by a cookie that no script reads and no other site sends.
"""

import hashlib
import hmac
import ipaddress
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "content-security-policy": (
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "object-src 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
METHODS = ("GET", "HEAD")
LEAST_TOKEN = 16
"""Characters of a token that somebody chooses."""


class Guard:
    """The layer."""

    def __init__(self, app: ASGIApp, *, token: str | None, loopback: bool, port: int) -> None:
        """`port` tells the cookies of several pages on one computer apart."""
        self._app, self._loopback = app, loopback
        self._token = None if token is None else _digest(token)
        self._cookie = f"biasloop_{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse, one request."""
        if scope["type"] != "http":
            return
        shown = self._shown(scope)
        refusal = self._refusal(scope, shown)
        answer = self._app if refusal is None else refusal

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                if refusal is None and shown == "address":
                    headers.append("set-cookie", self._set_cookie())
            await send(message)

        await answer(scope, receive, dressed)

    def _refusal(self, scope: Scope, shown: str) -> Response | None:
        if scope["method"] not in METHODS:
            return _refused(405, "the page can only be read", {"allow": ", ".join(METHODS)})
        hosts = Headers(scope=scope).getlist("host")
        if len(hosts) != 1 or (self._loopback and not is_this_computer(hosts[0])):
            return _refused(
                421,
                "this page is for this computer only: open it as http://127.0.0.1 or "
                "http://localhost with its port",
            )
        if self._token is not None and not shown:
            return _refused(
                401, "this page needs its token: open the whole address that `biasloop serve` said"
            )
        return None

    def _shown(self, scope: Scope) -> str:
        """Return by what the token was shown: "address", "cookie"; "" where it wasn't."""
        if self._token is None:
            return ""
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
        if any(hmac.compare_digest(_digest(one), self._token) for one in given[:1]):
            return "address"
        # the cookie is the token's digest: who reads it off a disk doesn't have the token
        kept = _cookies(Headers(scope=scope).getlist("cookie"), self._cookie)
        return "cookie" if any(hmac.compare_digest(one, self._token) for one in kept) else ""

    def _set_cookie(self) -> str:
        return f"{self._cookie}={self._token}; HttpOnly; SameSite=Strict; Path=/"


def is_this_computer(host: str) -> bool:
    """Say whether the name in an address can only mean this computer.

    Args:
        host: a request's Host header, with or without a port.
    """
    name, colon, port = host.strip().lower().rpartition(":")
    if not colon or not port.isdigit():
        name = host.strip().lower()
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogateescape")).hexdigest()


def _cookies(headers: Iterable[str], name: str) -> list[str]:
    found = []
    for header in headers:
        try:
            cookie = SimpleCookie(header).get(name)
        except CookieError:
            continue
        if cookie is not None and cookie.value.isascii():
            found.append(cookie.value)
    return found


def _refused(code: int, words: str, headers: dict[str, str] | None = None) -> Response:
    return PlainTextResponse(f"{words}\n", code, headers)
