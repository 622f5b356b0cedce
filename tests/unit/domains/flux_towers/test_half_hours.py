"""Half-hours to days: the stated rule on the published file and on broken ones."""

import csv
from collections import Counter

import numpy as np
import pytest
from landbridge.domains.flux_towers.half_hours import FILE, read_half_hours
from landbridge.stage import StageError


@pytest.fixture(scope="module")
def published(mirror):
    return mirror / "flux_towers" / "be_vie"


def test_the_published_file(published):
    (unit,) = read_half_hours(published, {}, counts=Counter())
    assert unit.name == "BE-Vie"
    assert len(unit.time) == 365
    with (published / FILE).open() as handle:
        rows = [row for row in csv.DictReader(handle) if row["time"].startswith("2014-07-01")]
    day = int(np.flatnonzero(unit.time == np.datetime64("2014-07-01"))[0])
    mean = {name: np.mean([float(row[name]) for row in rows]) for name in ("gpp_fluxnet", "tc", "vpd", "ppfd")}
    assert len(rows) == 48
    assert unit.values["gpp"][day] == pytest.approx(1.0377504 * mean["gpp_fluxnet"], rel=1e-6)
    assert unit.values["temperature"][day] == pytest.approx(mean["tc"], rel=1e-6)
    assert unit.values["vapour_pressure_deficit"][day] == pytest.approx(mean["vpd"] / 100, rel=1e-6)
    assert unit.values["shortwave"][day] == pytest.approx(mean["ppfd"] / 4.57 / 0.45, rel=1e-6)
    assert unit.values["qc"][day] == 1


def small(folder, change=None):
    lines = ["time,ppfd,vpd,tc,co2,gpp_fluxnet"]
    start = np.datetime64("2014-01-01T00:00")
    for number in range(96):
        stamp = str(start + np.timedelta64(30 * number, "m")).replace("T", " ")
        lines.append(f"{stamp}:00,100,500,10,400,{'' if 48 <= number < 57 else 2}")
    (folder / FILE).write_text("\n".join(change(lines) if change else lines) + "\n")


def test_a_day_needs_forty_half_hours(tmp_path):
    small(tmp_path)
    (unit,) = read_half_hours(tmp_path, {}, counts=Counter())
    assert unit.values["gpp"][0] == pytest.approx(2 * 1.0377504)
    assert np.isnan(unit.values["gpp"][1])  # 39 half-hours
    assert np.isnan(unit.values["qc"][1])
    (unit,) = read_half_hours(tmp_path, {"fewest": 39}, counts=Counter())
    assert unit.values["qc"][1] == pytest.approx(39 / 48)


def test_broken_tables_are_told(tmp_path):
    with pytest.raises(StageError, match="not there"):
        list(read_half_hours(tmp_path, {}, counts=Counter()))
    for change, match in (
        (lambda lines: [lines[0].replace("tc,", "t,"), *lines[1:]], "no column tc"),
        (lambda lines: [*lines, lines[5]], "half-hours, each once"),
        (lambda lines: [*lines[:-1], lines[-1].replace(",10,", ",warm,")], "every field is a number"),
    ):
        small(tmp_path, change)
        with pytest.raises(StageError, match=match):
            list(read_half_hours(tmp_path, {}, counts=Counter()))
