"""A crew of a scheduler's workers, for work that is independent: plans, figures."""

from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor
from contextlib import contextmanager

from controller.schedulers import SchedulerError, connect


@contextmanager
def pool(scheduler: str, workers: int) -> Iterator[Executor]:
    """Give an executor whose work goes to a scheduler; what a lost worker had is done again.

    Args:
        scheduler: its address, or "local".
        workers: how many are started where it is local.

    Raises:
        controller.schedulers.SchedulerError: it can't be had; the message says what to do.
    """
    with connect(scheduler, workers=workers) as client:
        executor = client.get_executor(pure=False)
        try:
            yield executor
        except CancelledError as error:
            raise SchedulerError(
                f"lost the scheduler {scheduler}; nothing of this was kept, start it again"
            ) from error
        finally:
            executor.shutdown(wait=False)  # what is left isn't wanted any more
