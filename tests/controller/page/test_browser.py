"""The page as a person has it: a browser, a keyboard, a session that another process runs."""

import shutil

import pytest
from page_samples import BEGAN_NS, event, experiment, session, trial
from page_server import PATIENCE_S, Server, Writer

WAIT_MS = 1000 * PATIENCE_S
MARKUP = "<img src=x onerror=alert(1)>"
NARROW = {"width": 380, "height": 800}
SESSION = "2026-09-22T120000Z_m1"
pytestmark = pytest.mark.needs("chromium")


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        options = {"executable_path": shutil.which("chromium"), "args": ["--no-sandbox"]}
        with driver.chromium.launch(**options) as made:
            yield made


@pytest.fixture
def page(browser):
    """A page whose console must stay empty, but for addresses that don't answer."""
    said = []
    with browser.new_context(viewport={"width": 1200, "height": 900}) as context:
        made = context.new_page()
        made.set_default_timeout(WAIT_MS)
        made.on("pageerror", lambda error: said.append(str(error)))
        made.on("console", lambda message: said.append(message.text))
        yield made
    assert [one for one in said if "Failed to load resource" not in one] == []


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Three experiments; all that people can write into the second is markup."""
    folder = tmp_path_factory.mktemp("browser")
    experiment(folder / "first", origin="simulated", began_ns=BEGAN_NS + 10**15)
    experiment(folder / "<b>second", name=MARKUP)
    named = folder / "<b>second" / "sessions" / "2026-09-21T120000Z_odd"
    with session(named, subject=MARKUP, rig=MARKUP, name=f"{named.name}{MARKUP}") as store:
        store.append([event("session_started"), *[trial(k) for k in range(80)]])
    experiment(folder / "third", began_ns=BEGAN_NS - 10**15)
    store = session(folder / "third" / "sessions" / SESSION, began_ns=BEGAN_NS - 10**15)
    store.append([trial(k) for k in range(40)])
    store.append([event("fault", 250.0), event("made_safe", 251.0, value=0.0)])
    store.close("fault")
    return folder


@pytest.fixture(scope="module")
def server(runs):
    made = Server(runs)
    yield made
    made.close()


def wide(page):
    """Return whether the page has to be moved sideways."""
    return page.evaluate("document.documentElement.scrollWidth > innerWidth")


def test_trials_states_and_reconnections_are_seen_while_a_session_runs(page, serve, tmp_path):
    folder = experiment(tmp_path / "colours")
    server, writer = serve(folder), Writer(folder / "sessions" / SESSION)
    page.goto(server.url)
    page.wait_for_selector(".session .state[data-state=running]")
    for k in range(3):
        writer.step()
        page.wait_for_selector(f".session tr[data-trial='{k + 1}']")
    assert page.locator(".session .stream tbody tr").count() == 3
    assert "3 of 900 trials" in page.inner_text(".session .left")
    assert "12.0 of 2,000 µl, at least 800" in page.inner_text(".session .left")
    writer.step("held")
    page.wait_for_selector("#faults .problem")
    assert "held by a condition" in page.inner_text("#faults")
    assert page.title().startswith("▲")
    writer.step("resumed")
    page.wait_for_selector("#faults .problem", state="detached")
    server.close()
    page.wait_for_selector("#line[data-lost]")
    writer.step()
    serve(folder, port=server.port)
    page.wait_for_selector(".session tr[data-trial='4']")  # nobody loaded the page again
    page.wait_for_selector("#line:not([data-lost])")
    page.screenshot(path=tmp_path / "running.png", full_page=True)
    writer.end()
    page.wait_for_selector(".session .state[data-state=finished]")


def test_a_fault_is_said_first_and_aloud(page, server):
    page.goto(f"{server.base}/e/third")
    page.wait_for_selector("#faults .problem")
    region = page.locator("#faults")
    assert region.get_attribute("aria-live") == "polite"
    assert "ended by a fault of the rig" in region.inner_text()
    assert "NOT SAFE" in region.inner_text()
    top = page.evaluate("document.querySelector('#faults').getBoundingClientRect().top")
    assert top < page.evaluate("document.querySelector('.session').getBoundingClientRect().top")


def test_experiments_are_reached_by_the_keyboard_alone(page, server):
    page.goto(server.url)
    page.wait_for_selector("#experiments li:nth-child(3) p")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate(outline) == "solid"
    at = "document.activeElement.textContent"
    for key, name in (
        *(("j", "first"), ("j", "<b>second"), ("ArrowDown", "third"), ("k", "<b>second")),
        *(("ArrowUp", "first"), ("j", "<b>second"), ("j", "third")),
    ):
        page.keyboard.press(key)
        assert page.evaluate(at) == name
    assert page.evaluate(outline) == "solid"
    page.keyboard.press("Enter")
    page.wait_for_url("**/e/third")
    page.wait_for_selector(".session .stream tbody tr")
    page.keyboard.press("k")
    page.wait_for_url("**/e/-*")
    page.keyboard.press("k")
    page.wait_for_url("**/e/first")
    page.wait_for_selector("#tables summary")
    seen = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.outerHTML.slice(0, 60)"))
    for part in ("Skip to", 'href="/"', "<summary>", 'class="scroll"'):
        assert any(part in one for one in seen), (part, seen)


def test_what_people_wrote_is_text_and_never_markup(page, server):
    alerts = []
    page.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
    page.goto(server.url)
    page.wait_for_selector("#experiments li:nth-child(3) p")
    link = page.get_by_text("<b>second")
    assert link.count() == 1
    link.click()
    page.wait_for_selector(".session .stream tbody tr")
    page.wait_for_selector("#tables summary")
    assert MARKUP in page.inner_text("h1")
    assert MARKUP in page.inner_text(".session .name")
    assert f"subject {MARKUP}" in page.inner_text(".session .who")
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    assert MARKUP in page.inner_text("#tables")
    assert page.locator("img, main b").count() == 0
    assert alerts == []


@pytest.mark.parametrize("key", ["", "e/first", "e/third"])
def test_on_a_telephone_nothing_has_to_be_moved_sideways(page, server, tmp_path, key):
    page.set_viewport_size(NARROW)
    page.goto(f"{server.base}/{key}")
    page.wait_for_selector("#tables summary" if key else "#experiments p")
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    assert not wide(page)
    page.screenshot(path=tmp_path / "narrow.png", full_page=True)
    assert (tmp_path / "narrow.png").stat().st_size > 0


def test_curves_are_drawn_and_described(page, server):
    page.goto(f"{server.base}/e/third")
    page.wait_for_selector(".session .chart canvas")
    page.wait_for_selector("#search .chart canvas")
    assert "% right" in page.get_attribute(".session .chart", "aria-label")
    assert "mean fitness" in page.get_attribute("#search .chart", "aria-label")
    painted = """(canvas) => {
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        return data.some((value) => value > 0);
    }"""
    assert page.eval_on_selector(".session .chart canvas", painted)
    assert page.locator(".session .dots .plus, .session .dots .minus").count() > 0


def test_a_token_doesnt_stay_in_the_address(page, serve, runs):
    server = serve(runs, "--token", "a-token-of-the-laboratory")
    page.goto(server.url)
    page.wait_for_selector("#experiments p")
    assert page.url == f"{server.base}/"
    page.goto(f"{server.base}/e/first")
    page.wait_for_selector("#tables summary")
    assert page.evaluate("document.cookie") == ""  # no script can read it
