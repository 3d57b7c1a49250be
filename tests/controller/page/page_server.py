"""Servers as a user has them, in processes of their own, on a free port of this computer."""

import json
import os
import queue
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[3]
PATIENCE_S = 90


class Server:
    """A page that is served."""

    def __init__(self, folder, *options, port=0, env=None):
        command = [sys.executable, "-m", "controller.cli", "serve", str(folder)]
        self.process = subprocess.Popen(
            [*command, "--port", str(port), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        )
        line = first_line(self.process.stdout)
        assert line.startswith("http://"), line + self.process.stderr.read()
        self.url = line.split()[0]
        self.port = urlsplit(self.url).port
        self.base = f"http://127.0.0.1:{self.port}"

    def ask(self, path, method="GET", **headers):
        """Return the code, the headers and the text of an answer."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        connection.putrequest(method, path, skip_host="Host" in headers)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, dict(answer.getheaders()), text

    @contextmanager
    def events(self, path, **headers):
        """Open a stream; `part_of` reads it."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("GET", path, headers=named)
        with connection.getresponse() as stream:
            yield stream
        connection.close()

    def interrupt(self):
        """Ctrl-C; return the exit code."""
        self.process.send_signal(2)
        return self.process.wait(PATIENCE_S)

    def close(self):
        self.process.kill()
        self.process.communicate()


class Writer:
    """A session that another process runs, by one step at a time."""

    def __init__(self, folder):
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "page_writer.py"), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert first_line(self.process.stdout) == "begun\n"

    def step(self, word="trial"):
        """Store and publish a trial, or an event of some kind."""
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()
        first_line(self.process.stdout)

    def end(self):
        self.process.communicate(timeout=PATIENCE_S)

    def kill(self):
        self.process.kill()
        self.process.communicate()


def first_line(stream):
    lines = queue.SimpleQueue()
    threading.Thread(target=lambda: lines.put(stream.readline()), daemon=True).start()
    return lines.get(timeout=PATIENCE_S)


def part_of(stream, name):
    """Read an event stream up to a part; return its numbers and its id."""
    last = ""
    while True:
        line = stream.readline().decode().rstrip("\n")
        if line.startswith("id: "):
            last = line[4:]
        if line.startswith("data: "):
            data = json.loads(line[6:])
            if data["part"] == name:
                return data["numbers"], last
