"""What the readers yield passes the contract, and both sides of a transfer have the same inputs."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import yaml
from landbridge.domains import wetland_methane
from landbridge.domains.wetland_methane.readers import READERS
from landbridge.io import netcdf, series
from landbridge.prepare.join import join

from tests.unit.domains.wetland_methane.written import write_simulation, write_tower

DESCRIBED = yaml.safe_load((Path(wetland_methane.__path__[0]) / "domain.yaml").read_text())
INPUTS = ["precipitation", "shortwave", "air_temperature", "vapour_pressure", "npp", "ch4_air", "co2_air"]
STATIC = [
    *("elevation", "soil_texture", "vegetation", "soil_ph", "bulk_density", "vegetation_type_11", "wetland_type"),
    "climate_type",
]


def harmonised(path, reader, raw, settings, step="day"):
    attributes = {"Conventions": "CF-1.11", "dataset": reader, "step": step}
    with series.SeriesWriter(path, DESCRIBED["variables"], attributes) as writer:
        for unit in READERS[reader](raw, settings, counts=Counter()):
            writer.add(unit)
    return netcdf.read(path)


def test_every_dataset_names_a_reader():
    assert {dataset["reader"] for dataset in DESCRIBED["datasets"].values()} == set(READERS)


def test_the_two_sides_of_a_transfer_have_the_fifteen_inputs(tmp_path):
    raw = tmp_path / "raw"
    write_simulation(raw / "simulation", years=(2001, 2002))
    write_tower(raw / "towers")
    towers = {"drivers": "grid", "grid": "simulation", "sites": {"FI-Sii": {"lat": 51.4, "lon": 11.1}}}
    source = harmonised(tmp_path / "s.nc", "tem_mdm", raw, {})
    target = harmonised(tmp_path / "t.nc", "fluxnet_ch4", raw, towers)
    both = join(source, target)
    for name in (*INPUTS, *STATIC):
        assert np.isfinite(both[name]).all(), name
    assert {"ch4_flux", "ch4_simulated", "origin", "fold_published"} <= set(both.variables)
    groups = both.with_role("group")
    assert set(groups) == {
        "site",
        "tower_group",
        "group_1km",
        "group_50km",
        "group_100km",
        "group_250km",
        "cell",
        "block",
    }
    for name in set(groups) - {"cell"}:  # a simulated cell is in no group of a tower
        assert not set(source[name].tolist()) & set(target[name].tolist())
    cell = target["cell"][0]
    assert cell in source["cell"].tolist()
    # The tower's drivers are those of its cell, day by day.
    row = source["cell"].tolist().index(cell)
    np.testing.assert_array_equal(source["air_temperature"][row * 730 : row * 730 + 400], target["air_temperature"])


@pytest.mark.parametrize("dataset", ["fluxnet_ch4", "peprmt_tidal"])
def test_published_files_pass_the_contract(mirror, tmp_path, dataset):
    own = DESCRIBED["datasets"][dataset]
    raw = mirror / "wetland_methane" / dataset
    found = harmonised(tmp_path / "x.nc", own["reader"], raw, own["reader_settings"])
    assert len(found["unit_name"]) == {"fluxnet_ch4": 10, "peprmt_tidal": 5}[dataset]
