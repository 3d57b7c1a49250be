"""Who may read the page, what it says when it can't show something, and that it only reads."""

import hashlib
import os
import socket
import subprocess
import sys

import pytest
from page_samples import BEGAN_NS, event, experiment, session, trial
from page_server import PATIENCE_S, ROOT, Server, Writer, part_of

from controller.page.guard import is_this_computer
from controller.page.server import PageError, bind


def contents(folder):
    """Return bytes and times of everything in a folder."""
    return {
        path: (
            path.stat().st_mtime_ns,
            path.stat().st_ctime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
        )
        for path in [folder, *folder.rglob("*")]
    }


def fails(*arguments, env=None):
    done = subprocess.run(
        [sys.executable, "-m", "controller.cli", "serve", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == 1, done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two experiments, a damaged one, and things that are none."""
    folder = tmp_path_factory.mktemp("page") / "runs"
    experiment(folder / "older", began_ns=BEGAN_NS - 10**15)
    with session(folder / "older" / "sessions" / "2026-09-21T120000Z_m1") as store:
        store.append([event("session_started"), *[trial(k) for k in range(30)]])
    experiment(folder / "newer", began_ns=BEGAN_NS + 10**15, origin="simulated")
    experiment(folder / "broken")
    (folder / "broken" / "experiment.zarr" / "zarr.json").write_text("{")
    (folder / "notes").mkdir()
    (folder.parent / "secret").write_text("secret")
    return folder


@pytest.fixture(scope="module")
def server(folder):
    made = Server(folder)
    yield made
    made.close()


# what is shown


def test_all_experiments_are_listed_the_newest_first_and_a_damaged_one_says_why(server):
    with server.events("/events") as stream:
        listed = part_of(stream, "list")[0]["experiments"]
    assert [one["key"] for one in listed] == ["newer", "older", "broken"]
    assert [one["status"] for one in listed] == ["finished", "finished", "damaged"]
    assert "biasloop repair" in listed[2]["problem"]
    assert (listed[1]["sessions"], listed[1]["subject"], listed[1]["trials"]) == (1, "m1", 180)
    code, _, text = server.ask("/")
    assert code == 200
    at = [text.index(f"/e/{key}") for key in ("newer", "older", "broken")]
    assert at == sorted(at)


def test_everything_is_shown_and_nothing_is_written(server, folder):
    before = contents(folder)
    for key, parts in (
        ("older", ("session 2026-09-21T120000Z_m1", "experiment", "tables")),
        ("newer", ("experiment", "tables")),
    ):
        assert server.ask(f"/e/{key}")[0] == 200
        for name in parts:
            with server.events(f"/e/{key}/events") as stream:
                assert part_of(stream, name)[0]["problems"] == []
    assert contents(folder) == before


def test_a_damaged_experiment_says_what_to_do_while_others_go_on(server):
    with server.events("/e/broken/events") as stream:
        assert "biasloop repair" in part_of(stream, "experiment")[0]["problems"][0]
    assert server.ask("/e/newer")[0] == 200


def test_a_browser_that_comes_back_is_sent_only_what_it_has_not(server):
    with server.events("/e/newer/events") as stream:
        _, last = part_of(stream, "tables")
    with server.events("/e/newer/events", Last_Event_ID=last) as stream:
        assert stream.readline() == b"retry: 1000\n"
        assert stream.readline() == b"\n"
        assert stream.readline() == b": alive\n"  # nothing is new
    with server.events("/e/newer/events", Last_Event_ID="experiment=other") as stream:
        assert part_of(stream, "experiment")[0]["run"]["name"] == "colours"


def test_a_session_by_itself_can_be_shown(serve, folder):
    (one,) = (folder / "older" / "sessions").iterdir()
    server = serve(one)
    assert "colours" in server.ask("/")[2]
    with server.events(f"/e/{one.name}/events") as stream:
        found, _ = part_of(stream, f"session {one.name}")
        assert found["session"]["trials"] == 30


def test_experiments_that_come_and_go_are_told(serve, tmp_path):
    server = serve(tmp_path)
    assert "Nothing is published here yet" in server.ask("/")[2]
    with server.events("/events") as stream:
        assert part_of(stream, "list")[0]["experiments"] == []
        experiment(tmp_path / "one")
        while not (listed := part_of(stream, "list")[0]["experiments"]):
            pass
        assert listed[0]["key"] == "one"
        with server.events("/e/one/events") as inner:
            assert part_of(inner, "experiment")[0]["run"]["trials"] == 180
            (tmp_path / "one").rename(tmp_path / ".gone")
            while not (found := part_of(inner, "experiment")[0]).get("gone"):
                pass
            assert "moved or removed" in found["problems"][0]
    assert server.ask("/e/one")[0] == 404


def test_a_session_whose_process_was_killed_is_said_to_be(serve, tmp_path):
    folder = experiment(tmp_path / "colours")
    server, writer = serve(folder), Writer(folder / "sessions" / "2026-09-22T120000Z_m1")
    name = "session 2026-09-22T120000Z_m1"
    with server.events("/e/colours/events") as stream:
        assert part_of(stream, name)[0]["session"]["state"] == "running"
        writer.step()
        assert part_of(stream, name)[0]["session"]["trials"] == 1
        writer.kill()  # which changes no file
        found = part_of(stream, name)[0]["session"]
    assert (found["state"], found["bad"]) == ("killed", True)


# who may read


@pytest.mark.parametrize(
    "path",
    [
        "/e/..",
        "/e/../secret",
        "/e/%2e%2e%2fsecret",
        "/e/..%2f..%2fsecret/events",
        "/e/notes",
        "/e/%00/events",
        "/static/../app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e/app.py",
        "/secret",
        "//secret",
    ],
)
def test_nothing_but_what_is_listed_can_be_read(server, path):
    code, _, text = server.ask(path)
    assert code == 404
    assert "secret" not in text
    assert "Starlette" not in text


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "10.0.0.1", "", "a b"])
def test_a_name_that_is_not_this_computers_is_refused(server, host):
    for path in ("/", "/events", "/static/page.css"):
        assert server.ask(path, Host=host)[0] in {400, 421}


def test_names_of_this_computer():
    for host in (
        "localhost",
        "LOCALHOST:80",
        "127.0.0.1",
        "127.0.0.1:8765",
        "127.1.2.3",
        "[::1]:1",
    ):
        assert is_this_computer(host)
    for host in (
        "",
        "localhost.",
        "192.168.0.1",
        "127.0.0.1.evil.example",
        "[::2]:1",
        "::ffff:1.2.3.4",
    ):
        assert not is_this_computer(host)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
def test_the_page_can_only_be_read(server, method):
    code, headers, _ = server.ask("/", method)
    assert (code, headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/", "/e/newer", "/static/live.js", "/nothing"])
def test_every_answer_says_what_a_browser_may_do_with_it(server, path):
    code, headers, text = server.ask(path)
    assert headers["content-security-policy"].startswith("default-src 'self'")
    assert headers["x-content-type-options"] == "nosniff"
    assert server.ask(path, "HEAD")[::2] == (code, "")
    assert "<script>" not in text
    assert "style=" not in text


def test_all_that_a_browser_loads_is_light(server):
    root = ROOT / "controller" / "page" / "static"
    sizes = [len(server.ask(f"/static/{path.name}")[2]) for path in root.iterdir()]
    assert sum(sizes) + len(server.ask("/e/newer")[2]) < 150_000


def test_a_token_is_shown_once_and_then_kept_by_the_browser(serve, folder):
    token = "a-token-of-the-laboratory"  # noqa: S105
    server = serve(folder, "--token", token)
    assert server.url.endswith(f"/?token={token}")
    for path in ("/", "/events", "/static/page.css", "/?token=", "/?token=another-token-of-16"):
        assert server.ask(path)[0] == 401
    code, headers, _ = server.ask(f"/?token={token}")
    assert code == 200
    cookie, *attributes = headers["set-cookie"].split("; ")
    assert {"HttpOnly", "SameSite=Strict"} <= set(attributes)
    assert token not in cookie
    assert server.ask("/e/newer", Cookie=cookie)[0] == 200
    assert server.ask("/e/newer", Cookie=cookie[:-1])[0] == 401
    assert server.ask("/e/newer", Cookie="biasloop_1=\xe9; =;")[0] == 401


def test_other_computers_are_served_only_with_a_token():
    address = bind("0.0.0.0", 0, None)  # noqa: S104  nothing is served
    with address.socket:
        assert not address.loopback
        assert len(address.token) >= 32
    with bind("127.0.0.1", 0, None).socket:
        pass
    with pytest.raises(PageError, match="at least 16"):
        bind("127.0.0.1", 0, "short")


# how it begins and ends


def test_a_folder_that_is_missing_is_said(tmp_path):
    assert "is no folder" in fails(tmp_path / "nowhere")


def test_a_port_that_is_taken_is_said_with_what_to_do(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        words = fails(tmp_path, "--port", port)
    assert f"port {port}" in words
    assert "--port 0" in words


def test_what_is_not_installed_is_said_with_its_command(tmp_path):
    without = "raise ModuleNotFoundError('none', name='uvicorn')\n"
    (tmp_path / "uvicorn.py").write_text(without)
    words = fails(tmp_path, env={"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"})
    assert "pip install 'biasloop[page]'" in words


def test_ctrl_c_ends_it_while_browsers_look(serve, folder):
    server = serve(folder)
    with (
        server.events("/events"),
        server.events("/e/older/events") as stream,
        server.events("/e/newer/events"),
    ):
        part_of(stream, "experiment")
        assert server.interrupt() == 0
    assert server.process.stderr.read() == ""


def test_the_page_needs_no_jax_and_no_pictures():
    code = (
        "import sys, controller.serve_command, controller.page.server; "
        "print([name for name in ('jax', 'matplotlib', 'equinox') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
