"""A killed run ends with the bytes of an undisturbed one."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from tests.workflow.conftest import copy_project, made_once


def start(project, *arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", "2", *arguments],
        cwd=project.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def wait_for(condition, seconds=120):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.02)
    pytest.fail("waited in vain")


def training_states(project):
    return list((project.folder / "results" / "training").rglob("fit*.safetensors"))


def processes(text):
    """Ids of processes whose command line holds `text`."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as handle:
                    if text.encode() in handle.read():
                        found.append(int(entry))
            except OSError:
                continue  # gone meanwhile
    return found


LONG = """
domains: [flux_towers]
seeds: 1
bootstrap: {replicates: 50}
transferability: false
flux_towers:
  datasets: {twin_towers: {twin: {source_towers: 20, target_towers: 24, years: 1}}}
  twin: {twin_towers: {budgets: [0, 1]}}
  models: {lstm: {hidden: 8}}
  recipes: [naive, source_only, target_only, full_finetune]
  figures: [learning_curve]
  training: {epochs: 150, patience: 150, fixed_steps: 100}
"""
PRETRAINED = "results/flux_towers/pretrain/twin_towers/lstm-erm/fold0-seed0.safetensors"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, worker_id):
    """A run whose training lasts seconds, so that it can be killed, from beginning to end."""

    def make(project):
        (project.folder / "config" / "config.yaml").write_text(LONG)
        project.snakemake("all")

    return made_once(tmp_path_factory, worker_id, "undisturbed", make)


@pytest.fixture
def untrained(tmp_path, undisturbed):
    """The same run before its training."""
    project = copy_project(tmp_path / "project", results_of=undisturbed)
    for part in ("pretrain", "transfer", "evaluate", "compare"):
        shutil.rmtree(project.folder / "results" / "flux_towers" / part)
    return project


@pytest.mark.parametrize("victim", ["snakemake", "job"])
def test_a_killed_run_ends_with_the_same_bytes(untrained, undisturbed, victim):
    run = start(untrained, PRETRAINED)
    wait_for(lambda: training_states(untrained))
    jobs = [pid for pid in processes("pretrain.py") if str(untrained.folder) in os.readlink(f"/proc/{pid}/cwd")]
    assert jobs, "the kill came too late"
    for pid in [run.pid] if victim == "snakemake" else jobs:
        os.kill(pid, signal.SIGKILL)
    run.wait(timeout=120)
    if list((untrained.folder / ".snakemake" / "locks").glob("*")):
        untrained.snakemake("--unlock")
    untrained.snakemake("all")
    assert untrained.results() == undisturbed.results()
    assert not (untrained.folder / "results" / "training").exists()
    if victim == "job":
        assert "resumed at epoch" in (untrained.folder / LOG).read_text()


LOG = "results/logs/flux_towers/pretrain/twin_towers/lstm-erm/fold0-seed0.log"


def test_another_setting_does_not_resume(untrained):
    run = start(untrained, PRETRAINED)
    wait_for(lambda: training_states(untrained))
    for pid in processes("pretrain.py"):
        if str(untrained.folder) in os.readlink(f"/proc/{pid}/cwd"):
            os.kill(pid, signal.SIGKILL)
    run.wait(timeout=60)
    assert training_states(untrained), "the kill came too late"
    untrained.snakemake(PRETRAINED, "--config", "flux_towers={'training': {'clip': 0.5, 'epochs': 3}}")
    text = (untrained.folder / LOG).read_text()
    assert "resum" not in text
    assert "training state of other settings removed" in text
