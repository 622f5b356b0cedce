"""The workflow through real sbatch: the same bytes as on one machine, whatever happens to its jobs."""

import re
import shutil
import signal
import subprocess
import sys
import time
from datetime import datetime

import pytest

from tests.slurm.conftest import SENT, Run, Watch, finished_jobs, jobs_of, slurm, wait_for
from tests.workflow.conftest import copy_project

pytestmark = pytest.mark.slurm

EPOCHS = 20  # of a training that tells how fast this machine is
CAUGHT = 30  # seconds that a training lasts which is to be caught; Ctrl-C takes some to reach it through Slurm
CUT = 100  # seconds of a training that a time limit of a minute cuts
LONG = """
domains: [flux_towers]
seeds: 1
bootstrap: {{replicates: 50}}
flux_towers:
  datasets: {{twin_towers: {{twin: {{source_towers: 20, target_towers: 24, years: 1}}}}}}
  twin: {{twin_towers: {{budgets: [0]}}}}
  models: {{lstm: {{hidden: 8}}}}
  recipes: [naive, source_only]
  training: {{epochs: {epochs}, patience: {epochs}}}
"""
PRETRAINED = "results/flux_towers/pretrain/twin_towers/lstm-erm/fold0-seed0.safetensors"
ADAPTED = "results/flux_towers/transfer/twin_towers/lstm-source_only/fold0-seed0.nc"
LOG = "results/logs/flux_towers/pretrain/twin_towers/lstm-erm/fold0-seed0.log"
# What README.md tells to type after a kill -9 of snakemake.
CANCEL = "squeue --me --noheader --format='%i %j' | grep ' landbridge_' | cut -d ' ' -f 1 | xargs -r scancel"


def log_of(project):
    path = project.folder / LOG
    return path.read_text() if path.exists() else ""


def trained(project):
    """Bytes of what a training wrote, its time apart."""
    return {name: data for name, data in project.results().items() if "/pretrain/" in name}


def caught(project, epoch=3):
    """The Slurm job of a training that has got to an epoch."""
    wait_for(lambda: f"epoch {epoch} of" in log_of(project))
    return wait_for(lambda: list(jobs_of(project, "pretrain").values()))[0]


def test_a_run_has_the_bytes_of_a_local_one_and_keeps_to_the_gpus(tmp_path, cluster, sent_alone):
    project = copy_project(tmp_path / "project", config=SENT)
    with Watch() as watch:
        text = Run(project, "all").finish(seconds=7200)
    found, expected = project.results(), sent_alone.results()
    assert found.keys() == expected.keys()
    assert [name for name in found if found[name] != expected[name]] == []
    assert max(gpu for gpu, _ in watch.seen) == 2
    assert any(gpu and cpu for gpu, cpu in watch.seen), "jobs without a GPU should run beside the others"
    sent = len(re.findall("has been submitted with SLURM jobid", text))
    rules = len(finished_jobs(text))
    print(f"\n{rules} jobs of rules travelled as {sent} jobs of Slurm")
    assert sent < 0.75 * rules


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A training of `CAUGHT` seconds that nothing disturbs, on this machine alone, and what comes before it."""
    project = copy_project(tmp_path_factory.mktemp("undisturbed") / "project", config=LONG.format(epochs=EPOCHS))
    project.snakemake(PRETRAINED, env={"CUDA_VISIBLE_DEVICES": ""})
    lengthen(project, CAUGHT, like=project)
    (project.folder / LOG).unlink()
    project.snakemake(PRETRAINED, env={"CUDA_VISIBLE_DEVICES": ""})
    return project


@pytest.fixture
def untrained(tmp_path, undisturbed):
    """The same project before the training."""
    project = copy_project(tmp_path / "project", results_of=undisturbed)
    shutil.rmtree(project.folder / "results" / "flux_towers" / "pretrain")
    (project.folder / LOG).unlink()
    return project


def seconds_of_an_epoch(project):
    times = [
        datetime.strptime(line[:23], "%Y-%m-%d %H:%M:%S,%f")
        for line in log_of(project).splitlines()
        if re.search(r"epoch \d+ of", line)
    ]
    return (times[-1] - times[0]).total_seconds() / (len(times) - 1)


def lengthen(project, seconds, like):
    """Give a project's training so many epochs that it takes as long, at the speed of another one; their number."""
    epochs = max(EPOCHS, int(seconds / seconds_of_an_epoch(like)))
    (project.folder / "config" / "config.yaml").write_text(LONG.format(epochs=epochs))
    return epochs


def test_scancel_and_a_time_limit_cost_steps_and_no_bytes(tmp_path, cluster, undisturbed, untrained):
    epochs = lengthen(untrained, CUT, like=undisturbed)
    alone = copy_project(tmp_path / "alone", results_of=untrained)
    command = [sys.executable, "-m", "snakemake", "--cores", "1", PRETRAINED, "--quiet", "all"]
    beside = subprocess.Popen(command, cwd=alone.folder, stdin=subprocess.DEVNULL)
    run = Run(untrained, PRETRAINED, "--set-resources", "pretrain:runtime=1", "--retries", "6")
    job = caught(untrained)
    begun = time.monotonic()
    slurm("scancel", job)
    wait_for(lambda: "kept at epoch" in log_of(untrained), every=0.05)
    print(f"\nkept {time.monotonic() - begun:.1f} s after scancel")
    assert time.monotonic() - begun < 5
    resumed = set()
    while run.process.poll() is None:
        resumed |= set(re.findall(r"resumed at epoch \d+, \d+ steps into it", log_of(untrained)))
        time.sleep(0.2)
    text = run.finish()
    print(f"{epochs} epochs, {sorted(resumed)}")
    assert "'CANCELLED'" in text
    assert "'TIMEOUT'" in text
    assert len(resumed) >= 2
    assert beside.wait(timeout=900) == 0
    assert trained(untrained) == trained(alone)


def test_after_control_c_and_kill_9_only_what_is_unfinished_runs(cluster, undisturbed, untrained):
    run = Run(untrained, ADAPTED)
    caught(untrained)
    run.kill(signal.SIGINT)
    wait_for(lambda: "kept at epoch" in log_of(untrained), 60)
    assert wait_for(lambda: not jobs_of(untrained, "pretrain", "PENDING,RUNNING"), 90)

    run = Run(untrained, ADAPTED)
    wait_for(lambda: "resumed at epoch" in log_of(untrained))
    run.kill(signal.SIGKILL)
    assert jobs_of(untrained, "pretrain"), "jobs outlive snakemake"
    assert "LockException" in Run(untrained, ADAPTED).finish(status=1)
    subprocess.run(CANCEL, shell=True, check=True)
    wait_for(lambda: not jobs_of(untrained, "pretrain", "PENDING,RUNNING,COMPLETING"), 90)
    subprocess.run([sys.executable, "-m", "snakemake", "--unlock"], cwd=untrained.folder, check=True)

    text = Run(untrained, ADAPTED).finish()
    assert "resumed at epoch" in log_of(untrained)
    rules = {rule for rule, _ in finished_jobs(text)}
    assert "pretrain" in rules
    assert not rules & {"download", "harmonise", "split"}
    assert trained(untrained) == trained(undisturbed)


def test_a_lost_node_costs_an_epoch_at_most(cluster, undisturbed, untrained):
    run = Run(untrained, PRETRAINED)
    job = caught(untrained)
    cluster("lose")
    reached = max(int(epoch) for epoch in re.findall(r"epoch (\d+) of", log_of(untrained)))
    wait_for(lambda: "down" in "".join(slurm("sinfo", "--noheader", "--nodes=gpu1", "--format=%t")), 120)
    cluster("regain")
    # Slurm lets a job that it puts back wait for two minutes.
    wait_for(lambda: "BeginTime" in "".join(slurm("squeue", "--noheader", f"--jobs={job}", "--format=%r")), 120)
    slurm("scontrol", "update", f"JobId={job}", "StartTime=now")
    run.finish()
    resumed = re.search(r"resumed at epoch (\d+)", log_of(untrained))
    assert resumed
    assert int(resumed[1]) >= reached - 1
    assert trained(untrained) == trained(undisturbed)
