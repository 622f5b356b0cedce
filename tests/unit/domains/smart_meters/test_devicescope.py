"""The excerpts of DeviceScope: the published files by known answers, and files made by hand."""

import gzip
from collections import Counter

import numpy as np
import pytest
from landbridge.domains.smart_meters.devicescope import zero_runs
from landbridge.domains.smart_meters.readers import READERS
from landbridge.stage import StageError

from tests.unit.domains.smart_meters.made import read

HEADER = "Time,Aggregate,Kettle,Dishwasher,WashingMachine,Microwave"
# Minutes, masked ones, means of mains, kettle, dishwasher, washing machine and microwave, W, and shares of being on, %.
KNOWN = {
    "ukdale_2": (204_948, 32_090, (305.80, 24.91, 41.18, 8.14, 6.53), (1.05, 2.11, 0.51, 0.66)),
    "refit_2": (264_960, 1_298, (345.26, 18.63, 51.69, 15.54, 1.79), (0.92, 2.34, 0.64, 0.22)),
    "refit_20": (236_879, 526, (341.74, 9.96, 9.86, 6.38, 4.20), (0.50, 0.46, 0.28, 0.41)),
}
ORDER = ("kettle", "dishwasher", "washing_machine", "microwave")
MASKED = "masked: minutes in which the mains are 0 for 10 min or longer"


@pytest.fixture(scope="session")
def excerpts(mirror):
    counts = Counter()
    folder = mirror / "smart_meters" / "devicescope"
    return {unit.name: unit for unit in READERS["devicescope"](folder, {}, counts=counts)}, counts


def mean(values):
    return float(np.mean(values, dtype=np.float64))


@pytest.mark.parametrize("name", KNOWN)
def test_the_published_homes(excerpts, name):
    unit = excerpts[0][name]
    minutes, masked, means, shares = KNOWN[name]
    assert len(unit.time) == minutes - masked
    for column, watts in zip(("mains", *ORDER), means, strict=True):
        assert mean(unit.values[column]) == pytest.approx(watts, abs=0.01)
    for column, share in zip(ORDER, shares, strict=True):
        assert 100 * mean(unit.values[f"{column}_on"]) == pytest.approx(share, abs=0.01)
    assert unit.static["status_policy"] == "minute"
    assert np.isnan(unit.values["fridge"]).all()
    assert unit.static["fridge_absent"] == 0.0


def test_counts_of_the_published_files(excerpts):
    units, counts = excerpts
    assert list(units) == ["refit_2", "refit_20", "ukdale_2"]
    assert counts["readings"] == 706_787
    assert counts[MASKED] == 32_090 + 1_298 + 526
    assert counts["averaged: readings of a time that repeats"] == 0
    first, last = np.datetime64("2013-05-20T21:28:00"), np.datetime64("2013-10-10T05:15:00")
    assert (units["ukdale_2"].time[[0, -1]] == [first, last]).all()
    assert units["ukdale_2"].values["mains_unclipped"].max() == pytest.approx(5242.7)
    for name in ("refit_2", "refit_20"):
        assert units[name].values["mains"].max() == 6000
        cut = units[name].values["mains"] == 6000
        np.testing.assert_array_equal(np.isnan(units[name].values["mains_unclipped"]), cut)


def test_predictors_of_nothing_and_of_the_mean(excerpts):
    unit = excerpts[0]["ukdale_2"]
    known = dict(zip(ORDER, (49.24, 79.83, 16.04, 12.85), strict=True))
    for name, expected in known.items():
        power = unit.values[name].astype(np.float64)
        assert mean(np.abs(power - power.mean())) == pytest.approx(expected, abs=0.015)


def rows_of(powers, start="2014-05-01T00:00:00", step=60):
    first = np.datetime64(start, "s")
    return [
        f"{str(first + np.timedelta64(step * at, 's')).replace('T', ' ')},{','.join(map(str, row))}"
        for at, row in enumerate(powers)
    ]


def write(folder, rows, name="REFIT_House2_2014-05", header=HEADER):
    data = rows if isinstance(rows, bytes) else ("\n".join([header, *rows]) + "\n").encode()
    (folder / f"{name}.gzip").write_bytes(gzip.compress(data))
    return folder


def test_gaps_of_zeros_are_masked_and_short_ones_are_not(tmp_path):
    mains = [300] * 5 + [0] * 9 + [300] * 5 + [0] * 10 + [300] * 5
    found, counts = read("devicescope", write(tmp_path, rows_of([(watts, 700, 0, 0, 3) for watts in mains])))
    (unit,) = found.values()
    assert len(unit.time) == 24
    assert counts[MASKED] == counts["left out: steps without mains"] == 10
    assert set(unit.values["microwave"].tolist()) == {0}
    assert set(unit.values["kettle_on"].tolist()) == {1}


def test_zero_runs():
    assert zero_runs(np.array([0, 0, 1, 0, 0, 0, np.nan, 0, 0.0]), 3).tolist() == [False] * 3 + [True] * 3 + [False] * 3
    assert zero_runs(np.array([]), 3).tolist() == []
    assert zero_runs(np.zeros(4), 3).all()


def test_a_gap_of_zeros_across_two_months(tmp_path):
    write(tmp_path, rows_of([(300, 0, 0, 0, 0)] * 10 + [(0, 0, 0, 0, 0)] * 6, "2014-05-31T23:44:00"))
    write(
        tmp_path,
        rows_of([(0, 0, 0, 0, 0)] * 6 + [(300, 0, 0, 0, 0)] * 4, "2014-06-01T00:00:00"),
        "REFIT_House2_2014-06",
    )
    found, counts = read("devicescope", tmp_path)
    assert len(found["refit_2"].time) == 14
    assert counts[MASKED] == 12


def test_columns_by_their_names(tmp_path):
    header = "Time,Aggregate,Shower,WashingMachine,Dishwasher"
    found, counts = read("devicescope", write(tmp_path, rows_of([(900, 1, 400, 20)]), "IDEAL_House65_2017-05", header))
    unit = found["ideal_65"]
    assert (unit.values["washing_machine"][0], unit.values["dishwasher"][0]) == (400, 20)
    assert (unit.values["washing_machine_on"][0], unit.values["dishwasher_on"][0]) == (1, 0)
    assert np.isnan(unit.values["kettle"]).all()
    assert unit.static["kettle_absent"] == 0.0  # not delivered, and nobody says that the home has none
    assert unit.static["power_type"] == "unknown"
    assert counts["columns not used: Shower"] == 1


def test_faults_of_time(tmp_path):
    rows = rows_of([(300, 0, 0, 0, 0)] * 90)
    rows += [rows[-1].replace(",300,", ",500,"), rows[40]]
    found, counts = read("devicescope", write(tmp_path, rows))
    unit = found["refit_2"]
    assert len(unit.time) == 90
    assert unit.values["mains"][-1] == 400
    assert counts["averaged: readings of a time that repeats"] == 2
    with pytest.raises(StageError, match=r"REFIT_House2_2014-05.gzip, line 94: .* older than one before it"):
        read("devicescope", write(tmp_path, [*rows, rows[0]]))


def test_files_without_rows(tmp_path):
    write(tmp_path, b"")
    write(tmp_path, [], "REFIT_House2_2014-06")
    found, counts = read("devicescope", tmp_path)
    assert found == {}
    assert counts["files without rows"] == 2
    assert counts["homes without mains, left out"] == 1


@pytest.mark.parametrize(
    ("name", "header", "message"),
    [
        ("REDD_House2_2014-05", HEADER, "is not named"),
        ("REFIT_House14_2014-05", HEADER, "REFIT has no house 14"),
        ("REFIT_House2_2014-05", HEADER.replace("Aggregate", "Total"), "has no Time or no Aggregate"),
        ("REFIT_House2_2014-05", HEADER.replace("Microwave", "Kettle"), "line 1: .*measure the same"),
    ],
)
def test_files_that_cannot_be_used(tmp_path, name, header, message):
    with pytest.raises(StageError, match=message):
        read("devicescope", write(tmp_path, rows_of([(300, 0, 0, 0, 0)]), name, header))


def test_other_refusals(tmp_path):
    with pytest.raises(StageError, match="holds no <SET>_House"):
        read("devicescope", tmp_path)
    with pytest.raises(StageError, match="step is not known"):
        read("devicescope", tmp_path, step=60)
    write(tmp_path, rows_of([(300, 0, 0, 0, 0)]))
    path = tmp_path / "REFIT_House2_2014-05.gzip"
    path.write_bytes(path.read_bytes()[:-6])
    with pytest.raises(StageError, match=r"REFIT_House2_2014-05.gzip: can't be unpacked"):
        read("devicescope", tmp_path)
