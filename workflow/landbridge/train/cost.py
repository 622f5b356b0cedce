"""What a job cost: seconds, memory, device, parameters, labels."""

from __future__ import annotations

import json
import os
import resource
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from landbridge.stage import Job

BUSY = 0.8  # of its seconds a job on a core of its own computes


class Meter:
    """Counts from its making on."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.started, self.computed = time.perf_counter(), time.process_time()

    def row(self, fitted: Any | None, *, fits: int, search_seconds: float = 0.0, **labels: int) -> dict[str, Any]:
        """One row of the cost table; parameters and bytes are 0 where nothing was fitted.

        Of all seconds `search_seconds` went into choosing settings: trials that were not chosen, and scoring.

        What a fit notes of itself, such as an effective sample size, stands behind the columns of the table.
        """
        settings: Mapping[str, Any] = self.job.settings
        seconds = time.perf_counter() - self.started
        trained, total = fitted.counts() if fitted is not None else (0, 0)
        return {
            "model": self.job.wildcards.get("model", ""),
            "recipe": settings.get("recipe", self.job.wildcards.get("objective", "")),
            "variant": settings.get("variant", ""),
            "selection": settings.get("selection") or "",
            "fold": int(self.job.wildcards.get("fold", 0)),
            "seed": self.job.seed,
            "stage": self.job.stage,
            "seconds": round(seconds - search_seconds, 3),
            "search_seconds": round(search_seconds, 3),
            "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
            "device": self.job.device,
            "trained_parameters": trained,
            "total_parameters": total,
            "fits": fits,
            "labels_used": labels.get("labels_used", 0),
            "labels_for_selection": labels.get("labels_for_selection", 0),
            "bytes_to_ship": fitted.shipped_bytes() if fitted is not None else 0,
            "objective": self._objective(),
            "shared": self._shared(seconds),
            "effective_sample_size": "",
            "effective_share": "",
            **getattr(fitted, "notes", {}),
        }

    def _objective(self) -> str:
        """The objective that pretrained what a job begins at; empty without a checkpoint."""
        files = self.job.input_list("source_weights")
        return files[0].parent.name.partition("-")[2] if files else ""

    def _shared(self, seconds: float) -> str:
        """Whether another job slowed this one down: `yes`, `no`, or `unknown` of a GPU that a scheduler gave.

        A GPU of this machine is locked, so it is never shared. A job of one thread on the CPU that did not compute for
        four fifths of its seconds waited: for a core that another job had, or for its files.
        """
        if self.job.device != "cpu":
            return "unknown" if "CUDA_VISIBLE_DEVICES" in os.environ else "no"
        return "no" if time.process_time() - self.computed >= BUSY * seconds else "yes"

    @staticmethod
    def write(path: Path, rows: list[dict[str, Any]]) -> None:
        """As JSON."""
        path.write_text(json.dumps(rows, indent=1) + "\n")
