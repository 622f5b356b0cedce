"""What every stage is handed: one frozen `Job`.

A stage is a module with a function `run(job)`. It knows nothing of Snakemake, of the configuration or of the
registry; `landbridge.job` builds the `Job` and binds the modules that the job names.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any


class StageError(Exception):
    """A fault that the user can mend: its text says what is wrong, where, and what to write instead."""


@dataclass(frozen=True)
class Job:
    """One run of one stage.

    Attributes:
        stage: name of the stage, which is also the name of its rule, script and module.
        inputs: declared input files by name; a name may hold a list of files. What is not here may not be read.
        outputs: files to write, by name. They are temporary names; the harness renames them once the stage returns.
        settings: the slice of the configuration that this stage depends on, as plain JSON values.
        wildcards: the rule's wildcards (`domain`, `scenario`, `fold`, `seed`, ...), all strings.
        modules: full module names that the stage loads late, by role (`model`, `recipe`, `reader`, ...).
        threads: threads that the scheduler granted.
        scratch: folder for training checkpoints; survives a kill and is no output of any rule.
        device: "cpu" or a torch device such as "cuda:0", already granted to this job.
        identity: of a stage that trains: hash over settings, code, wildcards and the contents of the inputs. Two jobs
            of equal identity write equal bytes, so one may resume the other's training. Empty for other stages.
    """

    stage: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Path]
    settings: Mapping[str, Any]
    wildcards: Mapping[str, str] = field(default_factory=dict)
    modules: Mapping[str, str] = field(default_factory=dict)
    threads: int = 1
    scratch: Path = Path("results/training")
    device: str = "cpu"
    identity: str = ""

    def input(self, name: str) -> Path:
        """The one file declared under `name`."""
        return Path(self.inputs[name])

    def input_list(self, name: str) -> list[Path]:
        """The files declared under `name`, which may hold one file, several or none."""
        value = self.inputs.get(name, [])
        return [Path(value)] if isinstance(value, str | Path) else [Path(item) for item in value]

    def load(self, role: str) -> ModuleType:
        """Import the module that plays `role` in this job."""
        return importlib.import_module(self.modules[role])

    @property
    def seed(self) -> int:
        """The paired repetition; stages without a seed have 0."""
        return int(self.wildcards.get("seed", 0))

    @property
    def subset_seed(self) -> int:
        """Says which labels a budget holds; the same for every seed where the scenario holds it."""
        return 0 if "subset" in self.settings.get("hold", ()) else self.seed

    @property
    def init_seed(self) -> int:
        """Says with which weights a training begins, and the order of its batches."""
        return 0 if "init" in self.settings.get("hold", ()) else self.seed


def canonical(value: Any) -> str:
    """JSON text of `value` that depends on nothing but its content; the text that hashes are taken of."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
