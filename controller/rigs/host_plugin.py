"""A rig's host, carried by its worker to where what is sent finds it. Dask is imported here."""

from typing import ClassVar

from distributed import WorkerPlugin

from controller.rigs.host import Host


class HostPlugin(WorkerPlugin):
    """Holds the host."""

    name: ClassVar[str] = "biasloop-rig"

    def __init__(self, host: Host) -> None:
        self.host = host
