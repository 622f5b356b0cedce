"""A cluster for a session of tests, and projects that run on it."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.workflow.conftest import copy_project

HERE = Path(__file__).parent
# The profile as it stands, but for waits that a cluster on one machine does not need.
PROFILE = ["--workflow-profile", "profiles/slurm", "--latency-wait", "5", "--seconds-between-status-checks", "2"]
PROFILE += ["--slurm-init-seconds-before-status-checks", "2"]

SMALL = """
domains: [flux_towers]
seeds: 2
bootstrap: {replicates: 50}
flux_towers:
  datasets: {twin_towers: {twin: {source_towers: 20, target_towers: 24, years: 1}}}
  twin: {twin_towers: {budgets: [0, 1]}}
  models: {lstm: {hidden: 8}}
  recipes: [naive, source_only, target_only, full_finetune]
  training: {epochs: 2, fixed_steps: 10, epoch_steps: 5}
  figures: [effects]
"""

# The run that goes through the cluster whole.
SENT = Path(os.environ["LANDBRIDGE_SLURM_CONFIG"]).read_text() if "LANDBRIDGE_SLURM_CONFIG" in os.environ else SMALL


def slurm(*command):
    """What a command of Slurm says, line by line."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def wait_for(condition, seconds=600, every=0.2):
    """What `condition` gives once it is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(every)
    return pytest.fail(f"waited {seconds} s in vain")


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """A cluster of two nodes; gives a function that calls cluster.sh."""
    folder = tmp_path_factory.mktemp("slurm")

    def call(command):
        # No pipes: daemons would hold them open.
        with (folder / f"{command}.log").open("w") as output:
            status = subprocess.run([HERE / "cluster.sh", command, folder], stdout=output, stderr=output).returncode
        assert status == 0, (folder / f"{command}.log").read_text()

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # or the daemons would outlive a session that is ended
    call("up")
    yield call
    call("down")


class Run:
    """Snakemake at work on the cluster."""

    def __init__(self, project, *arguments):
        self.project = project
        self.output = project.folder / "run.log"
        self.before = self.text()
        with self.output.open("a") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "snakemake", *PROFILE, *arguments],
                cwd=project.folder,
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                # A shell that starts the tests in the background lets them, and all that they start, ignore Ctrl-C.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )

    def text(self):
        return self.output.read_text() if self.output.exists() else ""

    def said(self):
        """What this run printed."""
        return self.text()[len(self.before) :]

    def finish(self, status=0, seconds=1200):
        assert self.process.wait(timeout=seconds) == status, self.said()[-4000:]
        return self.said()

    def kill(self, number=signal.SIGKILL):
        os.kill(self.process.pid, number)
        self.process.wait(timeout=60)


def jobs_of(project, rule, states="RUNNING"):
    """Numbers of the jobs in Slurm that do a rule of this project alone (no groups), by the wildcards they bear."""
    found = {}
    for line in slurm("squeue", "--noheader", f"--states={states}", "--format=%i|%Z|%k"):
        number, folder, comment = line.split("|", 2)
        if Path(folder) == project.folder and comment.startswith(f"rule_{rule}_wildcards_"):
            found[comment.removeprefix(f"rule_{rule}_wildcards_")] = number
    return found


def finished_jobs(text):
    """Jobs that a run of snakemake finished: (rule, wildcards)."""
    jobs, found = {}, set()
    for block in re.split(r"\n(?=\S|\s*(?:local)?rule \w+:)", text):
        if match := re.search(r"(?:local)?rule (\w+):", block):
            number = re.search(r"jobid: (\S+)", block)
            wildcards = re.search(r"wildcards: (.+)", block)
            if number:
                jobs[number[1]] = (match[1], wildcards[1] if wildcards else "")
    for number in re.findall(r"Finished jobid: (\d+)", text):
        found.add(jobs.get(number, (number, "")))
    return found


class Watch:
    """Counts, several times a second, the jobs that run in each partition."""

    def __enter__(self):
        self.seen = []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._look)
        self.thread.start()
        return self

    def _look(self):
        while not self.over.wait(0.3):
            running = slurm("squeue", "--noheader", "--states=RUNNING", "--format=%P")
            self.seen.append((running.count("gpu"), running.count("cpu")))

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


@pytest.fixture(scope="session")
def local(tmp_path_factory):
    """The small run on this machine alone."""
    project = copy_project(tmp_path_factory.mktemp("local") / "project", config=SMALL)
    project.snakemake("all", env={"CUDA_VISIBLE_DEVICES": ""})
    return project


@pytest.fixture(scope="session")
def sent_alone(request, tmp_path_factory):
    """The run that goes through the cluster, on this machine alone."""
    if SENT == SMALL:
        return request.getfixturevalue("local")
    project = copy_project(tmp_path_factory.mktemp("alone") / "project", config=SENT)
    project.snakemake("all", env={"CUDA_VISIBLE_DEVICES": ""}, timeout=7200)
    return project
