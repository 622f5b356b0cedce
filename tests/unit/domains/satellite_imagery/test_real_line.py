"""The real files from harmonising to the split: regions by `where`, blocks as groups, an audit without failures."""

import json
from collections import Counter

import numpy as np
import pytest
from landbridge.domains.satellite_imagery import readers
from landbridge.io import netcdf
from landbridge.prepare import harmonise, split
from landbridge.stage import Job

from tests.unit.domains.satellite_imagery.made import VARIABLES

SCENARIO = {
    "scenario": "west_east",
    "step": "day",
    "kind": "chips",
    "one_hot": {},
    "static": [],
    "quality": None,
    "min_scored": 1,
    "budget_axis": "groups",
    "block": 1,
    "window": None,
    "inputs": ["reflectance"],
    "shown": [],
    "product": {},
}


def prepared(tmp_path, raw, reader, scenario):
    """Folder with the files of the split of one real dataset."""
    manifest = {"version": "1", "license": "x", "citation": "x", "files": []}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    settings = {
        "dataset": reader,
        "title": reader,
        "step": "day",
        "kind": "chips",
        "reader": reader,
        "reader_settings": {},
        "variables": VARIABLES,
        "raw": str(raw),
        "code": "x",
    }
    outputs = {"dataset": tmp_path / "data.nc", "counts": tmp_path / "counts.json"}
    modules = {"readers": readers.__name__}
    harmonise.run(Job("harmonise", {"manifest": tmp_path / "manifest.json"}, outputs, settings, {}, modules))
    where = {
        side: {"dataset": reader, "where": {"region": [name]}}
        for side, name in (("source", "west"), ("target", "east"))
    }
    names = [*split.FILES, "answers", "truth"]
    outputs = {name: tmp_path / f"{name}.nc" for name in names}
    outputs |= {"split": tmp_path / "split.csv", "audit": tmp_path / "audit.json"}
    inputs = {"source": tmp_path / "data.nc", "target": tmp_path / "data.nc"}
    split.run(Job("split", inputs, outputs, {**SCENARIO, **where, **scenario}, {"fold": "0"}))
    return tmp_path


def rule(**changes):
    return {"rule": "whole_groups", "group": "block", "stratify": None, "seed": 1, "folds": 1, "gap": 0, **changes}


@pytest.mark.parametrize("reader", ["eurosat", "bc_fire"])
def test_from_west_to_east(mirror, tmp_path, reader):
    task, target = ("classification", "land_cover") if reader == "eurosat" else ("segmentation", "burned")
    classes = VARIABLES[target]["flag_meanings"].split()
    scenario = {"task": task, "targets": [target], "classes": classes, "class_of": None, "split": rule()}
    folder = prepared(tmp_path, mirror / "satellite_imagery" / reader, reader, scenario)
    report = json.loads((folder / "audit.json").read_text())
    levels = {check["check"]: check["level"] for check in report["checks"]}
    assert levels["footprints"] == levels["levels"] == levels["same coordinates"] == levels["shared groups"] == "ok"
    assert "failure" not in levels.values()
    source, test = (netcdf.read(folder / f"{name}.nc") for name in ("source", "test_inputs"))
    assert set(source["region"]) == {"west"} and set(test["region"]) == {"east"}
    expected = {"source": 60, "target": 36} if reader == "eurosat" else {"source": 30, "target": 30}
    assert len(source["unit_name"]) == expected["source"]
    parts = Counter(line.split(",")[3] for line in (folder / "split.csv").read_text().splitlines()[1:])
    assert sum(count for part, count in parts.items() if part.startswith("target")) == (
        36 if reader == "eurosat" else 30
    )
    assert target not in test and "reflectance" in test and "valid" in test
    answers = netcdf.read(folder / "answers.nc")
    assert answers["label"].shape[0] == len(test["unit_name"]) and np.isin(answers["label"], [*range(10), 255]).all()
    # What a map needs stands beside the inputs of the test.
    assert {"crs_wkt", "transform", "scene", "scene_rows", "scene_cols", "scene_x", "scene_y"} <= set(test.variables)
