"""What the rig's tests need from the system: programs of Debian's packages."""

import os
import shutil

import pytest


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose programs are missing; in continuous integration (CI is set) fail it."""
    programs = [program for mark in item.iter_markers("needs") for program in mark.args]
    missing = ", ".join(program for program in programs if shutil.which(program) is None)
    if missing and os.environ.get("CI"):
        pytest.fail(f"continuous integration must not skip: {missing} not found", pytrace=False)
    if missing:
        pytest.skip(f"needs {missing}")
