"""One column's chunk files: rows go in, full chunks are written, the tail waits in memory."""

import os
from pathlib import Path

import numpy as np
from numcodecs.zstd import Zstd

from controller.store.files import write_atomic
from controller.store.metadata import ZSTD_LEVEL, ArrayText, chunk_shape, fill_value
from controller.store.schema import Column, Layout, Table

_ZSTD = Zstd(level=ZSTD_LEVEL, checksum=True)


class DamagedChunkError(Exception):
    """The last chunk can't be read back."""


class ColumnWriter:
    """Appends to one array. What it writes beyond the published shape nobody sees."""

    __slots__ = (
        *("name", "text", "folder", "rows", "dirty_folders"),
        *("_dtype", "_suffix", "_buffer", "_fill", "_sync", "_dirty"),
    )

    def __init__(self, root: Path, table: Table, column: Column, layout: Layout) -> None:
        shape = chunk_shape(table, column, layout)
        self.name = column.name
        self.text = ArrayText(table, column, layout)
        self.folder = str(root / table.name / column.name)
        self.rows = 0
        self.dirty_folders: set[str] = set()
        self._dtype = np.dtype(column.dtype).newbyteorder("<")
        self._suffix = "/0" if len(shape) == 2 else ""
        self._fill = fill_value(column)
        self._buffer = np.full(shape, self._fill, self._dtype)
        self._sync = layout.live
        self._dirty = False

    def resume(self, rows: int) -> None:
        """Go on after the published rows, whose tail is read back from the last chunk.

        Raises:
            DamagedChunkError: the last chunk is missing or can't be decoded.
        """
        self.rows, self._dirty = rows, False
        self._buffer[:] = self._fill
        index, used = divmod(rows, len(self._buffer))
        if not used:
            return
        path = self._path(index)
        try:
            stored = np.frombuffer(_ZSTD.decode(Path(path).read_bytes()), self._dtype)
            self._buffer[:used] = stored.reshape(self._buffer.shape)[:used]
        except (OSError, ValueError, RuntimeError) as error:
            raise DamagedChunkError(f"{path}: {error}") from error

    def extend(self, values: np.ndarray) -> None:
        """Append rows; chunks that fill up are written at once."""
        size, done = len(self._buffer), 0
        while done < len(values):
            index, used = divmod(self.rows, size)
            take = min(size - used, len(values) - done)
            part = values[done : done + take]
            self.rows += take
            done += take
            if take == size:
                # A whole chunk needs no way through the buffer.
                self._write(index, np.ascontiguousarray(part, dtype=self._dtype))
                continue
            self._buffer[used : used + take] = part
            self._dirty = True
            if used + take == size:
                self.flush_chunk(index)
                self._buffer[:] = self._fill

    def flush(self) -> None:
        """Write the tail, if it has changed."""
        if self._dirty:
            self.flush_chunk(self.rows // len(self._buffer))

    def flush_chunk(self, index: int) -> None:
        """Write the buffer as chunk number `index`."""
        self._write(index, self._buffer)
        self._dirty = False

    def _path(self, index: int) -> str:
        return f"{self.folder}/c/{index}{self._suffix}"

    def _write(self, index: int, chunk: np.ndarray) -> None:
        path = self._path(index)
        folder = os.path.dirname(path)  # noqa: PTH120  a string all along
        if self._suffix and not os.path.isdir(folder):  # noqa: PTH112
            os.mkdir(folder)  # noqa: PTH102
            self.dirty_folders.add(f"{self.folder}/c")
        write_atomic(path, _ZSTD.encode(chunk), sync=self._sync)
        self.dirty_folders.add(folder)
