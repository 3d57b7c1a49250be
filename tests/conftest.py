"""What every test shares: checked shapes, JAX on the CPU with kept compilations, slow tests."""

import gc
import os
import shutil
import signal
import sys
from pathlib import Path

import jaxtyping
import pytest

# All before jax or matplotlib is imported by a test, or in a process that a test starts.
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "biasloop"
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(CACHE / "jax"))
os.environ.setdefault("MPLBACKEND", "agg")
# Threads of small matrix products only wait for each other where several tests run at once.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# A shell that starts the tests in the background lets them ignore Ctrl-C, and all that they start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).parents[1]
SHAPED = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for package in ("controller", "learners", "protocols")
    for path in (ROOT / package).rglob("*.py")
    if "from jaxtyping import" in path.read_text(encoding="utf-8")
]
"""The modules that state shapes. The others would only be slowed down."""
REAL_TIME = {"simavr", "Xvfb", "chromium"}
"""Programs that keep real time only where the machine lets them."""

# Stays in place for the whole run: modules are checked as they are imported.
jaxtyping.install_import_hook(SHAPED, "beartype.beartype")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the tests marked slow")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        programs = {program for mark in item.iter_markers("needs") for program in mark.args}
        if programs & REAL_TIME:
            item.add_marker(pytest.mark.flaky(reruns=1))
    if not config.getoption("--slow"):
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="slow: run with --slow"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose programs are missing; in continuous integration (CI is set) fail it."""
    programs = [program for mark in item.iter_markers("needs") for program in mark.args]
    missing = ", ".join(program for program in programs if shutil.which(program) is None)
    if missing and os.environ.get("CI"):
        pytest.fail(f"continuous integration must not skip: {missing} not found", pytrace=False)
    if missing:
        pytest.skip(f"needs {missing}")


@pytest.fixture(autouse=True, scope="module")
def _forget_compiled_programs():
    """Let go of what a module compiled: of all of them it is gigabytes, and nobody asks again."""
    yield
    if "jax" in sys.modules:
        import jax

        jax.clear_caches()
        gc.collect()
