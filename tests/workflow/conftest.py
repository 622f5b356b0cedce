"""A copy of the project in a folder of its own, with one small finished run that tests start from."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from landbridge.judge import tables

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("Snakefile", "workflow", "scripts", "config", "profiles", "envs", "pyproject.toml")


class Project:
    """One copy of the project."""

    def __init__(self, folder):
        self.folder = folder

    def snakemake(self, *arguments, check=True, env=None, timeout=900):
        """Run snakemake here and return the finished process."""
        done = subprocess.run(
            [sys.executable, "-m", "snakemake", "--cores", "2", *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(env or {})},
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        if check:
            assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-5000:]
        return done

    def planned(self, *arguments):
        """Jobs that a dry run would do: a set of (rule, wildcards)."""
        done = self.snakemake(*arguments, "--dry-run", "--quiet", "host")
        jobs, rule = set(), None
        for line in (done.stdout + done.stderr).splitlines():
            text = line.strip()
            if text.startswith(("rule ", "localrule ")):
                rule = text.split()[1].rstrip(":")
                jobs.add((rule, ""))
            elif text.startswith("wildcards:") and rule:
                jobs.discard((rule, ""))
                jobs.add((rule, text.removeprefix("wildcards:").strip()))
        return {job for job in jobs if job[0] not in ("all", "report")}

    def edit(self, file, old, new):
        """Replace text in a file of the copy; the text must be there."""
        path = self.folder / file
        text = path.read_text()
        assert old in text, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new, 1))

    def results(self):
        """Bytes of everything under results/ that must not change from run to run."""
        found = {}
        for path in sorted((self.folder / "results").rglob("*")):
            name = path.relative_to(self.folder / "results").as_posix()
            if (
                path.is_file()
                and not name.startswith(("logs/", "benchmarks/", "report-", "."))
                and not any(word in path.name for word in ("cost", "pareto"))  # seconds, and the figure of them
            ):
                found[name] = path.read_bytes()
        return found

    def record(self, rule, **wildcards):
        """Records of finished jobs of a rule that have these wildcards."""
        found = []
        for path in sorted((self.folder / "results" / "logs").rglob("*.job.json")):
            record = json.loads(path.read_text())
            if record["stage"] == rule and wildcards.items() <= record["wildcards"].items():
                found.append(path.relative_to(self.folder))
        return found


def rows(path, **wanted):
    """Rows of a table whose columns have the wanted values."""
    return [row for row in tables.read(path) if wanted.items() <= row.items()]


def copy_project(folder, results_of=None, config=None):
    """Copy what a run needs; with `results_of`, its results and Snakemake's memory too; `config`: other settings."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder / part)
    if results_of is not None:
        shutil.rmtree(folder / "config")
        for part in ("config", "results", "data", ".snakemake"):
            shutil.copytree(results_of.folder / part, folder / part)
    if config is not None:
        if "transferability" not in config:  # 7 s of jobs a scenario; test_reruns.py turns them on
            config += "\ntransferability: false\n"
        (folder / "config" / "config.yaml").write_text(config)
    return Project(folder)


def made_once(tmp_path_factory, worker_id, name, make):
    """A run that `make(project)` makes, once for all processes of a test session; never change it."""
    root = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        root = root.parent
    folder = root / name
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            make(copy_project(folder))
            (folder / "done").touch()
    return Project(folder)


@pytest.fixture(scope="session")
def finished(tmp_path_factory, worker_id):
    """A finished small run."""

    def make(project):
        small_config(project)
        project.snakemake("all")

    return made_once(tmp_path_factory, worker_id, "finished", make)


def small_config(project):
    """The smallest run that goes through every stage."""
    shutil.copy(ROOT / "config" / "test.yaml", project.folder / "config" / "config.yaml")


@pytest.fixture
def project(tmp_path, finished):
    """A copy of the finished run that a test may change."""
    return copy_project(tmp_path / "project", results_of=finished)
