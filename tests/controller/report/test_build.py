"""The page: one file, well formed, with the record's numbers and what to know before them."""

import base64
import json
import re
from dataclasses import replace
from itertools import pairwise

import pytest
from html_page import Page

from controller.analysis.findings import findings, headline
from controller.analysis.record import describe
from controller.analysis.sections.events import EVENTS
from controller.analysis.sections.origin import ORIGIN
from controller.analysis.sections.welfare import WELFARE
from controller.analysis.side_by_side.stores import Described, Unreadable, read_stores
from controller.analysis.source import open_source
from controller.analysis.terminal import is_number, number_tables, text
from controller.report.build import page

KINDS = ("finished", "stopped", "at_rig")
MARKUP = "<script>alert(\"1\")</script>&<b x='y'>"
MOST_BYTES = 3_000_000
QUICK = (ORIGIN, WELFARE, EVENTS)
"""Sections with little to draw."""
FEW = ("functions", "psychometric", "welfare", "origin")


@pytest.fixture(scope="module")
def pages(described):
    return {kind: page([described[kind]]) for kind in KINDS}


@pytest.fixture(scope="module")
def together(described, tmp_path_factory):
    missing = Unreadable(tmp_path_factory.mktemp("none") / "missing", "<nothing> is there")
    return page([some(described["stopped"]), some(described["at_rig"])], [missing])


def some(store):
    """A store with a few sections, which are drawn in less time."""
    return replace(store, record={name: store.record[name] for name in FEW if name in store.record})


@pytest.fixture(params=[*KINDS, "together"])
def html(request, pages, together):
    return {**pages, "together": together}[request.param]


def test_a_page_needs_nothing_but_itself(html):
    assert not re.search(r"https?://|//[a-z]", html.split("<body>")[1].split("base64")[0])
    read = Page(html)
    assert not {"script", "link", "iframe", "object", "img"} & set(read.names)
    targets = read.all("src") + read.all("href") + read.all("xlink:href")
    assert targets
    assert all(one.startswith(("#", "data:")) for one in targets)
    assert not re.search(r"@import|url\((?!#)", html)
    assert len(html.encode()) < MOST_BYTES


def test_a_page_is_well_formed_and_every_reference_is_to_one_part_of_it(html):
    read = Page(html)
    ids = read.all("id")
    assert len(ids) == len(set(ids))
    inner = [one[1:] for one in read.all("href") + read.all("xlink:href") if one[0] == "#"]
    clipped = re.findall(r"url\(#([^)]*)\)", html)
    assert set(inner) | set(clipped) <= set(ids)
    assert clipped  # by figures
    assert dict(read.elements)["html"]["lang"] == "en-GB"


def test_headings_go_down_by_one_level(html):
    levels = [int(name[1]) for name in Page(html).names if re.fullmatch(r"h[1-6]", name)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_every_figure_is_described_twice_for_those_who_see_it_and_those_who_do_not(html):
    read = Page(html)
    assert read.names.count("figure") == read.names.count("figcaption") > 0
    drawings = [found for name, found in read.elements if name == "svg"]
    assert len(drawings) == read.names.count("figure")
    assert all(one["role"] == "img" and len(one["aria-label"]) > 20 for one in drawings)


@pytest.mark.parametrize("kind", KINDS)
def test_every_number_is_the_records(kind, pages, described):
    read, record = Page(pages[kind]), described[kind].record
    expected = [table for _, table in number_tables(record)]
    assert read.captions[:-1] == [table.title for table in expected]
    for shown, table in zip(read.tables, expected, strict=False):
        assert shown == [list(table.columns), *([text(one) for one in row] for row in table.rows)]
    cells = [one for table in expected for row in table.rows for one in row if is_number(one)]
    assert read.values == [str(one) for one in cells]
    links = [one for one in read.all("href") if one.startswith("data:")]
    assert [json.loads(base64.b64decode(one.split(",")[1])) for one in links] == [record]


@pytest.mark.parametrize("kind", KINDS)
def test_document_and_versions_are_there_in_full(kind, pages, described):
    read, source = Page(pages[kind]), described[kind].source
    assert read.preformatted == (source.folder / "experiment.toml").read_text("utf-8")
    versions = described[kind].record["origin"]["versions"]
    assert dict(row for row in read.tables[-1][2:]) == versions


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_not_learner_driven_comes_before_every_figure_and_number(kind, pages, described):
    html, record = pages[kind], described[kind].record
    first = min(html.index(one) for one in ("<figure", "<table", "<nav"))
    assert html.index(headline(record)) < first
    places = [html.index(one.words) for one in findings(record)]
    assert places == sorted(places)
    assert places
    assert max(places) < first


def test_a_store_that_was_interrupted_says_so_first(pages):
    opening = pages["stopped"].split("<nav")[0]
    for words in ("it was interrupted", "no control was run", "stage 2 not finished"):
        assert words in opening


def test_a_store_that_was_killed_says_so_first(described):
    source = replace(described["stopped"].source, exit_status="killed", _kept={})
    shown = page([Described("killed", source, describe(source, QUICK))])
    assert "its process was killed" in shown.split("<nav")[0]


def test_a_session_alone_has_a_page(at_rig):
    (session,) = (at_rig / "sessions").iterdir()
    source = open_source(session)
    html = page([Described(source.name, source, describe(source, QUICK))])
    assert "A session alone" in html.split("<nav")[0]
    assert "no animal was there" in html.split("<nav")[0]
    assert {"s1-welfare", "s1-events"} <= set(Page(html).all("id"))


def test_markup_in_a_store_stays_text(described):
    source = described["at_rig"].source
    sessions = tuple(
        replace(one, header={**one.header, "subject": MARKUP, "name": MARKUP, "rig": MARKUP})
        for one in source.sessions
    )
    header = {**source.header, "experiment": MARKUP}
    marked = replace(source, header=header, sessions=sessions, problems=(MARKUP,), _kept={})
    one = Described(marked.name, marked, describe(marked, QUICK))
    for html in (page([one]), page([one, replace(one, label=f"_${MARKUP}")])):
        read = Page(html)
        assert not {"script", "b"} & set(read.names)
        assert "<script" not in html
        assert any(MARKUP in cell for table in read.tables for row in table for cell in row)


def test_the_same_store_gives_the_same_bytes(finished, described):
    (again,), _ = read_stores([finished])
    once = described["finished"]
    assert again.record == once.record
    assert page([replace(some(again), label=once.label)]) == page([some(once)])


def test_several_stores_are_compared_before_each_has_its_own_part(together, described):
    read = Page(together)
    opening, rest = together.split("<nav")
    labels = [described[kind].label for kind in ("stopped", "at_rig")]
    assert all(f"<h3>{label}</h3>" in opening for label in labels)
    assert "&lt;nothing&gt; is there" in opening
    places = [rest.index(f'id="{one}"') for one in ("side", "s1", "s2")]
    assert places == sorted(places)
    assert read.tables[0][0][0] == "store"
    assert [row[0] for row in read.tables[0][1:]] == labels


def test_without_a_document_that_is_said(described, tmp_path):
    source = replace(described["at_rig"].source, folder=tmp_path, _kept={})
    html = page([Described("bare", source, describe(source, QUICK))])
    assert "The folder has no protocol document." in html
