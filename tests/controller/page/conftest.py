"""The modules beside this one are used by several tests."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from page_server import Server


@pytest.fixture
def serve():
    """Return a function that serves a folder until the test is over."""
    servers = []

    def make(*arguments, **options):
        servers.append(Server(*arguments, **options))
        return servers[-1]

    yield make
    for server in servers:
        server.close()
