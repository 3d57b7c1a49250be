"""What the session's tests share: a rig, an animal, and a folder of modules.

The samples and the small world of a session are modules, because processes of the tests use them.
"""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def settings():
    from session_samples import SETTINGS

    return SETTINGS


@pytest.fixture
def limits():
    from session_samples import LIMITS

    return LIMITS
