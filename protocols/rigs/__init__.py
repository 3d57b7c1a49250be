"""Ready rig documents, by name."""

from pathlib import Path


def ready() -> dict[str, Path]:
    """Return the path of every ready document by its name."""
    return {path.stem: path for path in sorted(Path(__file__).parent.glob("*.toml"))}
