"""What every domain folder must keep, the template among them."""

import hashlib
import importlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from landbridge import config, registry
from landbridge.io import netcdf, series, sources
from landbridge.offered import read_config
from landbridge.plan import Plan
from landbridge.prepare.harmonise import TIME_UNITS

ROOT = Path(registry.__file__).parent / "domains"
FOLDERS = sorted(path.parent for path in ROOT.glob("*/domain.yaml"))
each = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


def description(folder):
    return config.read_domain(folder)


def module(folder, name):
    return importlib.import_module(f"landbridge.domains.{folder.name}.{name}")


@each
def test_a_domain_is_data_and_its_description(folder):
    for name in ("domain.yaml", "sources.csv", "README.md", "readers.py", "__init__.py"):
        assert (folder / name).is_file(), name


@each
def test_every_dataset_has_a_reader_and_a_source(folder):
    own = description(folder)
    readers = module(folder, "readers").READERS
    for name, dataset in own["datasets"].items():
        assert dataset["reader"] in readers or dataset.get("kind") == "tables"
        files = dataset.get("files_of", name)
        assert own["datasets"][files].get("twin") or sources.sources_of(folder, files), name


@each
def test_the_data_card_names_every_dataset_and_the_exposure(folder):
    card = (folder / "README.md").read_text()
    for name in description(folder)["datasets"]:
        assert f"`{name}`" in card
    assert "retraining exposure" in card or "pretraining exposure" in card.lower()


@each
def test_a_twin_is_equal_from_run_to_run_and_passes_the_contract(folder, tmp_path):
    own = description(folder)
    for name, dataset in own["datasets"].items():
        if not dataset.get("twin"):
            continue
        options = {key: value for key, value in dataset["twin"].items() if key != "seed"}
        digests = []
        for turn in ("a", "b"):
            raw = tmp_path / f"{name}-{turn}"
            raw.mkdir()
            module(folder, "twin").write_twin(raw, name, dataset["twin"]["seed"], **options)
            digests.append(
                {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(raw.rglob("*")) if p.is_file()}
            )
        assert digests[0] == digests[1]
        readings = [other for other, its in own["datasets"].items() if other == name or its.get("files_of") == name]
        for reading in readings:
            harmonised = read_by(folder, own, reading, raw, tmp_path / f"{reading}.nc")
            check_variables(own, reading, harmonised)


def read_by(folder, own, name, raw, path):
    """The harmonised file of a dataset."""
    dataset = own["datasets"][name]
    attributes = {"Conventions": "CF-1.11", "dataset": name}
    units = module(folder, "readers").READERS[dataset["reader"]](
        raw, dataset.get("reader_settings", {}), counts=Counter()
    )
    if dataset.get("kind") == "chips":
        netcdf.write_chips(path, units, (), own["variables"], attributes)
    else:
        time_unit = TIME_UNITS.get(dataset["step"], "seconds")
        with series.SeriesWriter(path, own["variables"], attributes, time_unit=time_unit) as writer:
            for unit in units:
                writer.add(unit)
    return netcdf.read(path)


def check_variables(own, name, harmonised):
    """What scenarios read of a dataset is there, and the truth beside the labels that are scored."""
    for scenario in own["twin"].values():
        sides = [side for side in ("source", "target") if scenario.get(side, {}).get("dataset") == name]
        for variable in (*scenario.get("inputs", []), *scenario.get("targets", [])) if sides else ():
            assert np.isfinite(harmonised[variable]).any(), variable
        for variable in scenario.get("targets", []) if "target" in sides else ():
            assert f"{variable}_truth" in harmonised


def test_every_domain_of_the_registry_plans_its_jobs():
    for tier in ("twin", "real"):
        plan = Plan(read_config({"tier": tier}, []))
        assert plan.domains == sorted(registry.domains())
    assert all(plan.targets(domain) is not None for domain in plan.domains)
