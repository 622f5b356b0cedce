"""A killed run ends with the bytes of an undisturbed one."""

import os
import signal
import subprocess
import sys
import time

import pytest


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


def forget_training(project):
    for path in (project.folder / "results" / "flux_towers" / "pretrain").rglob("*seed0*"):
        path.unlink()


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


@pytest.mark.parametrize("victim", ["snakemake", "job"])
def test_a_killed_run_ends_with_the_same_bytes(project, finished, victim):
    forget_training(project)
    run = start(project, "all")
    wait_for(lambda: training_states(project))
    if victim == "snakemake":
        os.kill(run.pid, signal.SIGKILL)
    else:
        jobs = [pid for pid in processes("pretrain.py") if os.getsid(pid) == os.getsid(run.pid)]
        for pid in jobs:
            os.kill(pid, signal.SIGKILL)
    run.wait(timeout=120)
    locks = list((project.folder / ".snakemake" / "locks").glob("*"))
    if locks:
        project.snakemake("--unlock")
    project.snakemake("all")
    assert project.results() == finished.results()
    assert not (project.folder / "results" / "training").exists()


def test_another_setting_does_not_resume(project):
    forget_training(project)
    run = start(project, "all")
    wait_for(lambda: training_states(project))
    os.killpg(run.pid, signal.SIGKILL)
    run.wait(timeout=60)
    states = training_states(project)
    assert states, "the kill came too late"
    project.snakemake("--unlock")
    project.snakemake(
        "results/flux_towers/pretrain/twin_towers/lstm-erm/fold0-seed0.safetensors",
        "--config",
        "flux_towers={'training': {'clip': 0.5}}",
    )
    log = project.folder / "results/logs/flux_towers/pretrain/twin_towers/lstm-erm/fold0-seed0.log"
    assert "resum" not in log.read_text()
    assert "training state of other settings removed" in log.read_text()
