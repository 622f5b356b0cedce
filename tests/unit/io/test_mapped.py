"""Arrays in files: the same values as in memory, no file left behind, and a full disk told before it hurts."""

import errno
from pathlib import Path

import numpy as np
import pytest
from landbridge.io import mapped
from landbridge.stage import StageError


def mapped_files():
    """Temporary files of this program that are mapped into this process."""
    return sum("landbridge-" in line or "/#" in line for line in Path("/proc/self/maps").read_text().splitlines())


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_a_large_array_lies_in_a_file_without_a_name(folder):
    before = mapped_files()
    array = mapped.empty((mapped.LEAST // 4,), np.float32)
    array[:] = 7
    assert mapped.is_mapped(array) and mapped.is_mapped(array[10:20])
    assert list(folder.iterdir()) == []  # so that nothing is left after a kill
    assert mapped_files() == before + 1
    del array
    assert mapped_files() == before


def test_small_arrays_and_what_is_computed_lie_in_memory(folder):
    assert not mapped.is_mapped(mapped.empty((mapped.LEAST // 4 - 1,), np.float32))
    assert mapped.empty((0, 3), np.float32).shape == (0, 3)
    array = mapped.empty((mapped.LEAST,), np.uint8)
    array[:] = 1
    assert not any(mapped.is_mapped(made) for made in (array + 1, array[[1, 2]], array.astype(float)))
    assert mapped.is_mapped(mapped.empty_beside(array, array.shape, np.float64))
    assert not mapped.is_mapped(mapped.empty_beside(np.zeros(3), array.shape, np.float64))


@pytest.mark.parametrize("block", [1, 7, 1 << 20])
def test_blocks_cover_all_rows_once(monkeypatch, block):
    monkeypatch.setattr(mapped, "BLOCK", block)
    source = np.arange(50.0).reshape(25, 2)
    found = mapped.filled(source, source.shape, np.float32, lambda rows: source[rows] + 1)
    assert found.tolist() == (source + 1).tolist() and found.dtype == np.float32


def test_a_full_disk_is_told(folder, monkeypatch):
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    with pytest.raises(
        StageError, match=r"no room for 1 MB .*No space left.*set TMPDIR .* or raise data_memory_mb"
    ) as told:
        mapped.empty((mapped.LEAST,), np.uint8)
    assert str(folder) in str(told.value) and list(folder.iterdir()) == []
