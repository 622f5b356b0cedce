"""A source that a process model labels: the stage `simulate`, and what `split` makes of places that both sides have."""

import sys
import types
from itertools import pairwise

import numpy as np
import pytest
from landbridge.contract import Dataset, Variable
from landbridge.io import netcdf
from landbridge.prepare import audit, places, simulate, split
from landbridge.stage import Job, StageError

from tests import synthetic

PRODUCT = {"role": "product", "dimension": "obs", "units": "1", "long_name": "simulated target"}


def doubled(dataset, settings, seed):
    """A process model: y = factor a, at the same places under other names and in groups of its own."""
    value = (settings["factor"] * dataset["a"]).astype(np.float32)
    own = {name: variable for name, variable in dataset.variables.items() if name != "y_truth"}
    for name in ("unit_name", "site"):
        words = np.asarray([f"model {word}" for word in dataset[name]], object)
        own[name] = Variable(("unit",), words, dataset.variables[name].attributes)
    own["y"] = Variable(("obs",), value, dataset.variables["y"].attributes)
    return Dataset(own, dataset.attributes), value + seed


@pytest.fixture
def process_model():
    module = types.ModuleType("landbridge_process_of_a_test")
    module.simulate = doubled
    sys.modules[module.__name__] = module
    yield module.__name__
    del sys.modules[module.__name__]


def simulated(folder, module, units=28):
    """Paths of harmonised towers, and of what the stage makes of them."""
    harmonised = folder / "towers.nc"
    synthetic.write_series(harmonised, "regression", units=units)
    outputs = {side: folder / f"{side}.nc" for side in ("source", "target")}
    settings = {"simulator": {"factor": 3}, "seed": 7, "product": {"y": "y_model"}, "variables": {"y_model": PRODUCT}}
    inputs = {"source": str(harmonised), "target": str(harmonised)}
    simulate.run(Job("simulate", inputs, outputs, settings, modules={"simulate": module}))
    return harmonised, outputs


def test_the_model_labels_the_source_and_stands_beside_the_target(tmp_path, process_model):
    harmonised, outputs = simulated(tmp_path, process_model)
    towers, source, target = (netcdf.read(path) for path in (harmonised, outputs["source"], outputs["target"]))
    np.testing.assert_array_equal(source["y"], 3 * towers["a"])
    np.testing.assert_array_equal(target["y"], towers["y"])
    np.testing.assert_array_equal(target["y_model"], 3 * towers["a"] + 7)
    assert target.with_role("product") == ["y_model"]


def run_split(folder, outputs, fold=0, **of_split):
    settings = synthetic.settings("regression")
    settings |= {"source": {"dataset": "synthetic"}, "target": {"dataset": "synthetic"}}
    settings["split"] = {**settings["split"], "simulated_at": "lat", **of_split}
    settings["product"] = {"y": "y_model"}
    source, target = (netcdf.read(outputs[side]) for side in ("source", "target"))
    return split.part(source, target, settings, fold), settings


@pytest.mark.parametrize("fold", [0, 1, 2, 3])
def test_no_place_of_the_test_is_simulated_in_its_fold_and_every_other_is(tmp_path, process_model, fold):
    parted, settings = run_split(tmp_path, simulated(tmp_path, process_model)[1], fold, folds=4)
    part = np.asarray(parted.dataset["part"]).astype(str)
    lat = np.asarray(parted.dataset["lat"])
    of_source = np.char.startswith(part, "source")
    tested = set(lat[part == "target_test"])
    assert len(tested) == 7
    assert set(lat[of_source]) == set(range(28)) - tested
    assert [len(entry["units"]) for entry in parted.left_out if "simulated at the lat" in entry["reason"]] == [7]
    checks = {check["check"]: check["level"] for check in places.same_places(parted.dataset, settings)}
    assert checks == {"same coordinates": "ok"}


def test_on_a_time_axis_places_of_the_test_stay_and_are_told(tmp_path, process_model):
    """Every place is tested there; what was simulated at it has seen its inputs and no label."""
    settings = synthetic.settings("regression")
    settings |= {"source": {"dataset": "synthetic"}, "target": {"dataset": "synthetic"}, "product": {"y": "y_model"}}
    settings |= {"budget_axis": "time", "longest_budget": 5}
    shares = {"target_unlabelled": 0.0, "target_pool": 1.0, "target_val": 0.0, "target_test": 0.0}
    cut = {"simulated_at": "lat", "folds": 1, "gap": settings["window"]["length"], "test_share": 0.5, "shares": shares}
    settings["split"] = {**settings["split"], **cut}
    outputs = simulated(tmp_path, process_model)[1]
    parted = split.part(*(netcdf.read(outputs[side]) for side in ("source", "target")), settings, 0)
    part = np.asarray(parted.dataset["part"]).astype(str)
    assert np.char.startswith(part, "source").sum() == 28
    (told,) = places.simulated_at_the_test(parted.dataset, settings)
    assert told["level"] == "ok" and "was also simulated at the lat of" in told["text"]
    assert places.simulated_at_the_test(parted.dataset, {**settings, "split": {}}) == []


def test_places_of_pool_and_test_are_compared_all_the_same(tmp_path, process_model):
    parted, settings = run_split(tmp_path, simulated(tmp_path, process_model)[1])
    lat = np.asarray(parted.dataset["lat"]).copy()
    part = np.asarray(parted.dataset["part"]).astype(str)
    lat[np.flatnonzero(part == "target_pool")[0]] = lat[np.flatnonzero(part == "target_test")[0]]
    moved = Variable(("unit",), lat, parted.dataset.variables["lat"].attributes)
    near = Dataset({**parted.dataset.variables, "lat": moved}, parted.dataset.attributes)
    assert [check["level"] for check in places.same_places(near, settings)] == ["failure"]


def test_a_simulation_at_the_places_of_the_test_alone_is_refused(tmp_path, process_model):
    outputs = simulated(tmp_path, process_model)[1]
    source = netcdf.read(outputs["source"])
    target = netcdf.read(outputs["target"])
    for dataset in (source, target):
        dataset["lat"][:] = 0  # one place
    settings = synthetic.settings("regression")
    settings |= {"source": {"dataset": "synthetic"}, "target": {"dataset": "synthetic"}, "product": {"y": "y_model"}}
    settings["split"] = {**settings["split"], "simulated_at": "lat"}
    with pytest.raises(StageError, match="source_train and of source_val was simulated at the lat of a test unit"):
        split.part(source, target, settings, 0)


def test_a_simulation_that_equals_what_was_measured_is_no_copy_of_it(tmp_path, process_model):
    outputs = simulated(tmp_path, process_model)[1]
    parted, settings = run_split(tmp_path, outputs)
    part = np.asarray(parted.dataset["part"]).astype(str)
    bounds = np.concatenate([[0], np.cumsum(parted.dataset["row_size"])])
    rows = [np.arange(start, stop) for start, stop in pairwise(bounds)]
    train, pool, test = (
        rows[np.flatnonzero(part == name)[0]] for name in ("source_train", "target_pool", "target_test")
    )
    for name in ("a", "b", "y"):
        parted.dataset[name][pool] = parted.dataset[name][train]
    checks = {check["check"]: check["level"] for check in audit.near_duplicates(parted.dataset, settings)}
    assert checks["near duplicates"] == "ok"
    for name in ("a", "b", "y"):
        parted.dataset[name][test] = parted.dataset[name][pool]
    checks = {check["check"]: check["level"] for check in audit.near_duplicates(parted.dataset, settings)}
    assert checks["near duplicates"] == "failure"
