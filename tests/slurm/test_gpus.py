"""Two runs on one machine whose GPU does not exist: they never train more jobs at once than share it."""

import itertools
import os
import re
import subprocess
import sys
from datetime import datetime

import pytest

from tests.slurm.conftest import SMALL
from tests.workflow.conftest import copy_project

pytestmark = pytest.mark.slurm  # it needs no Slurm, and it takes too long for every day


def intervals(project):
    """When each training began and ended, by its log."""
    for path in (project.folder / "results" / "logs").rglob("pretrain/*/*/*.log"):
        text = path.read_text()
        begin, end = (re.search(rf"^(\S+ \S+) INFO .*{what}", text, re.MULTILINE) for what in (" on cpu$", "done in"))
        yield tuple(datetime.strptime(match[1], "%Y-%m-%d %H:%M:%S,%f") for match in (begin, end))


def environment(folder):
    """One GPU, and locks of this test's own."""
    return {**os.environ, "CUDA_VISIBLE_DEVICES": "0", "TMPDIR": str(folder)}


@pytest.mark.parametrize("share", [1, 2])
def test_two_runs_share_one_gpu(tmp_path, local, share):
    projects = [copy_project(tmp_path / name / "project", config=SMALL) for name in ("first", "second")]
    targets = [f"results/flux_towers/pretrain/twin_towers/lstm-erm/fold0-seed{seed}.safetensors" for seed in range(3)]
    runs = []
    for project in projects:
        command = [
            sys.executable,
            "-m",
            "snakemake",
            "--cores",
            "4",
            *targets,
            "--config",
            "seeds=3",
            f"gpu_share={share}",
        ]
        output = (project.folder / "run.log").open("w")
        runs.append(
            subprocess.Popen(
                command,
                cwd=project.folder,
                stdout=output,
                stderr=output,
                env=environment(tmp_path),
                stdin=subprocess.DEVNULL,
            )
        )
    for run, project in zip(runs, projects, strict=True):
        assert run.wait(timeout=300) == 0, (project.folder / "run.log").read_text()[-3000:]
        assert "torch" in (project.folder / "run.log").read_text(), "the GPU should have been missed, and that told"
    events = [event for project in projects for begin, end in intervals(project) for event in ((begin, 1), (end, -1))]
    assert len(events) == 12
    assert max(itertools.accumulate(change for _, change in sorted(events))) == share
    seed = "flux_towers/pretrain/twin_towers/lstm-erm/fold0-seed1.safetensors"
    assert projects[0].results()[seed] == local.results()[seed]
