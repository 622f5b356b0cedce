"""Small series and chips for the tests of `prepare`, and the settings of a scenario over them."""

import csv
import json
from types import SimpleNamespace

import numpy as np
import pytest
from landbridge.contract import IGNORE, Dataset, Variable
from landbridge.io import netcdf
from landbridge.prepare import split
from landbridge.stage import Job

INPUTS = ("warmth", "light")
TARGETS = ("uptake", "release")
STEPS = {"day": 1, "30 minute": 1800}  # days for a daily clock, seconds for a finer one


def on_unit(values, role, **attributes):
    values = np.asarray(values)
    if values.dtype.kind == "f":
        values = values.astype(np.float32)
        attributes.setdefault("units", "1")
    return Variable(("unit",), values, {"role": role, "long_name": f"a {role}", **attributes})


def on_obs(values, role, **attributes):
    return Variable(("obs",), values, {"role": role, "long_name": f"a {role}", "units": "1", **attributes})


def make_series(units, *, days=120, seed=0, step="day", attributes=None):
    """Series of towers.

    Args:
        units: for each its name, and what differs from the defaults: group, climate, cover, lat, lon, days, start.
    """
    rng = np.random.default_rng(seed)
    columns = {name: [] for name in ("time", *INPUTS, *TARGETS, *(f"{name}_truth" for name in TARGETS), "trust")}
    sizes = []
    for unit in units:
        size = unit.get("days", days)
        sizes.append(size)
        inputs = {name: rng.normal(size=size) for name in INPUTS}
        columns["time"].append(unit.get("start", 0) + np.arange(size) * STEPS.get(step, 1))
        for name in INPUTS:
            columns[name].append(inputs[name])
        for number, name in enumerate(TARGETS):
            truth = inputs["warmth"] + (number + 1) * inputs["light"]
            columns[f"{name}_truth"].append(truth)
            columns[name].append(truth + 0.1 * rng.normal(size=size))
        columns["trust"].append(np.ones(size))
    stacked = {name: np.concatenate(parts).astype(np.float32) for name, parts in columns.items() if name != "time"}
    count = len(units)
    time = {"units": f"{'days' if step in ('day', 'month') else 'seconds'} since 1970-01-01", "long_name": "time"}
    variables = {
        "unit_name": on_unit([unit["name"] for unit in units], "index"),
        "row_size": on_unit(np.asarray(sizes, np.int32), "index", sample_dimension="obs"),
        "time": Variable(("obs",), np.concatenate(columns["time"]).astype(np.int64), time),
        **{name: on_obs(stacked[name], "input") for name in INPUTS},
        **{name: on_obs(stacked[name], "target") for name in TARGETS},
        **{f"{name}_truth": on_obs(stacked[f"{name}_truth"], "truth") for name in TARGETS},
        "trust": on_obs(stacked["trust"], "quality"),
        "lat": on_unit([float(unit.get("lat", number)) for number, unit in enumerate(units)], "static"),
        "lon": on_unit([float(unit.get("lon", 0.0)) for unit in units], "static"),
        "climate": on_unit([unit.get("climate", "C") for unit in units], "static"),
        "cover": on_unit([unit.get("cover", "wood") for unit in units], "static"),
        "site": on_unit([unit.get("group", unit["name"]) for unit in units], "group"),
    }
    assert len(variables["lat"].values) == count
    return Dataset(variables, {"kind": "series", "featureType": "timeSeries", "step": step, **(attributes or {})})


def make_towers(sources=10, targets=20, **options):
    """Towers `s00`, `s01`, ... of climate C and `t00`, ... of climate B, of two covers."""
    units = [{"name": f"s{number:02d}", "climate": "C"} for number in range(sources)]
    units += [{"name": f"t{number:02d}", "climate": "B"} for number in range(targets)]
    for number, unit in enumerate(units):
        unit["cover"] = "wood" if number % 2 else "field"
    return make_series(units, **options)


def make_chips(count=12, size=4, seed=0):
    """Chips of three bands, half of each population."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, (count, size, size)).astype(np.uint8)
    label[:, 0, 0] = IGNORE
    classes = {"flag_values": np.array([0, 1], np.uint8), "flag_meanings": "no yes"}
    variables = {
        "unit_name": on_unit([f"chip{number:02d}" for number in range(count)], "index"),
        "band_name": Variable(("band",), np.asarray(["red", "green", "blue"]), {"role": "index", "long_name": "band"}),
        "reflectance": Variable(
            ("unit", "band", "y", "x"),
            rng.random((count, 3, size, size)).astype(np.float32),
            {"role": "input", "long_name": "reflectance", "units": "1"},
        ),
        "valid": Variable(
            ("unit", "y", "x"), np.ones((count, size, size), np.uint8), {"role": "quality", "long_name": "seen"}
        ),
        "label": Variable(("unit", "y", "x"), label, {"role": "target", "long_name": "burnt", **classes}),
        "crs_wkt": on_unit(["EPSG:32630"] * count, "index"),
        "transform": Variable(("unit", "six"), np.zeros((count, 6)), {"role": "index", "long_name": "transform"}),
        "site": on_unit([f"fire{number:02d}" for number in range(count)], "group"),
        "climate": on_unit(["C" if number % 2 else "B" for number in range(count)], "static"),
    }
    return Dataset(variables, {"kind": "chips", "step": "day"})


def make_settings(**changes):
    """Settings of `split` for the towers above; a mapping is merged into the one that it changes."""
    settings = {
        "scenario": "towers",
        "task": "regression",
        "kind": "series",
        "step": "day",
        "source": {"dataset": "towers", "where": {"climate": ["C"]}},
        "target": {"dataset": "towers", "where": {"climate": ["B"]}},
        "split": {
            "rule": "tower_grouped",
            "group": ["site"],
            "stratify": "cover",
            "seed": 1,
            "folds": 1,
            "shares": {},
            "source_validation_share": 0.2,
            "gap": 0,
            "test_share": 0.5,
        },
        "targets": list(TARGETS),
        "classes": [],
        "inputs": list(INPUTS),
        "one_hot": {},
        "static": [],
        "window": {"length": 10, "stride": 5, "scored": 5, "predict_stride": 1},
        "quality": {"variable": "trust", "score_from": 1.0},
        "min_scored": 5,
        "budget_axis": "groups",
        "block": "year",
        "class_of": "cover",
        "longest_budget": None,
    }
    for name, value in changes.items():
        settings[name] = {**settings[name], **value} if isinstance(value, dict) and settings.get(name) else value
    return settings


def time_settings(**changes):
    """The same on a time axis."""
    split = {"gap": 10, **changes.pop("split", {})}
    return make_settings(budget_axis="time", longest_budget=30, split=split, **changes)


def changed(dataset, **variables):
    """The dataset with other values of some variables."""
    new = {
        name: Variable(dataset.variables[name].dimensions, values, dataset.variables[name].attributes)
        for name, values in variables.items()
    }
    return Dataset({**dataset.variables, **new}, dataset.attributes)


def units_of(dataset):
    """Names of the units of a file."""
    return set(dataset["unit_name"].tolist())


def reasons(found):
    """Units that take no part, by reason."""
    return {entry["reason"]: entry["units"] for entry in found["report"]["left_out"]}


@pytest.fixture(scope="session")
def made():
    """The makers of this file."""
    return SimpleNamespace(
        series=make_series,
        towers=make_towers,
        chips=make_chips,
        settings=make_settings,
        time_settings=time_settings,
        changed=changed,
        on_unit=on_unit,
        on_obs=on_obs,
        units_of=units_of,
        reasons=reasons,
        inputs=INPUTS,
        targets=TARGETS,
    )


@pytest.fixture
def cut(tmp_path):
    """Run the stage; the files by name, with the rows of split.csv as `table` and audit.json as `report`."""
    count = iter(range(100))

    names = (*split.FILES, "answers", "truth")

    def run(source, settings, target=None, fold=0):
        folder = tmp_path / str(next(count))
        folder.mkdir()
        netcdf.write(folder / "in.nc", source)
        inputs = {"source": folder / "in.nc", "target": folder / "in.nc"}
        if target is not None:
            netcdf.write(folder / "in2.nc", target)
            inputs["target"] = folder / "in2.nc"
        outputs = {name: folder / f"{name}.nc" for name in names}
        outputs |= {"split": folder / "split.csv", "audit": folder / "audit.json"}
        split.run(Job("split", inputs, outputs, settings, {"fold": str(fold)}))
        found = {name: netcdf.read(outputs[name]) for name in names}
        with outputs["split"].open() as handle:
            found["table"] = list(csv.DictReader(handle))
        found["report"] = json.loads(outputs["audit"].read_text())
        found["bytes"] = {name: path.read_bytes() for name, path in outputs.items()}
        return found

    return run
