"""One job: from Snakemake's object, or from the record of an earlier run, to a stage that has done its work.

This is the only module that knows the `snakemake` object. It turns it into a `Job`, writes the record that
`replay` reads, sets up logging, binds modules late by name, and renames finished outputs into place.
"""

from __future__ import annotations

import os

# Before numpy loads: a job is granted its threads by the scheduler, and libraries would take every core. Bytes of a
# sum depend on how many threads made it.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"

import fcntl
import hashlib
import importlib
import importlib.metadata
import json
import logging
import pdb
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from landbridge import device, stopping
from landbridge.contract import ContractError
from landbridge.registry import STAGES, TRAINING_STAGES
from landbridge.stage import Job, StageError, canonical

log = logging.getLogger("landbridge")

RECORDED_PACKAGES = (
    "numpy",
    "scipy",
    "netCDF4",
    "torch",
    "scikit-learn",
    "pyarrow",
    "pandas",
    "matplotlib",
    "snakemake",
)
OPTIONAL_PACKAGES = ("torchvision",)  # recorded where they are installed


def run(snakemake: Any) -> None:
    """Run the stage of a Snakemake `script:` job; the one call of every file in `scripts/`."""
    record = {
        "stage": snakemake.rule,
        "inputs": _named(snakemake.input),
        "outputs": _named(snakemake.output),
        "wildcards": {name: str(value) for name, value in snakemake.wildcards.items()},
        "settings": dict(snakemake.params.settings),
        "modules": dict(snakemake.params.get("modules", {})),
        "places": dict(snakemake.params.get("places", {})),
        "code": snakemake.params.code,
        "threads": int(snakemake.threads),
    }
    _refuse_another_copy(Path(snakemake.scriptdir))
    log_file, record_file = (Path(path) for path in snakemake.log)
    stopping.listen()
    try:
        with _alone(record_file):
            status = _execute(record, log_file, record_file)
    except stopping.Stopped as reason:
        status = reason.status
    sys.exit(status)


def _refuse_another_copy(scripts: Path) -> None:
    """End the job if it would run another checkout's code than the one whose fingerprint it carries."""
    expected = scripts.resolve().parent / "workflow" / "landbridge"
    here = Path(__file__).resolve().parent
    if here != expected:
        sys.exit(f"this job belongs to {expected} and imports {here}; take that folder out of PYTHONPATH")


@contextmanager
def _alone(record_file: Path) -> Iterator[None]:
    """Wait for an earlier process of the same job: it outlives a snakemake that was killed."""
    folder = device.lock_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = hashlib.sha256(str(record_file.resolve()).encode()).hexdigest()[:24]
    with (folder / f"job-{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"{record_file}: an earlier process of this job still runs; waiting for it", file=sys.stderr)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _named(files: Any) -> dict[str, Any]:
    return {name: value if isinstance(value, str) else [str(item) for item in value] for name, value in files.items()}


def _execute(record: dict[str, Any], log_file: Path, record_file: Path | None, *, debug: bool = False) -> int:
    """Run a recorded job in the current folder. Returns the exit status; a fault is one line on the terminal."""
    _set_up_logging(log_file)
    what = " ".join([record["stage"], *(f"{name}={value}" for name, value in record["wildcards"].items())])
    started = time.monotonic()
    try:
        wants_device = record["stage"] in TRAINING_STAGES and record["settings"].get("network") is not None
        share = record["places"].get("gpu_share", 1)
        with device.acquire(share) if wants_device else _no_device() as place:
            granted = device.usable(place)
            if record_file is not None:
                record = {**record, "device": granted, "versions": _versions(), "machine": _machine()}
                record_file.parent.mkdir(parents=True, exist_ok=True)
                record_file.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")
            log.info("%s on %s", what, granted)
            with _finished(record["outputs"]) as outputs:
                job = Job(
                    stage=record["stage"],
                    inputs=record["inputs"],
                    outputs=outputs,
                    settings={**record["settings"], **record["places"]},
                    wildcards=record["wildcards"],
                    modules=record["modules"],
                    threads=record["threads"],
                    device=granted,
                    identity=identity(record) if record["stage"] in TRAINING_STAGES else "",
                )
                importlib.import_module(STAGES[record["stage"]]).run(job)
    except stopping.Stopped as reason:
        log.warning("%s ended by %s after %.1f s; it will be done again", what, reason, time.monotonic() - started)
        return reason.status
    except Exception as error:  # the boundary: everything is written down, nothing is swallowed
        if debug:
            pdb.post_mortem(error.__traceback__)
        log.debug("traceback of the fault", exc_info=True)
        known = isinstance(error, StageError | ContractError)
        log.error(
            "%s failed: %s (traceback: %s)", what, error if known else f"{type(error).__name__}: {error}", log_file
        )
        return 1
    log.info("done in %.1f s", time.monotonic() - started)
    return 0


@contextmanager
def _no_device() -> Iterator[str]:
    yield "cpu"


@contextmanager
def _finished(outputs: Mapping[str, Any]) -> Iterator[dict[str, Path]]:
    """Temporary names for the outputs; renamed when the block ends well, removed when it does not."""
    final = {name: Path(path) for name, path in outputs.items()}
    temporary = {name: path.with_name(f".unfinished.{path.name}") for name, path in final.items()}
    for path in final.values():
        path.parent.mkdir(parents=True, exist_ok=True)
    for path in temporary.values():
        _remove(path)  # what a killed job has left
    try:
        yield temporary
        missing = [str(final[name]) for name, path in temporary.items() if not path.exists()]
        if missing:
            raise RuntimeError(f"the stage did not write {', '.join(missing)}")
        for name, path in temporary.items():
            path.replace(final[name])
    finally:
        for path in temporary.values():
            _remove(path)


def _remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def identity(record: Mapping[str, Any]) -> str:
    """Hash over all that the outputs of a job depend on: settings, code, wildcards, and the bytes of its inputs."""
    digest = hashlib.sha256()
    parts = {key: record[key] for key in ("stage", "settings", "wildcards", "modules", "code", "threads")}
    digest.update(canonical(parts).encode())
    for name, value in sorted(record["inputs"].items()):
        for path in [value] if isinstance(value, str) else value:
            with open(path, "rb") as handle:
                digest.update(f"{name}:{hashlib.file_digest(handle, 'sha256').hexdigest()}".encode())
    return digest.hexdigest()[:32]


def _versions() -> dict[str, str]:
    found = {
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in RECORDED_PACKAGES},
    }
    for name in OPTIONAL_PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def _machine() -> dict[str, Any]:
    return {"system": platform.platform(), "processor": platform.machine(), "cores": os.cpu_count()}


def _set_up_logging(log_file: Path) -> None:
    """Everything into the rule's log; on the terminal faults alone, and progress where a person is watching."""
    log_file.parent.mkdir(parents=True, exist_ok=True)
    for handler in list(log.handlers):
        log.removeHandler(handler)
        handler.close()
    log.setLevel(logging.DEBUG)
    log.propagate = False
    to_file = logging.FileHandler(log_file, mode="w")
    to_file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    log.addHandler(to_file)
    to_terminal = logging.StreamHandler()
    to_terminal.setLevel(logging.INFO if sys.stderr.isatty() else logging.WARNING)
    to_terminal.setFormatter(_OneLine("%(message)s"))
    log.addHandler(to_terminal)


class _OneLine(logging.Formatter):
    """Messages without tracebacks: those belong in the log."""

    def format(self, record: logging.LogRecord) -> str:
        return record.getMessage()


def replay(record_file: Path, folder: Path | None = None, *, sealed: bool = False, debug: bool = False) -> int:
    """Run a recorded job again in a folder of its own and compare its outputs with those that stand.

    Args:
        record_file: the `.job.json` beside a rule's log.
        folder: where to run; a new temporary folder if None.
        sealed: the folder holds the declared inputs alone, so a job that opens anything else by its usual path
            fails. The seal does not catch a job that opens an absolute path or walks out of its folder on purpose.
        debug: let a fault through to the debugger instead of turning it into one line.

    Returns:
        0 where every output has the bytes of the earlier run, 1 where it failed, 3 where bytes differ.

    Raises:
        StageError: the record or one of its inputs does not exist.
    """
    if not record_file.is_file():
        raise StageError(f"{record_file}: no such record; name a .job.json file under results/logs")
    record = json.loads(record_file.read_text())
    origin = Path.cwd()
    folder = Path(tempfile.mkdtemp(prefix="landbridge-replay-")) if folder is None else folder
    folder.mkdir(parents=True, exist_ok=True)
    for path in _paths(record["inputs"]):
        if not (origin / path).exists():
            raise StageError(f"{path}: an input of this job is gone; run the workflow first, from the folder it ran in")
        if Path(path).is_absolute():  # a user's own file, which stays where it is
            continue
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        if sealed:  # a copy: a link would lead a job back to the folder that it came from
            shutil.copyfile(origin / path, folder / path)
        elif not (folder / path).exists():
            (folder / path).symlink_to((origin / path).resolve())
    record = {**record, "places": _absolute(record["places"], origin)}
    os.chdir(folder)
    try:
        status = _execute(record, Path("replay.log"), None, debug=debug)
    finally:
        os.chdir(origin)
    if status:
        return status
    different = 0
    for path in _paths(record["outputs"]):
        if path.endswith((".cost.json",)):
            continue  # seconds and memory are never the same twice
        same = _contents(origin / path) == _contents(folder / path)
        print(f"{'identical' if same else 'DIFFERENT'}  {path}  (in {folder})")
        different += not same
    return 3 if different else 0


def _contents(path: Path) -> dict[str, bytes]:
    """Bytes of a file, or of every file in a folder, by name; empty where there is nothing."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return {str(file.relative_to(path)): file.read_bytes() for file in files if file.is_file()}


def _paths(files: Mapping[str, Any]) -> list[str]:
    return [path for value in files.values() for path in ([value] if isinstance(value, str) else value)]


def _absolute(places: Mapping[str, Any], origin: Path) -> dict[str, Any]:
    """Folders outside `results/` (raw data, mirrors) as the recorded job saw them."""

    def absolute(value: Any) -> Any:
        if isinstance(value, list):
            return [absolute(item) for item in value]
        return str(origin / value) if isinstance(value, str) and "://" not in value else value

    return {name: absolute(value) for name, value in places.items()}
