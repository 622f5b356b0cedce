"""CARDAMOM-FluxVal: every published file at hand, decoded a second time by hand."""

import csv
import struct
from collections import Counter

import numpy as np
import pytest
from landbridge.domains.flux_towers import cardamom
from landbridge.stage import StageError

HEADER, ROW = 300, 20


@pytest.fixture(scope="module")
def folder(mirror):
    return mirror / "flux_towers" / "cardamom_fluxval"


@pytest.fixture(scope="module")
def units(folder):
    return {unit.name: unit for unit in cardamom.read_cardamom_fluxval(folder, {}, counts=Counter())}


@pytest.fixture(scope="module")
def numbers(folder):
    """Row of each site in the table, counted from one."""
    with (folder / "location_fluxnet.csv").open(newline="") as handle:
        return {row["Flux_name"]: number for number, row in enumerate(csv.DictReader(handle), start=1)}


def test_every_tower_of_the_mirror_is_there(units, folder):
    assert len(units) == 150 == len(list((folder / "cbf_files").glob("*.cbf")))
    assert all(len(unit.time) == 192 for unit in units.values())


def test_groups_and_scored_towers(units):
    assert len({unit.static["driver_group"] for unit in units.values()}) == 115
    scored = [unit for unit in units.values() if np.isfinite(unit.values["gpp"]).sum() >= 12]
    assert len(scored) == 138
    assert len({unit.static["driver_group"] for unit in scored}) == 111


def test_counts_are_those_of_the_readme(units, folder, numbers):
    validation = [cardamom.read_validation_file(path) for path in (folder / "validation_data").glob("validation_*.csv")]
    for place in (0, 1):
        assert sum(np.isfinite(pair[place]) for file in validation for pair in file.values()) == 4617
    files = [cardamom.read_driver_file(folder / "cbf_files" / f"flux_site_{numbers[name]}.cbf") for name in units]
    observed = sum(np.isfinite(file.observations).sum(0) for file in files)
    assert observed[[0, 1, 2, 4]].tolist() == [4685, 10136, 4685, 4635]
    total = sum(np.isfinite(unit.values["gpp"]).sum() for unit in units.values())
    assert total == 4617 + 4685  # the two never overlap


DECODED = {
    "temperature_min": (1, 1.0),
    "temperature_max": (2, 1.0),
    "shortwave": (3, 1e6 / 86400),
    "co2": (4, 1.0),
    "burned_fraction": (6, 1.0),
    "vapour_pressure_deficit": (7, 1.0),
    "precipitation": (8, 1.0),
    "gpp": (9, 1.0),
    "nee": (11, 1.0),
}


@pytest.mark.parametrize("variable", DECODED)
def test_ten_random_values_equal_a_decoding_by_hand(units, folder, numbers, variable):
    column, factor = DECODED[variable]
    random = np.random.default_rng(sum(map(ord, variable)))
    compared = 0
    while compared < 10:
        name = sorted(units)[random.integers(len(units))]
        month = int(random.integers(192))
        raw = (folder / "cbf_files" / f"flux_site_{numbers[name]}.cbf").read_bytes()
        (value,) = struct.unpack_from("<d", raw, 8 * (HEADER + ROW * month + column))
        if value == -9999:
            continue
        assert units[name].values[variable][month] == pytest.approx(value * factor, rel=1e-6, abs=1e-6)
        compared += 1


def test_respiration_is_derived(units):
    for unit in list(units.values())[:20]:
        np.testing.assert_allclose(unit.values["reco"], unit.values["gpp"] + unit.values["nee"], rtol=1e-5, atol=1e-5)


def test_a_driver_file_that_is_cut_short_is_refused(folder, tmp_path):
    whole = next(iter(sorted((folder / "cbf_files").glob("*.cbf")))).read_bytes()
    for size in (100, len(whole) - 8):
        path = tmp_path / "flux_site_1.cbf"
        path.write_bytes(whole[:size])
        with pytest.raises(StageError, match="fetch the file again"):
            cardamom.read_driver_file(path)


def test_a_validation_file_with_text_for_a_number_names_the_line(tmp_path):
    path = tmp_path / "validation_XX-Aaa.csv"
    path.write_text("ID,Date,GPP,NEE,ET\n1,200101,3,-1,2\n1,200102,three,-1,2\n")
    with pytest.raises(StageError, match=r"line 3: .*three"):
        cardamom.read_validation_file(path)
