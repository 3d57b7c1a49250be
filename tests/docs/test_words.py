"""What the pages name is there: commands, options, files, links, columns."""

import re

import pytest
import typer
from pages import PAGES, ROOT, commands, text

from controller.cli import app, offer_others
from sims import columns

PLACEHOLDER = re.compile(r"^[A-Z][A-Z_…|.]*$|…|^\[|/path/to/|NAME")
OTHERS = frozenset(["make", "pip", "cd", "python3", "py"])


@pytest.fixture(scope="module")
def cli():
    offer_others()
    return typer.main.get_command(app)


def command_of(cli, words):
    """The command that words name, and the rest of the words."""
    while hasattr(cli, "commands") and words:
        found = cli.commands.get(words[0])
        assert found is not None, f"no command {words[0]!r}"
        cli, words = found, words[1:]
    return cli, words


def known(cli, words):
    command, rest = command_of(cli, list(words))
    options = {one for parameter in command.params for one in parameter.opts}
    options |= {one for parameter in command.params for one in parameter.secondary_opts}
    for word in rest:
        if word.startswith("--") and word != "--help":
            assert word.partition("=")[0] in options, f"{command.name} has no {word}"


@pytest.mark.parametrize("page", PAGES)
def test_every_command_and_option_that_a_page_names_is_there(page, cli):
    found = list(commands(page))
    assert found
    usage = (ROOT / "dev").read_text("utf-8")
    for command in found:
        match command.words:
            case ("biasloop", *words):
                known(cli, [word for word in words if word])
            case ("./dev" | "dev", name, *_):
                assert f"\n  {name} " in usage, f"./dev has no {name}"
            case (".venv/bin/python" | "python", "-m", module, *_):
                path = ROOT / module.replace(".", "/")
                there = path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()
                assert there or PLACEHOLDER.search(module) or module == "venv", module
            case (name, *_):
                assert name.rpartition("/")[2] in OTHERS, f"{page}: what is {command.words}?"


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_a_page_leads_to_a_file(page):
    folder = (ROOT / page).parent
    for target in re.findall(r"\]\(([^)#]+)\)", text(page)):
        if not target.startswith("https://"):
            assert (folder / target).exists(), target


def test_the_tables_of_the_analysts_page_are_those_that_are_stored():
    before = columns.PAGE.read_text("utf-8")
    assert columns.page(before) == before, "python -m sims.columns writes them"


def test_pictures_load_nothing_from_elsewhere():
    found = sorted((ROOT / "docs" / "pictures").glob("*.svg"))
    assert found
    for path in found:
        assert "url(" not in path.read_text("utf-8").replace("url(#", "")
