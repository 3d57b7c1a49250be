"""Versions that an experimenter's computer and a rig's must have in common."""

from collections.abc import Mapping

from controller import schedulers

SAME = ("biasloop", "python", "numpy", "dask", "distributed")


def software() -> dict[str, str]:
    """Return the versions here."""
    found = schedulers.software()
    return {name: found.get(name, "missing") for name in SAME}


def differing(theirs: Mapping[str, str]) -> list[str]:
    """Return what differs from here, in words."""
    return [
        f"{name} {theirs.get(name, 'missing')} (here {version})"
        for name, version in software().items()
        if theirs.get(name, "missing") != version
    ]
