"""Somebody who isn't there is told, and the session never waits for it."""

import json
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from pydantic import ValidationError

from controller.session import alerts as module
from controller.session.alerts import Alerts, AlertsSection

AT_ONCE_S = 2.0  # on a busy computer; what hangs does so for longer
SAVE = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_bytes(sys.stdin.buffer.read())"
MESSAGE = {"kind": "fault", "message": "m1: die Tür ist offen", "trials": 7}


def python(code, *arguments):
    return (sys.executable, "-c", code, *map(str, arguments))


@pytest.fixture
def said():
    return []


@pytest.fixture
def send(said):
    """Send the message by some settings; returns how long that took."""

    def by(**settings):
        alerts = Alerts(AlertsSection(**settings), said.append)
        begin_s = time.monotonic()
        alerts.send("fault", "m1: die Tür ist offen", trials=7)
        took_s = time.monotonic() - begin_s
        alerts.flush(20.0)
        return took_s

    return by


@pytest.fixture
def server():
    """A program on this computer; `server.answer` is its status, `server.got` what it was sent."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            one.got.append((self.path, self.headers["Content-Type"], json.loads(body)))
            if one.hangs.is_set():
                one.over.wait(20)
            self.send_response(one.answer)
            if one.answer == 302:
                self.send_header("Location", f"{one.url}/elsewhere")
            self.end_headers()

        def do_GET(self):
            one.got.append((self.path, None, None))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    one = HTTPServer(("127.0.0.1", 0), Handler)
    one.got, one.answer, one.hangs, one.over = [], 200, threading.Event(), threading.Event()
    one.url = f"http://127.0.0.1:{one.server_port}"
    thread = threading.Thread(target=one.serve_forever)
    thread.start()
    yield one
    one.over.set()
    one.shutdown()
    thread.join()
    one.server_close()


def test_a_command_gets_the_message_as_json(send, said, tmp_path):
    assert send(command=python(SAVE, tmp_path / "got")) < AT_ONCE_S
    assert json.loads((tmp_path / "got").read_bytes()) == MESSAGE
    assert said == []


def test_a_webhook_is_posted_the_same(send, said, server):
    assert send(webhook=f"{server.url}/hook?a=1") < AT_ONCE_S
    assert server.got == [("/hook?a=1", "application/json", MESSAGE)]
    assert said == []


def test_both_are_told(send, server, tmp_path):
    send(command=python(SAVE, tmp_path / "got"), webhook=server.url)
    assert (tmp_path / "got").exists()
    assert len(server.got) == 1


def test_nobody_is_told_where_nobody_is_named(send, said):
    before = threading.active_count()
    assert send() < AT_ONCE_S
    assert threading.active_count() == before
    assert said == []


def test_what_json_does_not_know_is_sent_as_words(said, server):
    alerts = Alerts(AlertsSection(webhook=server.url), said.append)
    alerts.send("end", "over", folder=module)
    alerts.flush()
    assert "alerts" in server.got[0][2]["folder"]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("no-such-program",), "alert: no-such-program failed: .*No such file"),
        (python("raise SystemExit(3)"), "ended with 3"),
        (python("import sys; sys.stdin.close(); raise SystemExit(4)"), "ended with 4"),
    ],
)
def test_a_command_that_fails_is_told_and_ends_nothing(send, said, command, words):
    assert send(command=command) < AT_ONCE_S
    assert len(said) == 1

    assert re.search(words, said[0])


@pytest.mark.parametrize("answer", [404, 500, 302])
def test_a_webhook_that_fails_is_told_and_leads_nowhere_else(send, said, server, answer):
    server.answer = answer
    assert send(webhook=server.url) < AT_ONCE_S
    assert len(server.got) == 1
    assert str(answer) in said[0]


def test_a_webhook_that_nobody_serves_is_told(send, said, server):
    send(webhook=f"http://127.0.0.1:{server.server_port + 1}")
    assert "failed" in said[0]


def test_what_hangs_holds_nobody_up(said, server, monkeypatch):
    monkeypatch.setattr(module, "TIMEOUT_S", 6.0)
    server.hangs.set()
    hanging = python("import time; time.sleep(60)")
    alerts = Alerts(AlertsSection(command=hanging, webhook=server.url), said.append)
    begin_s = time.monotonic()
    for _ in range(3):
        alerts.send("fault", "a")
    assert time.monotonic() - begin_s < AT_ONCE_S
    alerts.flush(0.2)  # for so long in all, not for each
    assert time.monotonic() - begin_s < 2 * AT_ONCE_S
    alerts.flush(20.0)
    assert sum("took longer than 6 s" in one for one in said) == 3


def test_a_proxy_of_the_environment_is_told_nothing(send, server, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://192.0.2.1:9")
    send(webhook=server.url)
    assert len(server.got) == 1


def test_a_complaint_that_can_not_be_said_ends_nothing():
    def gone(_):
        raise OSError("the terminal is gone")

    alerts = Alerts(AlertsSection(command=("no-such-program",)), gone)
    alerts.send("end", "over")
    alerts.flush()


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/hook",
        "https://192.168.0.7/hook",
        "http://127.0.0.1.example.org/",
        "http://127.0.0.1@example.org/",
        "http://0.0.0.0/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "127.0.0.1:80",
        "http://127.0.0.1:99999/",
        "http://[::1/",
        "",
    ],
)
def test_an_address_elsewhere_is_refused_with_what_is_expected(url):
    with pytest.raises(ValidationError, match=r"expected http://127\.0\.0\.1:PORT/"):
        AlertsSection(webhook=url)


@pytest.mark.parametrize("url", ["http://localhost:80", "https://127.0.0.1/a", "http://[::1]:8/"])
def test_an_address_on_this_computer_is_taken(url):
    assert AlertsSection(webhook=url).webhook == url
