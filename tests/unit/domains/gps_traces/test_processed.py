"""Processed tables: trips over the borders of batches, and what becomes of every kind of fault."""

from collections import Counter

import numpy as np
import pytest
from landbridge.domains.gps_traces import processed
from landbridge.domains.gps_traces.readers import READERS
from landbridge.stage import StageError

from tests.unit.domains.gps_traces.described import round_trip

read = READERS["processed_csv"]
HEADER = "time_diff,speed,distance,traj_id,label"


def rows(trip, label, count=20, step=5.0, speed=18.0):
    return [f"{step},{speed + number},{step * (speed + number) / 3.6},{trip},{label}" for number in range(count)]


def write(folder, lines, name="table.csv", header=HEADER):
    (folder / name).write_text("\n".join([header, *lines]) + "\n")
    return folder


def units(folder, **settings):
    counts = Counter()
    return {unit.name: unit for unit in read(folder, settings, counts=counts)}, counts


def test_trips_keep_the_order_of_the_file(tmp_path):
    lines = [*rows("Geolife_010_001", "Car"), *rows("Geolife_2_017", "walk"), *rows("abc-1", "Train")]
    found, counts = units(write(tmp_path, lines))
    assert list(found) == ["Geolife_010_001", "Geolife_2_017", "abc-1"]
    assert [unit.static["user"] for unit in found.values()] == ["010", "002", ""]
    assert [unit.static["mode"] for unit in found.values()] == [2, 4, 3]
    assert [unit.static["mode_detail"] for unit in found.values()] == ["Car", "walk", "Train"]
    assert {unit.static["leakage"] for unit in found.values()} == {"label_filter"}
    assert {unit.static["cleaning"] for unit in found.values()} == {"paper"}
    unit = found["abc-1"]
    assert list(unit.values) == ["speed"]
    assert unit.values["speed"].tolist() == [18.0 + number for number in range(20)]
    assert np.diff(unit.time).astype(int).tolist() == [5000] * 19
    assert unit.time[0] == np.datetime64(0, "ms")
    assert np.isnan(unit.static["start_hour"])
    assert unit.static["start_cell"] == unit.static["route"] == ""
    assert counts["points"] == 60
    assert round_trip(tmp_path / "a.nc", found.values())["leakage"].tolist() == ["label_filter"] * 3


@pytest.mark.parametrize("batch", [200, 333, 1000, 5000, 1 << 20])
def test_a_trip_over_the_border_of_batches_is_whole(tmp_path, monkeypatch, batch):
    lines = []
    for number in range(12):
        lines += rows(f"t{number:02d}", "Bus" if number % 2 else "Bike", 20 + 13 * (number % 4))
    whole, _ = units(write(tmp_path, lines))
    monkeypatch.setattr(processed, "BATCH", batch)
    found, counts = units(tmp_path)
    assert list(found) == list(whole)
    assert counts["points"] == len(lines)
    for name, unit in whole.items():
        np.testing.assert_array_equal(unit.time, found[name].time)
        np.testing.assert_array_equal(unit.values["speed"], found[name].values["speed"])
        assert str(unit.static) == str(found[name].static)


def test_the_memory_of_a_batch_is_let_go(tmp_path, monkeypatch):
    monkeypatch.setattr(processed, "BATCH", 400)
    blocks = list(processed._blocks(write(tmp_path, rows("a", "Bus", 15)) / "table.csv", Counter()))
    assert [block.names for block in blocks] == [["a"]]
    assert len(blocks[0].step) == 15


def test_repeated_times_and_missing_speeds_are_dropped_and_counted(tmp_path):
    lines = rows("a", "Bus")
    lines[4] = "0.0,50,0,a,Bus"
    lines[7] = "5.0,,0,a,Bus"
    lines[9] = "5.0,-3,0,a,Bus"
    (unit,), counts = units(write(tmp_path, lines))[0].values(), units(tmp_path)[1]
    assert len(unit.time) == 17
    assert counts["dropped: repeated time"] == 1
    assert counts["dropped: no speed, or a negative one"] == 2


def test_gaps_start_segments_and_the_published_way_has_none(tmp_path):
    lines = rows("a", "Bus")
    lines[10] = "300.1,30,0,a,Bus"
    write(tmp_path, lines)
    (unit,) = units(tmp_path)[0].values()
    assert np.flatnonzero(np.isnan(unit.values["speed"])).tolist() == [10]
    (unit,) = units(tmp_path, cleaning="paper")[0].values()
    assert np.isfinite(unit.values["speed"]).all()


def test_short_trips(tmp_path):
    lines = [*rows("a", "Bus", 9, 10), *rows("b", "Bus", 13, 4.9), *rows("c", "Bus", 13, 5), *rows("d", "Bus", 2)]
    found, counts = units(write(tmp_path, lines))
    assert list(found) == ["c"]
    assert counts["dropped: trip with too few points"] == 2
    assert counts["dropped: trip shorter than 60 s"] == 1
    assert list(units(tmp_path, cleaning="paper")[0]) == ["a", "b", "c"]


def test_other_columns_and_another_order(tmp_path):
    lines = [",".join(reversed(line.split(","))) + ",x" for line in rows("a", "Bus")]
    assert len(units(write(tmp_path, lines, header="label,traj_id,distance,speed,time_diff,more"))[0]) == 1


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ([*rows("a", "Bus"), *rows("b", "Hovercraft")], "table.csv, row 22: mode 'hovercraft' is not known; write one"),
        ([*rows("a", "Bus"), *rows("a", "Car")], "table.csv, row 22: trip a is Bus and Car"),
        ([*rows("a", "Bus"), "-1,5,0,a,Bus"], "table.csv, row 22: time_diff is -1.0; write seconds"),
        ([*rows("a", "Bus"), ",5,0,a,Bus"], "table.csv, row 22: time_diff is nan"),
        ([*rows("a", "Bus"), "1,5,0,,Bus"], "table.csv, row 22: traj_id is empty"),
        ([*rows("a", "Bus"), "1,5,0,a,"], "table.csv, row 22: label is empty"),
        ([*rows("a", "Bus"), "1,fast,0,a,Bus"], "table.csv: .*fast.*its columns are time_diff"),
        ([*rows("a", "Bus"), "1,5,0,a"], "table.csv: .*its columns are time_diff"),
    ],
)
@pytest.mark.parametrize("batch", [400, 1 << 20])
def test_a_broken_row_is_refused(tmp_path, monkeypatch, lines, text, batch):
    monkeypatch.setattr(processed, "BATCH", batch)
    with pytest.raises(StageError, match=text):
        units(write(tmp_path, lines))


def test_a_missing_column_an_empty_file_and_the_wrong_number_of_tables(tmp_path):
    with pytest.raises(StageError, match=r"holds 0 tables \(none\)"):
        units(tmp_path)
    with pytest.raises(StageError, match="its columns are time_diff and speed"):
        units(write(tmp_path, ["1,2"], header="time_diff,speed"))
    (tmp_path / "table.csv").write_text("")
    with pytest.raises(StageError, match=r"table\.csv: "):
        units(tmp_path)
    write(tmp_path, rows("a", "Bus"))
    write(tmp_path, rows("b", "Bus"), "other.csv")
    (tmp_path / "truth.csv").write_text("unit,mode\na,1\nb,3\n")
    with pytest.raises(StageError, match=r"holds 2 tables \(other.csv, table.csv\); name one"):
        units(tmp_path)
    found, _ = units(tmp_path, file="other.csv")
    assert found["b"].static["mode_truth"] == 3
    with pytest.raises(StageError, match=r"none\.csv: not there"):
        units(tmp_path, file="none.csv")


def test_a_table_without_rows_gives_no_unit(tmp_path):
    assert units(write(tmp_path, []))[0] == {}


def test_resampling_has_no_meaning_here(tmp_path):
    with pytest.raises(StageError, match="resample is not known; write cleaning, region, file"):
        units(write(tmp_path, rows("a", "Bus")), resample=5)
