"""Fixtures of small sweeps; what several tests use is a module."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def document(tmp_path):
    """Return a function that writes a small sweep's document."""
    from sweep_samples import SMALL

    def write(seeds="[0, 1]", *, generations=8, more="", name="sweep.toml"):
        path = tmp_path / name
        text = SMALL.format(seeds=seeds, generations=generations, more=more)
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def sweeping():
    """Return a function that starts the command; what it started doesn't outlive the test."""
    from sweep_samples import Sweeping

    started = []

    def start(*arguments):
        started.append(Sweeping(*arguments))
        return started[-1]

    yield start
    for one in started:
        one.end()
