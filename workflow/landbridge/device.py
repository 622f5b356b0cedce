"""Which device a job may use: a GPU under a lock, of those that the scheduler or the user left visible, else the CPU.

The lock lives here and not in a profile, since a run without any profile must not train two networks on one GPU.
"""

from __future__ import annotations

import fcntl
import getpass
import logging
import os
import re
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

log = logging.getLogger(__name__)

POLL_SECONDS = 0.5
NO_GPU = ("", "-1", "NoDevFiles")  # values of CUDA_VISIBLE_DEVICES; Slurm's is the last
SCHEDULERS = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID")  # a job of theirs has the GPUs that it was given, or none


def visible_gpus() -> list[str]:
    """Names of the GPUs that a job started here may use, counted without loading torch.

    Those in CUDA_VISIBLE_DEVICES; where it is not set all of this machine's, but none in the job of a scheduler, which
    sets it for a job that asked for a GPU.
    """
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is not None:
        return [] if given.strip() in NO_GPU else [name.strip() for name in given.split(",")]
    if _scheduled() is not None:
        return []
    return [str(number) for number in range(len(list(Path("/dev").glob("nvidia[0-9]*"))))]


def _scheduled() -> str | None:
    """The scheduler's job that this process belongs to."""
    return next((f"{name}-{os.environ[name]}" for name in SCHEDULERS if name in os.environ), None)


def lock_folder() -> Path:
    """Folder of the lock files: one per machine and user."""
    return Path(tempfile.gettempdir()) / f"landbridge-{getpass.getuser()}"


@contextmanager
def acquire(share: int = 1, gpus: Sequence[str] | None = None, folder: Path | None = None) -> Iterator[str]:
    """Hold a device while the block runs.

    Args:
        share: jobs that may use one GPU at a time; the same for all runs on a machine.
        gpus: names of the GPUs; those that are visible if None.
        folder: where the lock files lie.

    Yields:
        "cuda:N" for the Nth visible GPU, of which this job holds one of `share` places, or "cpu" where there is none.
        Waits until a place is free. Places are taken where fewest are taken.
    """
    names = visible_gpus() if gpus is None else gpus
    if not names:
        yield "cpu"
        return
    folder = folder or lock_folder()
    if (job := _scheduled()) is not None:  # its GPUs are its own, and may bear the numbers of another job's
        folder = folder / re.sub(r"[^A-Za-z0-9.-]", "_", job)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    waited = False
    while True:
        for slot in range(share):
            for index, name in enumerate(names):
                handle = (folder / f"gpu{re.sub(r'[^A-Za-z0-9.-]', '_', name)}-slot{slot}.lock").open("w")
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    handle.close()
                    continue
                try:
                    yield f"cuda:{index}"
                finally:
                    handle.close()  # closing releases the lock
                return
        if not waited:
            log.info("all %d places on %d GPUs are taken; waiting for one", share * len(names), len(names))
            waited = True
        time.sleep(POLL_SECONDS)


def usable(granted: str) -> str:
    """The device that was granted, or "cpu" where torch can't use it, which is told on the terminal."""
    if granted == "cpu":
        return granted
    import torch  # jobs that train load it anyway

    if torch.cuda.is_available():
        return granted
    log.warning(
        "there is a GPU, but torch %s can't use it; training on the processor. Install a build of torch for the "
        "driver of this machine, or set CUDA_VISIBLE_DEVICES to nothing",
        torch.__version__,
    )
    return "cpu"
