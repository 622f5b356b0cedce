"""Arrays that lie in files in place of memory, and work on long arrays block by block.

The files stand in the folder of temporary files (TMPDIR) and have no name from the moment they are made: the system
frees them once nothing uses them any more, also after a fault or a kill.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator

import numpy as np

from landbridge.stage import StageError

LEAST = 1 << 20  # bytes of an array from which a file is worth it
BLOCK = 4 << 20  # bytes that are worked on at a time


def is_mapped(array: np.ndarray) -> bool:
    """Whether an array lies in a file."""
    return isinstance(array, np.memmap) and array.mode is not None


def empty(shape: tuple[int, ...], dtype: np.dtype | type) -> np.ndarray:
    """An array in a file of its own; a small one in memory. What it holds at first is not defined.

    Raises:
        StageError: the folder of temporary files has no room.
    """
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    if size < LEAST:
        return np.empty(shape, dtype)
    with tempfile.TemporaryFile(prefix="landbridge-") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, size)  # a full disk is told here; a write to the array would crash
        except OSError as error:
            raise StageError(
                f"{tempfile.gettempdir()}: no room for {size / 1e6:,.0f} MB of data that memory may not hold "
                f"({error.strerror}); set TMPDIR to a folder of a disk with more room, or raise data_memory_mb"
            ) from error
        return np.memmap(file, dtype, "r+", shape=shape)


def empty_beside(array: np.ndarray, shape: tuple[int, ...], dtype: np.dtype | type) -> np.ndarray:
    """An array that lies in a file where `array` does, and else in memory."""
    return empty(shape, dtype) if is_mapped(array) else np.empty(shape, dtype)


def blocks(rows: int, row_bytes: int) -> Iterator[slice]:
    """Consecutive rows, in parts of `BLOCK` bytes."""
    step = max(1, BLOCK // max(1, row_bytes))
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))


def filled(
    array: np.ndarray, shape: tuple[int, ...], dtype: np.dtype | type, values: Callable[[slice], np.ndarray]
) -> np.ndarray:
    """An array beside `array`, filled block by block.

    Args:
        array: the new one lies in a file if this one does.
        shape: of the new one, rows first.
        dtype: of the new one.
        values: of some rows.
    """
    found = empty_beside(array, shape, dtype)
    for rows in blocks(shape[0], int(np.prod(shape[1:])) * found.itemsize):
        found[rows] = values(rows)
    return found
