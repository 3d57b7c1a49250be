"""What a Dask worker loads before it takes any work."""

import signal
import threading


def dask_setup(_: object) -> None:
    """Leave Ctrl-C to the client, which lets the runs under way end where they can be resumed."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
