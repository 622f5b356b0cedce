"""The twin in REFIT's layout: files as published, energy that adds up, and every defect in its number."""

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from landbridge.domains.smart_meters.machines import DAY
from landbridge.domains.smart_meters.twin_refit import published_columns

from tests.unit.domains.smart_meters.twins import NUMBERS, drawn, spans, table, write

HOMES, DAYS = 7, 10
HOUSES = [2, 3, 9, 11, 13, 15, 20]
COLUMNS = {house: published_columns(house) for house in NUMBERS["layouts"]["refit"]["houses"]}


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    folder = tmp_path_factory.mktemp("refit") / "clean"
    write(folder, country="b", homes=HOMES, days=DAYS, defects=False)
    return {house: table(folder / f"CLEAN_House{house}.csv") for house in HOUSES}


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("refit") / "spoiled"
    counts = write(folder, country="b", homes=HOMES, days=DAYS)
    assert {path.name for path in folder.iterdir()} == {*(f"CLEAN_House{n}.csv" for n in HOUSES), "truth.parquet"}
    return {house: table(folder / f"CLEAN_House{house}.csv") for house in HOUSES}, counts


def test_header_and_columns_are_the_published_ones(clean):
    for house, (header, rows, _) in clean.items():
        assert header == ["Time", "Unix", "Aggregate", *(f"Appliance{n}" for n in range(1, 10)), "Issues"]
        assert rows.shape[1] == 12 and (rows[:, 1:] >= 0).all() and (rows[:, -1] == 0).all()
        used = {column for column in range(1, 10) if rows[:, 1 + column].any()}
        assert used >= set(COLUMNS[house].values()) and len(used) == len(COLUMNS[house]) + 1


def test_text_is_local_and_unix_is_utc_across_a_clock_change(clean):
    _, rows, text = clean[2]
    zone = ZoneInfo("Europe/London")
    for index in range(0, len(rows), 97):
        local = datetime.fromtimestamp(int(rows[index, 0]), zone)
        assert text[index] == local.strftime("%Y-%m-%d %H:%M:%S")
    assert text[0].startswith("2014-03-22 00:00:")
    assert any(line.startswith("2014-03-30 00:5") for line in text)
    assert not any(line.startswith("2014-03-30 01:") for line in text)
    assert (np.diff(rows[:, 0]) > 0).all()


def test_rows_stand_where_something_changes_and_at_most_forty_seconds_apart(clean):
    for _, rows, _ in clean.values():
        steps = np.diff(rows[:, 0])
        assert steps.min() >= 6 and steps.max() <= 40
        assert 0.15 < len(rows) / (DAYS * DAY / 8) < 0.5  # of the readings


def held(rows, column):
    """W s, each reading held until the next one."""
    return float((np.diff(rows[:, 0]) * rows[:-1, column]).sum())


def test_mains_are_the_active_sum_of_all_machines(clean):
    _, houses = drawn("b", HOMES, DAYS, defects=False)
    for house, (_, rows, _) in clean.items():
        own = houses[house].own
        assert own.power_factor == 1
        assert held(rows, 1) == pytest.approx(own.power(0, DAYS * DAY).sum(), rel=0.01)
        for name, column in COLUMNS[house].items():
            true = own.machines[name].power(0, DAYS * DAY).sum()
            assert held(rows, 1 + column) == pytest.approx(true, rel=0.01), (house, name)


def test_machines_that_the_house_lacks_are_not_in_its_mains(clean):
    _, houses = drawn("b", HOMES, DAYS, defects=False)
    assert "fridge" not in houses[13].own.machines and "kettle" in houses[13].own.machines


def test_rows_are_repeated_marked_and_lost_as_often_as_counted(clean, spoiled):
    tables, counts = spoiled
    for house, (_, rows, _) in tables.items():
        own = counts[str(house)]
        steps = np.diff(rows[:, 0])
        assert (steps >= 0).all() and len(rows) == own["rows"]
        again = np.flatnonzero(steps == 0)
        assert len(again) == own["duplicates"] == pytest.approx(0.003 * len(rows), abs=2)
        assert (rows[again, 1] != rows[again + 1, 1]).mean() > 0.95  # an aggregate of 0 has no lower neighbour
        first = np.concatenate([[True], steps > 0])
        assert rows[first, -1].sum() == own["issues"]
        assert own["issues"] / first.sum() == pytest.approx(0.01, abs=0.001)
        assert own["mains_gap_seconds"] == pytest.approx(0.02 * DAYS * DAY, abs=20)
        assert spans(steps > 240) == own["mains_gaps"] == 8
        assert steps[steps > 240].sum() == pytest.approx(0.02 * DAYS * DAY, rel=0.03)


def test_rows_with_an_issue_have_appliances_above_the_mains(spoiled):
    for _, rows, _ in spoiled[0].values():
        marked = rows[(rows[:, -1] == 1) & (rows[:, 2:11].sum(axis=1) > 5)]
        assert len(marked) and (marked[:, 1] < marked[:, 2:11].sum(axis=1) + 3).all()


def test_one_house_has_two_columns_swapped_for_one_local_day(clean, spoiled):
    tables, counts = spoiled
    assert sum(own["swapped_days"] for own in counts.values()) == 1
    house = next(int(name) for name, own in counts.items() if own["swapped_days"])
    one, other = (1 + COLUMNS[house][name] for name in ("dishwasher", "washing_machine"))
    _, true, _ = clean[house]
    _, rows, text = tables[house]
    _, first, second = np.intersect1d(true[:, 0], rows[:, 0], return_indices=True)
    differs = (np.abs(true[first][:, [one, other]] - rows[second][:, [one, other]]) > 20).any(axis=1)
    swapped = (np.abs(true[first][:, [one, other]] - rows[second][:, [other, one]]) <= 20).all(axis=1)
    days = {text[index][:10] for index in second[differs & swapped]}
    assert len(days) == 1
    during = np.array([text[index].startswith(next(iter(days))) for index in second])
    assert swapped[during].mean() > 0.97


def test_meters_repeat_themselves_and_lose_readings_as_often_as_counted(clean, spoiled):
    tables, counts = spoiled
    for house, (_, rows, _) in tables.items():
        own = counts[str(house)]
        assert own["stale_episodes"] == DAYS and own["zeroed"] == 2 * DAYS
        if own["swapped_days"]:
            continue
        _, true, _ = clean[house]
        _, first, second = np.intersect1d(true[:, 0], rows[:, 0], return_indices=True)
        was, now = true[first][:, 2:11], rows[second][:, 2:11]
        # Readings that were set to 0, but for those of rows which stand only because a stale meter changed.
        assert own["zeroed"] * 0.7 <= ((was > 5) & (now == 0)).sum() <= own["zeroed"] * 1.6
        stale = (np.abs(was - now) > 30) & (now > 5)
        assert stale.any() and stale.sum() < DAYS * 20 * 60 / 6


def test_drift_and_clock_change_are_counted(spoiled):
    _, counts = spoiled
    assert sum(own["replaced_dishwashers"] for own in counts.values()) == 1
    assert all(own["clock_changes"] == 1 for own in counts.values())


def test_a_record_without_a_clock_change_has_none(tmp_path):
    assert write(tmp_path / "short", country="b", homes=1, days=7, truth=False)["2"]["clock_changes"] == 0


def test_no_appliance_reads_above_four_kilowatts(spoiled):
    for _, rows, _ in spoiled[0].values():
        assert rows[:, 2:11].max() <= 4000
