"""Small data of all three tasks whose best possible score is known, and the settings of a scenario on each."""

import numpy as np
from landbridge.contract import CONVENTIONS, Chip, Dataset, Unit, Variable
from landbridge.io import netcdf, series

DESCRIBED = {
    "y": {"role": "target", "dimension": "obs", "units": "1", "long_name": "target"},
    "y_truth": {"role": "truth", "dimension": "obs", "units": "1", "long_name": "target before noise"},
    "quality": {"role": "quality", "dimension": "obs", "units": "1", "long_name": "quality of the target"},
    "a": {"role": "input", "dimension": "obs", "units": "1", "long_name": "first input"},
    "b": {"role": "input", "dimension": "obs", "units": "1", "long_name": "second input"},
    "lat": {"role": "static", "dimension": "unit", "units": "degrees_north", "long_name": "latitude"},
    "lon": {"role": "static", "dimension": "unit", "units": "degrees_east", "long_name": "longitude"},
    "side": {"role": "static", "dimension": "unit", "long_name": "population"},
    "site": {"role": "group", "dimension": "unit", "long_name": "group"},
    "mode": {
        "role": "target",
        "dimension": "unit",
        "dtype": "uint8",
        "long_name": "class",
        "flag_values": [0, 1, 2],
        "flag_meanings": "walk bike car",
    },
    "label": {
        "role": "target",
        "dimension": "unit",
        "dtype": "uint8",
        "long_name": "class of the pixel",
        "flag_values": [0, 1],
        "flag_meanings": "unburned burned",
    },
}
ATTRIBUTES = {
    "Conventions": CONVENTIONS,
    "title": "synthetic",
    "institution": "none",
    "source": "made for tests",
    "history": "made for tests",
    "references": "none",
    "comment": "none",
    "dataset": "synthetic",
    "step": "day",
    "license": "CC0-1.0",
}
COMMON = {
    "scenario": "synthetic",
    "step": "day",
    "source": {"dataset": "synthetic", "where": {"side": ["source"]}},
    "target": {"dataset": "synthetic", "where": {"side": ["target"]}},
    "split": {
        "rule": "tower_grouped",
        "group": ["site"],
        "stratify": None,
        "seed": 1,
        "folds": 1,
        "gap": 0,
        "test_share": 0.5,
    },
    "one_hot": {},
    "static": [],
    "quality": None,
    "min_scored": 1,
    "budget_axis": "groups",
    "block": 10,
    "class_of": None,
    "classes": [],
}


def settings(task):
    """Settings of `split` for one task."""
    if task == "regression":
        own = {"targets": ["y"], "inputs": ["a", "b"], "quality": {"variable": "quality", "score_from": 0.5}}
    elif task == "classification":
        own = {"targets": ["mode"], "inputs": ["a", "b"], "classes": ["walk", "bike", "car"]}
    else:
        own = {"targets": ["label"], "inputs": [], "classes": ["unburned", "burned"]}
    window = None if task == "segmentation" else {"length": 3, "stride": 1, "scored": 1, "predict_stride": 1}
    return {**COMMON, **own, "task": task, "window": window, "kind": "chips" if task == "segmentation" else "series"}


def static(number, units):
    return {
        "lat": float(number),
        "lon": 0.0,
        "side": "source" if number < units // 2 else "target",
        "site": f"site{number:02d}",
    }


def write_series(path, task, seed=0, units=28, days=30):
    """Series: y = 2 a - b (+ 0.5 in the target) + noise of sd 0.1; the class of a unit is the rank of its mean of a."""
    random = np.random.default_rng(seed)
    names = ["a", "b"] + (["y", "y_truth", "quality"] if task == "regression" else [])
    statics = ["lat", "lon", "side", "site"] + (["mode"] if task == "classification" else [])
    described = {name: DESCRIBED[name] for name in (*names, *statics)}
    with series.SeriesWriter(path, described, ATTRIBUTES) as writer:
        for number in range(units):
            mode = number % 3
            a, b = (
                random.normal(
                    3.0 * mode if task == "classification" else 0, 0.5 if task == "classification" else 1, days
                ),
                random.normal(size=days),
            )
            values = {"a": a, "b": b}
            own = static(number, units)
            if task == "regression":
                truth = 2 * a - b + (0.5 if own["side"] == "target" else 0)
                values |= {"y": truth + 0.1 * random.normal(size=days), "y_truth": truth, "quality": np.ones(days)}
            else:
                own["mode"] = float(mode)
            time = np.datetime64("2020-01-01") + np.arange(days)
            writer.add(Unit(f"unit{number:02d}", time, {name: values[name].astype(np.float32) for name in names}, own))


def write_chips(path, seed=0, units=28, side=6):
    """Square chips: burned where the first band is above the second; some pixels are to be ignored."""
    random = np.random.default_rng(seed)

    def chips():
        for number in range(units):
            bands = random.uniform(0, 1, (2, side, side)).astype(np.float32)
            label = (bands[0] > bands[1]).astype(np.uint8)
            label[0, 0] = 255
            transform = (10.0, 0.0, 1000.0 * number, 0.0, -10.0, 0.0)
            valid = np.ones((side, side), bool)
            yield Chip(f"chip{number:02d}", bands, valid, label, "EPSG:32650", transform, static(number, units))

    netcdf.write_chips(path, chips(), ["red", "nir"], DESCRIBED, ATTRIBUTES)


def write(path, task, seed=0, side=6):
    """The harmonised file of a task; `side` of chips in pixels."""
    if task == "segmentation":
        write_chips(path, seed, side=side)
    else:
        write_series(path, task, seed)


def dataset(rows=4, units=2, **changes):
    """A small valid series file in memory."""
    n = rows * units
    index = {"role": "index"}
    variables = {
        "unit_name": Variable(("unit",), np.array([f"u{i}" for i in range(units)]), {"long_name": "name", **index}),
        "row_size": Variable(("unit",), np.full(units, rows, np.int32), {"long_name": "size", **index}),
        "time": Variable(
            ("obs",), np.tile(np.arange(rows), units).astype(np.int64), {"units": "days since 1970-01-01"}
        ),
        "a": Variable(("obs",), np.arange(n, dtype=np.float32), DESCRIBED_ATTRIBUTES["a"]),
        "b": Variable(("obs",), np.arange(n, dtype=np.float32)[::-1].copy(), DESCRIBED_ATTRIBUTES["b"]),
        "y": Variable(("obs",), np.arange(n, dtype=np.float32) / 2, DESCRIBED_ATTRIBUTES["y"]),
        **changes,
    }
    return Dataset(variables, {"Conventions": CONVENTIONS, "kind": "series", "featureType": "timeSeries"})


DESCRIBED_ATTRIBUTES = {name: netcdf.cf_attributes(attributes) for name, attributes in DESCRIBED.items()}
