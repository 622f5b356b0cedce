"""The workflow in a folder of its own, so that benchmarks leave the results of this checkout alone."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("Snakefile", "workflow", "scripts", "config", "profiles", "envs")


@contextmanager
def project_apart() -> Iterator[Path]:
    """A folder that holds the project and no results; gone afterwards."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in PARTS:
            source = ROOT / part
            shutil.copytree(source, folder / part) if source.is_dir() else shutil.copy2(source, folder / part)
        yield folder


@contextmanager
def run_apart(target: str, changed: list[str]) -> Iterator[Path]:
    """A folder in which the workflow has made a file, with these changes of the configuration; gone afterwards."""
    with project_apart() as folder:
        command = [sys.executable, "-m", "snakemake", "--cores", "2", target, "--config", *changed]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)
        yield folder
