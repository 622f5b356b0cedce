"""How much of its data a job that trains holds in memory; the rest lies in files that are mapped into memory."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

from landbridge.contract import Dataset
from landbridge.io import netcdf
from landbridge.stage import Job

log = logging.getLogger(__name__)

# Of free memory. Parts of what is read, the inputs as one tensor, and labels with their weights come to 2.8 times its
# bytes (benchmarks/mapped_training.py). On a GPU stand the tensors alone, and the network with its batches.
SHARE_OF_MEMORY, SHARE_OF_GPU = 0.25, 0.5
CGROUPS, OWN_CGROUPS = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
CGROUP_FILES = {"": ("memory.max", "memory.current"), "memory": ("memory.limit_in_bytes", "memory.usage_in_bytes")}


class Held:
    """Reads the files of a job; those that go beyond its limit are unpacked into mapped files.

    What a job computes does not depend on the limit: mapped arrays have the same values and the same indices.

    Args:
        limit: bytes of unpacked data that may stand in memory, all files together.
    """

    def __init__(self, limit: int) -> None:
        self.limit = self.left = limit

    @classmethod
    def of(cls, job: Job) -> Held:
        """The limit that the setting `data_memory_mb` gives, or else a share of what the machine has free."""
        given = job.settings.get("data_memory_mb")
        if given is not None:
            return cls(int(given) * 10**6)
        limit = SHARE_OF_MEMORY * free_memory()
        if job.device != "cpu":
            import torch  # here, since jobs on a CPU ask nothing of it

            free = torch.cuda.mem_get_info(job.device)[0]
            limit = min(limit, SHARE_OF_GPU * free / job.settings.get("gpu_share", 1))
        log.debug("up to %.0f MB of data may stand in memory", limit / 1e6)
        return cls(int(limit))

    def read(self, path: Path) -> Dataset:
        """A file of the job, as `netcdf.read`.

        Raises:
            ContractError: as of `netcdf.read`.
            StageError: no room for the mapped files.
        """
        size = netcdf.unpacked_bytes(path)
        in_files = size > self.left
        if in_files:
            log.info(
                "%s: %.0f MB of data, and %.0f of %.0f MB may still stand in memory; they stay in files under %s",
                *(path, size / 1e6, self.left / 1e6, self.limit / 1e6, tempfile.gettempdir()),
            )
        else:
            self.left -= size
        return netcdf.read(path, in_files=in_files)


def free_memory() -> int:
    """Bytes that this process may still take: of the machine, or of the tightest of its control groups."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    available = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    return max(0, min([available, *_free_of_groups()]))


def _free_of_groups() -> Iterator[int]:
    """What the limit of each control group that holds this process leaves, files that are cached not counted."""
    for line in OWN_CGROUPS.read_text().splitlines():
        _, controllers, place = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        root = CGROUPS / "memory" if controllers else CGROUPS
        names = CGROUP_FILES["memory" if controllers else ""]
        folder = root / place.strip("/")
        for group in (folder, *folder.parents):
            limit, used, told = (group / name for name in (*names, "memory.stat"))
            if limit.is_file() and used.is_file() and (most := limit.read_text().strip()) != "max":
                cached = dict(row.split() for row in told.read_text().splitlines()) if told.is_file() else {}
                yield int(most) - int(used.read_text()) + int(cached.get("inactive_file", 0))
            if group == root:
                break
