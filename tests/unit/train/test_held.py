"""Data that do not fit stay in files: the same bytes come out, memory does not grow, nothing is left behind."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from landbridge import job as harness
from landbridge.contract import Dataset, Unit
from landbridge.io import mapped, netcdf, series
from landbridge.prepare import ragged
from landbridge.prepare.scaling import fit_scaler, rows_hash
from landbridge.stage import Job, StageError
from landbridge.train import held
from landbridge.train.held import Held
from landbridge.train.layout import Layout
from landbridge.train.samples import Samples

from tests import synthetic
from tests.line import Line

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Folder of temporary files; arrays of one byte are already mapped, and blocks end inside units and windows."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    monkeypatch.setattr(mapped, "LEAST", 1)
    monkeypatch.setattr(mapped, "BLOCK", 1000)
    return place


def counted(monkeypatch):
    """Sizes of the arrays that were made in files."""
    sizes, empty = [], mapped.empty

    def count(shape, dtype):
        array = empty(shape, dtype)
        sizes.extend([array.nbytes] if mapped.is_mapped(array) else [])
        return array

    monkeypatch.setattr(mapped, "empty", count)
    return sizes


@pytest.mark.parametrize("task", ["regression", "classification", "segmentation"])
def test_weights_and_predictions_have_the_bytes_of_a_run_in_memory(tmp_path, folder, monkeypatch, task):
    made = counted(monkeypatch)
    recipes = ["full_finetune", "pooled", "gradient_boosted_trees"]
    settings = {"recipe_settings": {"rounds": 5}}
    lines = []
    for name, megabytes in (("resident", 1000), ("mapped", 0)):
        line = Line(tmp_path / name, task)
        line.settings |= {"data_memory_mb": megabytes, "training": {**line.settings["training"], "fixed_steps": 20}}
        line.pretrain(epochs=3)
        for recipe in recipes:
            line.transfer(recipe, **(settings if recipe == "gradient_boosted_trees" else {}))
        lines.append(line)
        assert bool(made) is (megabytes == 0)
        assert list(folder.iterdir()) == []
    resident, in_files = lines
    for output in ("checkpoint0", "history0", *(f"{recipe}/fold0-seed0.nc" for recipe in recipes)):
        assert (resident.folder / output).read_bytes() == (in_files.folder / output).read_bytes(), output


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"support": 2, "length": 4},
        {"length": 9, "stride": 7, "shortest": 2},
        {"length": 5, "scored": 3, "lookahead": 1, "quality": "quality"},
        {"grouped": True},
    ],
    ids=["plain", "support", "padded", "lookahead", "grouped"],
)
def test_windows_and_tables_are_the_same(tmp_path, folder, changes):
    synthetic.write(tmp_path / "a.nc", "regression")
    both = []
    for in_files in (False, True):
        dataset = netcdf.read(tmp_path / "a.nc", in_files=in_files)
        dataset = ragged.select_units(dataset, np.arange(28) % 3 > 0)
        dataset = Dataset({**dataset.variables, "group": dataset.variables["site"]}, dataset.attributes)
        layout = dataclasses.replace(Layout.of(synthetic.settings("regression"), dataset), static=("lat",), **changes)
        samples = Samples(dataset, layout)
        if layout.grouped:
            samples.tell_groups_apart()
        assert mapped.is_mapped(samples.dataset["a"]) is in_files
        assert mapped.is_mapped(samples.labels[0]) is in_files
        scaler = fit_scaler([dataset], *layout.scaler_arguments())
        drawn = samples.tensors.scaled(scaler)
        batch = drawn.batch(torch.arange(0, len(drawn), 3))
        arrays = [*batch.inputs, batch.labels, batch.weights, samples.table(), samples.prediction_table()]
        arrays += [*samples.windows.arrays(), *samples.label_windows.arrays(), *scaler.arrays().values()]
        both.append([np.asarray(array) for array in arrays])
    assert len(both[0][0]) > 20
    for resident, in_files in zip(*both, strict=True):
        assert resident.dtype == in_files.dtype
        np.testing.assert_array_equal(resident, in_files)


@pytest.mark.parametrize("task", ["regression", "classification", "segmentation"])
def test_the_batch_alone_goes_to_the_device(tmp_path, folder, task):
    """On torch's device without memory, which refuses an operation with tensors that lie elsewhere."""
    synthetic.write(tmp_path / "a.nc", task)
    dataset = netcdf.read(tmp_path / "a.nc", in_files=True)
    layout = Layout.of(synthetic.settings(task), dataset)
    samples = Samples(dataset, layout, "meta")
    drawn = samples.tensors.scaled(fit_scaler([dataset], *layout.scaler_arguments()))
    batch = drawn.batch(torch.arange(5))
    assert {tensor.device.type for tensor in (*batch.inputs, batch.labels, batch.weights)} == {"meta"}
    there = (samples.tensors.stored.values, drawn.labels, drawn.weights, drawn.ends)
    assert {tensor.device.type for tensor in there} == {"cpu"}
    resident = Samples(netcdf.read(tmp_path / "a.nc"), layout, "meta")
    there = (resident.tensors.stored.values, resident.tensors.scaled(drawn.scaler).labels)
    assert {tensor.device.type for tensor in there} == {"meta"}


def test_the_limit_counts_all_files_of_a_job(tmp_path, folder):
    synthetic.write(tmp_path / "a.nc", "regression")
    size = netcdf.unpacked_bytes(tmp_path / "a.nc")
    reading = Held(2 * size)
    assert [mapped.is_mapped(reading.read(tmp_path / "a.nc")["a"]) for _ in range(3)] == [False, False, True]
    given = Held.of(Job("pretrain", {}, {}, {"data_memory_mb": 3}))
    assert given.limit == 3_000_000


def test_a_full_disk_ends_the_job_with_one_line_and_leaves_nothing(tmp_path, folder, monkeypatch):
    line = Line(tmp_path / "line", "regression")
    line.settings["data_memory_mb"] = 0
    written, reserve = [], os.posix_fallocate

    def third_is_too_much(*arguments):
        written.append(arguments)
        if len(written) == 3:
            raise OSError(28, "No space left on device")
        reserve(*arguments)

    monkeypatch.setattr("os.posix_fallocate", third_is_too_much)
    with pytest.raises(StageError, match="No space left on device"):
        line.pretrain()
    assert len(written) == 3 and list(folder.iterdir()) == []


def test_the_limit_is_no_part_of_what_a_job_is(tmp_path):
    (tmp_path / "in.nc").write_text("1")
    record = {"stage": "pretrain", "settings": {}, "wildcards": {}, "modules": {}, "code": "x", "threads": 1}
    record |= {"inputs": {"source": str(tmp_path / "in.nc")}}
    first, second = ({**record, "places": places} for places in ({}, {"data_memory_mb": 5}))
    assert harness.identity(first) == harness.identity(second)


# -- the default ------------------------------------------------------------------------------------------------


def test_by_default_a_quarter_of_what_is_free(monkeypatch):
    monkeypatch.setattr(held, "free_memory", lambda: 4000)
    assert Held.of(Job("pretrain", {}, {}, {})).limit == 1000


def test_on_a_gpu_at_most_half_of_what_it_has_free(monkeypatch):
    monkeypatch.setattr(held, "free_memory", lambda: 4000)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (1200, 9000))
    assert Held.of(Job("pretrain", {}, {}, {}, device="cuda:0")).limit == 600


def test_free_memory_is_that_of_the_machine_or_of_the_tightest_group(tmp_path, monkeypatch):
    meminfo = Path("/proc/meminfo").read_text()
    available = next(int(line.split()[1]) * 1024 for line in meminfo.splitlines() if "MemAvailable" in line)
    assert 0 < held.free_memory() < 1.2 * available
    inner = tmp_path / "cgroup" / "job_1" / "step_0"
    inner.mkdir(parents=True)
    for group, most, used in ((inner, "max", 1), (inner.parent, 5000, 3000)):
        (group / "memory.max").write_text(f"{most}\n")
        (group / "memory.current").write_text(f"{used}\n")
        (group / "memory.stat").write_text("anon 2000\ninactive_file 700\n")
    (tmp_path / "self").write_text("0::/job_1/step_0\n")
    monkeypatch.setattr(held, "CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(held, "OWN_CGROUPS", tmp_path / "self")
    assert held.free_memory() == 5000 - 3000 + 700


# -- memory -----------------------------------------------------------------------------------------------------

PEAK = """
import json, os, sys, threading, time
from pathlib import Path
from landbridge.stage import Job
from landbridge.train import pretrain

def anonymous():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:")) / 1024

def watch():
    while True:
        peak[0] = max(peak[0], anonymous())
        time.sleep(0.001)

folder, settings = Path(sys.argv[1]), json.loads(sys.argv[2])
outputs = {name: folder / name for name in ("checkpoint", "history", "cost")}
modules = {"model": "landbridge.models.linear", "objective": "landbridge.methods.erm"}
job = Job("pretrain", {"source": str(folder / "source.nc")}, outputs, settings, {"seed": "0"}, modules,
          scratch=folder / "training", identity=str(os.getpid()))
before = anonymous()
peak = [before]
threading.Thread(target=watch, daemon=True).start()
pretrain.run(job)
print(json.dumps(peak[0] - before))
"""


def write_source(path, units, days=2000):
    """`source.nc` of units with two inputs, a target and a quality, 24 bytes an observation."""
    described = {name: synthetic.DESCRIBED[name] for name in ("a", "b", "y", "quality", "site")}
    random = np.random.default_rng(1)
    time = np.datetime64("1990-01-01") + np.arange(days)
    with series.SeriesWriter(path, described, synthetic.ATTRIBUTES) as writer:
        for number in range(units):
            a, b = random.random((2, days), np.float32)
            values = {"a": a, "b": b, "y": 2 * a - b, "quality": np.ones(days, np.float32)}
            writer.add(Unit(f"u{number}", time, values, {"site": f"s{number}"}))
    dataset = netcdf.read(path)
    parts = np.where(np.arange(units) % 5 == 0, "source_val", "source_train")
    words = {"role": "index", "long_name": "part"}
    columns = {"part": dataclasses.replace(dataset.variables["site"], values=parts, attributes=words)}
    columns["group"] = dataclasses.replace(dataset.variables["site"], attributes={**words, "long_name": "group"})
    train = ragged.select_units(dataset, parts == "source_train")
    netcdf.write(path, ragged.with_variables(dataset, columns, source_rows_hash=rows_hash([train])))


def growth(folder, units, megabytes, batch=64):
    """MB of anonymous memory that a pretraining adds at its peak."""
    path = folder / str(units)
    if not path.exists():
        path.mkdir()
        write_source(path / "source.nc", units)
    window = {"length": 300, "stride": 30, "scored": 30}
    settings = {**synthetic.settings("regression"), "window": window, "network": {}, "data_memory_mb": megabytes}
    training = {"epochs": 1, "epoch_steps": 1, "patience": 1, "batch": batch, "learning_rate": 0.001}
    settings["training"] = {**training, "weight_decay": 0.0, "clip": 1.0, "fixed_steps": 1}
    # Arrays that are freed go back to the system at once; what the allocator keeps for later varies by 30 MB.
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "1000000", "OMP_NUM_THREADS": "1"}
    environment["PYTHONPATH"] = str(ROOT / "workflow")
    command = [sys.executable, "-c", PEAK, str(path), json.dumps(settings)]
    found = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT)
    return json.loads(found.stdout)


def test_memory_grows_with_the_batch_and_not_with_the_observations(tmp_path):
    few, many = 1000, 2500  # units of 2000 days: 48 and 120 MB
    small, large, resident = growth(tmp_path, few, 1), growth(tmp_path, many, 1), growth(tmp_path, many, 10_000)
    added = (many - few) * 2000 * 24 / 1e6
    assert large - small < 0.2 * added
    assert resident - large > added  # so that the comparison can fail
    assert growth(tmp_path, few, 1, batch=10_000) - small > 50
