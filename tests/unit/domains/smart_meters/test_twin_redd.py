"""The twin in REDD's layout: files as published, energy that adds up, and every defect in its number."""

import numpy as np
import pytest
from landbridge.domains.smart_meters.machines import DAY
from landbridge.domains.smart_meters.twin_redd import plan_defects

from tests.unit.domains.smart_meters.twins import NUMBERS, channel, drawn, write

HOMES, DAYS = 4, 12
LAYOUT = NUMBERS["layouts"]["redd"]


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    folder = tmp_path_factory.mktemp("redd") / "clean"
    write(folder, country="a", homes=HOMES, days=DAYS, defects=False)
    return folder


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("redd") / "spoiled"
    return folder, write(folder, country="a", homes=HOMES, days=DAYS)


def labels(folder, house):
    rows = [line.split(" ") for line in (folder / f"house_{house}" / "labels.dat").read_text().splitlines()]
    assert [int(number) for number, _ in rows] == list(range(1, len(rows) + 1))
    return [label for _, label in rows]


def channels(folder, house):
    return [channel(folder / f"house_{house}" / f"channel_{n + 1}.dat") for n in range(len(labels(folder, house)))]


def test_folders_hold_labels_and_a_file_for_each_channel(clean):
    assert sorted(path.name for path in clean.iterdir()) == [*(f"house_{n + 1}" for n in range(HOMES)), "truth.parquet"]
    for house in range(1, HOMES + 1):
        names = labels(clean, house)
        assert names[:2] == ["mains", "mains"] and names.count("washer_dryer") == 2 and "kettle" not in names
        files = {path.name for path in (clean / f"house_{house}").iterdir()}
        assert files == {"labels.dat", *(f"channel_{n + 1}.dat" for n in range(len(names)))}
    assert labels(clean, 1).count("oven") == 2 and "miscellaeneous" in labels(clean, 2)
    first = (clean / "house_1" / "channel_1.dat").read_text().splitlines()[0].split(" ")
    assert len(first) == 2 and first[0].isdigit() and len(first[1].split(".")[1]) == 2


def test_readings_come_at_their_steps_with_offset_and_jitter(clean):
    record, _ = drawn("a", HOMES, DAYS, defects=False)
    for house in range(1, HOMES + 1):
        found = channels(clean, house)
        for number, (times, values) in enumerate(found):
            step = 10 if number < 2 else 30
            gaps = np.diff(times)
            assert gaps.min() >= step - 2 and gaps.max() <= step + 2 and gaps.std() > 0.5
            assert times[0] - record.first < step and record.first + DAYS * DAY - times[-1] <= step + 1
            assert values.min() >= 0
        assert np.array_equal(found[0][0], found[1][0]) and np.array_equal(found[2][0], found[3][0])


def test_a_published_step_of_one_second_has_no_jitter(tmp_path):
    write(tmp_path / "fine", country="a", homes=1, days=2, mains_step=1, circuit_step=3, defects=False, truth=False)
    times, _ = channel(tmp_path / "fine" / "house_1" / "channel_1.dat")
    assert set(np.diff(times)) == {1} and len(times) == 2 * DAY
    times, _ = channel(tmp_path / "fine" / "house_1" / "channel_3.dat")
    assert set(np.diff(times)) <= {1, 2, 3, 4, 5}


def energy(times, values):
    """W s, each reading held until the next one."""
    return float((np.diff(times) * values[:-1]).sum())


def test_mains_are_the_apparent_sum_of_all_machines(clean):
    _, houses = drawn("a", HOMES, DAYS, defects=False)
    for house, drawn_house in houses.items():
        one, two = channels(clean, house)[:2]
        active = drawn_house.own.power_factor * (energy(*one) + energy(*two))
        assert active == pytest.approx(drawn_house.own.power(0, DAYS * DAY).sum(), rel=0.01)
        assert 0.92 <= drawn_house.own.power_factor <= 0.98


def test_circuits_hold_the_energy_of_their_machines(clean):
    _, houses = drawn("a", HOMES, DAYS, defects=False)
    machines = {"refrigerator": "fridge", "dishwasher": "dishwasher", "washer_dryer": "washing_machine"}
    for house, drawn_house in houses.items():
        names, found = labels(clean, house), channels(clean, house)
        for label, machine in machines.items():
            own = sum(energy(*rows) for name, rows in zip(names, found, strict=True) if name == label)
            true = drawn_house.own.machines[machine].power(0, DAYS * DAY).sum()
            assert own == pytest.approx(true, rel=0.01), (house, label)


def test_labels_and_homes_are_wrong_as_often_as_counted(clean, spoiled):
    folder, counts = spoiled
    for house in range(1, HOMES + 1):
        own = counts[str(house)]
        assert labels(folder, house).count("dishwaser") == own["misspelt_labels"] == house % 2
        assert ("microwave" in labels(folder, house)) is (house != 4)
        assert own["homes_without_microwave"] == int(house == 4)
        assert "microwave" in labels(clean, house) and "dishwasher" in labels(clean, house)
        assert own["replaced_dishwashers"] == int(house == 3)


def test_rows_lost_and_repeated_are_as_many_as_counted(clean, spoiled):
    folder, counts = spoiled
    for house in (1, 2, 3):  # the fourth has lost a channel
        own = counts[str(house)]
        assert own["outages"] == 1 and own["backward_jumps"] == 1
        assert own["dropouts_mains"] == pytest.approx(15 * DAYS, abs=6)  # the others lie in the outage
        duplicates = rows = lost = 0
        for (true, _), (times, _) in zip(channels(clean, house), channels(folder, house), strict=True):
            steps = np.diff(times)
            assert (steps < 0).sum() == 1 and steps.min() >= -40
            assert (steps == 0).mean() == pytest.approx(0.002, abs=0.0002)
            assert (steps > 5 * 3600).sum() == 1
            duplicates += int((steps == 0).sum())
            rows += len(times)
            lost += len(true) + int((steps == 0).sum()) - len(times)
        assert (duplicates, rows, lost) == (own["duplicate_seconds"], own["rows"], own["rows_lost"])


def test_every_dropout_is_seen_at_steps_of_a_second(tmp_path):
    counts = write(tmp_path / "fine", country="a", homes=1, days=2, mains_step=1, circuit_step=3, truth=False)["1"]
    assert counts["dropouts_mains"] == counts["dropouts_circuits"] == 30 and counts["outages"] == 0
    for number, least in ((1, 8), (3, 8)):
        times, _ = channel(tmp_path / "fine" / "house_1" / f"channel_{number}.dat")
        steps = np.diff(times)
        assert (steps > least).sum() == 30 and steps.max() <= 120 + 6


def test_no_clock_is_off_by_more_than_it_jumps(clean, spoiled):
    folder, _ = spoiled
    (true, _), (times, _) = channels(clean, 1)[0], channels(folder, 1)[0]
    back = int(np.flatnonzero(np.diff(times) < 0)[0])
    assert times[back] - times[back + 1] == pytest.approx(40 - 10, abs=3)
    after = times[back + 1 :]
    assert np.isin(after, true).all()
    early = times[: back + 1]
    early = early[early < early[-1] - 40 - 6 * 3600]
    assert np.isin(early, true).all()


@pytest.mark.parametrize(
    ("days", "outages", "hours"), [(9, 0, 0), (10, 1, 6), (18, 1, 10.8), (60, 3, 36), (365, 3, 219)]
)
def test_outages_do_not_eat_a_short_record(days, outages, hours):
    for seed in range(10):
        planned = plan_defects(LAYOUT, days, np.random.default_rng(seed), counts := {})
        assert counts["outages"] == outages
        mains, circuits = planned.gaps["mains"], planned.gaps["circuits"]
        long = np.diff(mains)[np.diff(mains) > 200]
        assert len(long) == outages and long.sum() <= hours * 3600 + outages
        for gaps in (mains, circuits):
            assert (gaps[1:, 0] > gaps[:-1, 1]).all() and gaps.min() >= 0 and gaps.max() <= days * DAY
        assert not np.isin(mains[:, 0], circuits[:, 0]).all()
        assert not ((mains[:, 0] <= planned.jump) & (mains[:, 1] >= planned.jump)).any()
