"""Which device a job may use: the one that the scheduler gave, else a local GPU under a lock, else the CPU.

The lock lives here and not in a profile, since a run without any profile must not train two networks on one GPU.
"""

from __future__ import annotations

import fcntl
import getpass
import logging
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

log = logging.getLogger(__name__)

POLL_SECONDS = 0.5


def local_gpus() -> int:
    """Number of NVIDIA GPUs of this machine, counted without loading torch."""
    return len(list(Path("/dev").glob("nvidia[0-9]*")))


def lock_folder() -> Path:
    """Folder of the lock files: one per machine and user."""
    return Path(tempfile.gettempdir()) / f"landbridge-{getpass.getuser()}"


@contextmanager
def acquire(gpus: int | None = None, folder: Path | None = None) -> Iterator[str]:
    """Hold a device while the block runs.

    Args:
        gpus: GPUs of this machine; counted if None.
        folder: where the lock files lie.

    Yields:
        "cuda:0" where the scheduler has set CUDA_VISIBLE_DEVICES, "cuda:N" for a local GPU that this job locked,
        "cpu" where there is none. Waits until a local GPU is free.
    """
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is not None:
        yield "cuda:0" if given.strip() not in ("", "-1", "NoDevFiles") else "cpu"
        return
    count = local_gpus() if gpus is None else gpus
    if count == 0:
        yield "cpu"
        return
    folder = folder or lock_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    waited = False
    while True:
        for index in range(count):
            handle = (folder / f"gpu{index}.lock").open("w")
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
            log.info("all %d GPUs of this machine are in use; waiting for one", count)
            waited = True
        time.sleep(POLL_SECONDS)
