"""REFIT's layout: known answers on files made by hand, and what becomes of every kind of fault."""

import numpy as np
import pytest
from landbridge.domains.smart_meters import text, units
from landbridge.domains.smart_meters.appliances import APPLIANCES
from landbridge.domains.smart_meters.homes import REFIT, refit_home
from landbridge.stage import StageError

from tests.unit.domains.smart_meters.made import REFIT_HEADER, START, equal_units, read, refit_row, write_refit

HOUR = 3600
# Columns of kettle, microwave, dishwasher, washing machine, fridge, as the brief of the data set prints them.
TABLE = """
1 - - 6 5 1 | 11 7 6 4 3 2
2 8 5 3 2 1 | 12 4 3 - - 1
3 9 8 5 6 2 | 13 9 8 4 3 -
4 9 8 - 4,5 3 | 15 8 7 4 3 1
5 8 7 4 3 1 | 16 - - 6 5 1
6 7 6 3 2 - | 17 8 7 - 4 2
7 9 - 6 5 1 | 18 - 9 6 5 3
8 9 8 - 4 1 | 19 5 4 - 2 1
9 7 6 4 3 1 | 20 9 8 5 4 1
10 - 8 6 5 4 | 21 7 - 4 3 1
"""


def table():
    cells = [half.split() for line in TABLE.strip().splitlines() for half in line.split("|")]
    order = ("kettle", "microwave", "dishwasher", "washing_machine", "fridge")
    return {
        int(number): {
            name: tuple(map(int, cell.split(","))) for name, cell in zip(order, own, strict=True) if cell != "-"
        }
        for number, *own in cells
    }


def rows_of(seconds=HOUR, period=8, mains=500, **appliances):
    return [refit_row(START + second, mains, **appliances) for second in range(0, seconds, period)]


def test_the_table_of_houses():
    assert sorted(REFIT) == [number for number in range(1, 22) if number != 14]
    assert {number: refit_home(number).meters for number in REFIT} == table()


@pytest.mark.parametrize("number", REFIT)
def test_every_house(tmp_path, number):
    found, _ = read("refit", write_refit(tmp_path, number, rows_of(**{f"a{n}": 10 * n for n in range(1, 10)})))
    unit = found[f"refit_{number}"]
    shared = {5: "microwave", 21: "kettle"}.get(number, "")
    assert unit.static["shared"] == shared
    assert unit.static["power_type"] == "active"
    for name in APPLIANCES:
        columns = table()[number].get(name)
        assert unit.static[f"{name}_absent"] == float(columns is None)
        if columns is None or name == shared:
            assert np.isnan(unit.values[name]).all()
        else:
            assert set(unit.values[name].tolist()) == {10 * sum(columns)}


def test_rows_with_issues_are_missing_up_to_the_next_row(tmp_path):
    rows = [*rows_of(600), refit_row(START + 600, 9000, 1), refit_row(START + 660, 500, a1=100)]
    found, counts = read("refit", write_refit(tmp_path, 2, rows))
    (unit,) = found.values()
    assert counts["masked: readings"] == 1
    assert ((unit.time.astype(int) - START) // 60).tolist() == [*range(10), 11]  # no fill across minute 10
    assert set(unit.values["mains"].tolist()) == {500}


def test_negative_absurd_and_empty_readings_are_missing_alone(tmp_path):
    rows = rows_of(600, a1=100, a2=200)
    rows[10] = refit_row(START + 80, -4, a1=100, a2=200)
    rows[20] = refit_row(START + 160, 500, a1=30_000, a2="")
    found, counts = read("refit", write_refit(tmp_path, 2, rows))
    (unit,) = found.values()
    assert counts["dropped: mains of refit_2 negative"] == 1
    assert counts["dropped: fridge above 20 kW"] == 1
    assert set(unit.values["mains"].tolist()) == {500}
    assert set(unit.values["fridge"].tolist()) == {100}
    assert set(unit.values["washing_machine"].tolist()) == {200}


def test_a_second_header_and_mixed_line_ends(tmp_path):
    rows = rows_of(a1=100)
    first, _ = read("refit", write_refit(tmp_path, 2, rows))
    again = [*rows[:50], REFIT_HEADER, *rows[50:]]
    second, counts = read("refit", write_refit(tmp_path, 2, again))
    assert counts["dropped: header line that comes again"] == 1
    equal_units(first["refit_2"], second["refit_2"])
    data = "".join(row + ("\r\n" if at % 3 else "\n") for at, row in enumerate([REFIT_HEADER, *again])).encode()
    third, counts = read("refit", write_refit(tmp_path, 2, data))
    assert counts["dropped: header line that comes again"] == 1
    equal_units(first["refit_2"], third["refit_2"])


@pytest.mark.parametrize("cut", [1, 2, 3, 10, 40])
def test_a_last_line_that_is_cut(tmp_path, cut):
    rows = rows_of(a1=100)
    path = write_refit(tmp_path, 2, [*rows, rows[-1]]) / "CLEAN_House2.csv"
    path.write_bytes(path.read_bytes()[:-cut])
    found, counts = read("refit", tmp_path)
    assert counts["dropped: last line, cut"] == 1
    assert counts["readings"] == len(rows)
    assert set(found["refit_2"].values["fridge"].tolist()) == {100}


def test_a_broken_line_is_refused_with_its_number(tmp_path):
    rows = rows_of()
    rows[7] = rows[7][:30]
    with pytest.raises(StageError, match=r"CLEAN_House2.csv, line 9: '.*has 2 fields; 13 fields are wanted"):
        read("refit", write_refit(tmp_path, 2, rows))


def test_a_clock_that_goes_backwards(tmp_path):
    near = [*rows_of(), refit_row(START + 8, 500), *rows_of()[1:]]
    with pytest.raises(StageError, match=r"CLEAN_House2.csv, line 901: the time .* is 3601 s older"):
        read("refit", write_refit(tmp_path, 2, [*rows_of(7200)[:-1], refit_row(START + 7184 - 3601, 1), *rows_of()]))
    found, counts = read("refit", write_refit(tmp_path, 2, near))
    assert counts["sorted: readings older than one before"] == 449
    assert counts["averaged: readings of a time that repeats"] == 450
    assert set(found["refit_2"].values["mains"].tolist()) == {500}


def test_times_that_repeat_are_averaged(tmp_path):
    rows = [refit_row(START + second, mains) for second in range(0, 600, 10) for mains in (400, 500)]
    found, counts = read("refit", write_refit(tmp_path, 2, rows))
    assert set(found["refit_2"].values["mains"].tolist()) == {450}
    assert counts["averaged: readings of a time that repeats"] == 60


def test_unix_is_the_time_whatever_the_text_says(tmp_path):
    rows = [f"1999-01-01 00:00:00{row[19:]}" for row in rows_of()]
    found, _ = read("refit", write_refit(tmp_path, 2, rows))
    assert found["refit_2"].time[0].astype(int) == START


def test_empty_files_are_left_out_and_counted(tmp_path):
    write_refit(tmp_path, 1, b"")
    write_refit(tmp_path, 2, [])
    write_refit(tmp_path, 3, rows_of())
    found, counts = read("refit", tmp_path)
    assert list(found) == ["refit_3"]
    assert counts["homes without mains, left out"] == 2


def test_other_names_and_the_lack_of_issues(tmp_path):
    header = REFIT_HEADER.removesuffix(",Issues")
    rows = [row.rsplit(",", 1)[0] for row in rows_of()]
    (tmp_path / "refit").mkdir()
    write_refit(tmp_path / "refit", 20, rows, "House_{}.csv", header=header)
    found, counts = read("refit", tmp_path, prefix="twin_uk")
    assert list(found) == ["twin_uk_20"]
    assert counts["files without the column Issues"] == 1
    write_refit(tmp_path / "refit", 20, rows_of())
    with pytest.raises(StageError, match=r"house 20 is in CLEAN_House20.csv too"):
        read("refit", tmp_path)


def test_what_cannot_be_used(tmp_path):
    with pytest.raises(StageError, match=r"holds no CLEAN_House<N>.csv"):
        read("refit", tmp_path)
    write_refit(tmp_path, 2, rows_of(), header=REFIT_HEADER.replace("Appliance8", "Kettle"))
    with pytest.raises(StageError, match=r"line 1: no column Appliance8; the header is Time,Unix"):
        read("refit", tmp_path)
    write_refit(tmp_path, 14, rows_of())
    with pytest.raises(StageError, match=r"CLEAN_House14.csv: REFIT has the houses 1, 2"):
        read("refit", tmp_path, homes=[14])


@pytest.mark.parametrize("seed", range(3))
def test_blocks_give_what_the_whole_gives(tmp_path, monkeypatch, seed):
    random = np.random.default_rng(seed)
    time = START + np.cumsum(random.choice([0, 6, 8, 30, 90, 5000], 8000, p=(0.02, 0.4, 0.4, 0.15, 0.028, 0.002)))
    power = np.repeat(random.choice([0, 12, 90, 2200], (9, 101)), 80, axis=1)
    rows = [
        refit_row(now, 700, int(random.random() < 0.01), **{f"a{n + 1}": power[n, at] for n in range(9)})
        for at, now in enumerate(time)
    ]
    write_refit(tmp_path, 4, rows)
    monkeypatch.setattr(units, "BLOCK_DAYS", 1000)
    whole, counts = read("refit", tmp_path)
    monkeypatch.setattr(units, "BLOCK_DAYS", 1)
    monkeypatch.setattr(text, "BLOCK", 20_000)
    parts, others = read("refit", tmp_path)
    equal_units(whole["refit_4"], parts["refit_4"])
    assert counts == others
