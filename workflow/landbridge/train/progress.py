"""Training that survives a kill: finished fits and the state of the running one, in a folder of the job's own.

The folder bears the identity of the job (settings, code, inputs), so another setting never resumes it. It is removed
when the job is done. Tensors are safetensors; nothing is unpickled. The harness lets one process at a time run a job.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import safe_open

from landbridge.stage import Job, StageError

if TYPE_CHECKING:
    from torch import Tensor

log = logging.getLogger(__name__)


def save_tensors(path: Path, tensors: Mapping[str, Tensor], notes: Mapping[str, Any]) -> None:
    """Write tensors and notes (JSON values) in one step: readers see the old file or the new one."""
    from safetensors.torch import save_file  # here, since jobs that train no network make do without torch

    temporary = path.with_name(f".unfinished.{path.name}")
    # One key, and sorted inside: safetensors keeps metadata in a hash map whose order is not stable.
    save_file(
        {k: v.contiguous() for k, v in tensors.items()}, temporary, {"notes": json.dumps(dict(notes), sort_keys=True)}
    )
    temporary.replace(path)


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and notes of a file that `save_tensors` wrote.

    Raises:
        StageError: no such file, or not one of this project.
    """
    return _load(path, tensors=True)


def load_notes(path: Path) -> dict[str, Any]:
    """The notes alone.

    Raises:
        StageError: as of `load_tensors`.
    """
    return _load(path, tensors=False)[1]


def _load(path: Path, *, tensors: bool) -> tuple[dict[str, Tensor], dict[str, Any]]:
    try:
        with safe_open(path, framework="pt") as handle:
            notes = json.loads((handle.metadata() or {})["notes"])
            names = handle.keys() if tensors else []
            return {name: handle.get_tensor(name) for name in names}, notes
    except (OSError, KeyError, ValueError) as error:
        raise StageError(f"{path}: not a readable checkpoint ({error}); delete it and run again") from error


class Progress:
    """Fits of one job, numbered in the order in which the job makes them."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.fits = 0

    def next_fit(self) -> int:
        """Number of the fit that begins now."""
        self.fits += 1
        return self.fits - 1

    def _path(self, fit: int, kind: str) -> Path:
        assert self.folder is not None
        return self.folder / f"fit{fit:04d}.{kind}.safetensors"

    def load(self, fit: int, kind: str) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """What an earlier attempt left of this fit: kind "finished" or "running"."""
        if self.folder is None or not self._path(fit, kind).exists():
            return None
        return load_tensors(self._path(fit, kind))

    def save(self, fit: int, kind: str, tensors: Mapping[str, Tensor], notes: Mapping[str, Any]) -> None:
        """Keep the state of this fit; a finished fit needs no running state any more."""
        if self.folder is None:
            return
        save_tensors(self._path(fit, kind), tensors, notes)
        if kind == "finished":
            self._path(fit, "running").unlink(missing_ok=True)


@contextmanager
def progress_of(job: Job) -> Iterator[Progress]:
    """Progress of an earlier, killed attempt at this very job, or a fresh start.

    States of the same output under another identity are removed. The folder goes when the block ends well.
    """
    place = job.scratch.joinpath(job.stage, *job.wildcards.values())
    folder = place / job.identity
    folder.mkdir(parents=True, exist_ok=True)
    for other in place.iterdir():
        if other != folder:
            log.info("training state of other settings removed: %s", other.name)
            shutil.rmtree(other)
    found = len(list(folder.glob("fit*.safetensors")))
    if found:
        log.info("resuming: %d states of an earlier attempt", found)
    yield Progress(folder)
    shutil.rmtree(folder)
    for parent in [place, *place.parents]:
        try:
            parent.rmdir()
        except OSError:
            break  # not empty: another job's training
        if parent == job.scratch:
            break
