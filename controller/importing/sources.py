"""Where trials come from: a table with its mapping, or a source that has a name."""

from pathlib import Path

from controller.importing.errors import ImportTrialsError
from controller.importing.mapping import EXAMPLE
from controller.importing.ready import READY
from controller.importing.sessions import read_trials
from controller.importing.table import read_table
from controller.importing.trials import ImportedTrials
from protocols.documents.explain import suggest
from protocols.documents.problems import quoted


def trials_from(source: str, mapping: Path | None) -> ImportedTrials:
    """Return the trials of a table, or of a ready source.

    Args:
        source: path of a table, or the name of a ready source.
        mapping: path of the table's mapping document; None for a ready source.

    Raises:
        ImportTrialsError: there is no such source, or it is wrong.
        protocols.documents.DocumentError: the mapping is wrong.
    """
    path = Path(source)
    if source in READY and mapping is None:
        return READY[source]()
    if not path.is_file():
        raise ImportTrialsError(
            f"{source}: no such table, and no ready source of that name{suggest(source, READY)}"
        )
    if mapping is None:
        raise ImportTrialsError(
            f"{source}: `--map MAP.toml` is missing, the document that says which column is what. "
            f"Columns: {', '.join(read_table(path).header)}. Begin with\n\n{example(path)}"
        )
    return read_trials(path, mapping)


def example(path: Path) -> str:
    """Return a mapping to begin with, which names columns of a table."""
    header = read_table(path).header
    return EXAMPLE.format(stimulus=quoted(header[0]), answer=quoted(header[-1]))
