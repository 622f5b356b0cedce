"""REDD's layout: known answers on files made by hand, and what becomes of every kind of fault."""

import numpy as np
import pytest
from landbridge.domains.smart_meters import text, units
from landbridge.domains.smart_meters.appliances import APPLIANCES
from landbridge.stage import StageError

from tests.unit.domains.smart_meters.made import START, equal_units, lines_of, read, steady, write_house

LABELS = {1: "mains", 2: "mains", 3: "refrigerator", 4: "furance", 5: "washer_dryer", 6: "washer_dryer"}
HOUR = 3600


def house(folder, number=1, labels=LABELS, **channels):
    own = {1: steady(100, HOUR), 2: steady(250, HOUR), 3: steady(120, HOUR), 4: steady(9, HOUR)}
    own |= {5: steady(1000, HOUR), 6: steady(1500, HOUR)}
    own |= {int(name[1:]): rows for name, rows in channels.items()}
    return write_house(folder, number, labels, {key: rows for key, rows in own.items() if rows is not None})


def only(folder, **settings):
    found, counts = read("redd", folder, **settings)
    (unit,) = found.values()
    return unit, counts


def test_a_home(tmp_path):
    unit, counts = only(house(tmp_path))
    assert unit.name == "redd_1"
    assert len(unit.time) == 61  # the last reading fills the minute after it
    assert unit.time[0] == np.datetime64(START, "s")
    assert set(np.diff(unit.time).astype(int).tolist()) == {60}
    names = list(APPLIANCES)
    assert list(unit.values) == [
        *("mains", "mains_unclipped", "hour_sine", "hour_cosine"),
        *names,
        *(f"{name}_on" for name in names),
    ]
    assert all(values.dtype == np.float32 for values in unit.values.values())
    assert set(unit.values["mains"].tolist()) == {350}
    assert set(unit.values["fridge"].tolist()) == {120}
    assert set(unit.values["washing_machine"].tolist()) == {2500}
    assert unit.values["fridge_on"].tolist() == unit.values["washing_machine_on"].tolist() == [1] * 61
    assert np.isnan(unit.values["kettle"]).all()
    assert np.isnan(unit.values["kettle_on"]).all()
    assert unit.static == {
        "home": "redd_1",
        "country": "US",
        "power_type": "apparent",
        "zone": "America/New_York",
        "status_policy": "fine",
        "shared": "",
        "kettle_absent": 1.0,
        "microwave_absent": 1.0,
        "fridge_absent": 0.0,
        "dishwasher_absent": 1.0,
        "washing_machine_absent": 0.0,
    }
    assert counts["channels not opened: furance"] == 1
    angle = np.arctan2(unit.values["hour_sine"][0], unit.values["hour_cosine"][0]) * 24 / (2 * np.pi)
    assert angle % 24 == pytest.approx(20, abs=1e-5)  # midnight UTC in May


# What the published homes have, as labels.dat writes it
PUBLISHED = {
    1: {"fridge": (5,), "dishwasher": (6,), "washing_machine": (10, 19, 20), "microwave": (11,)},
    3: {"fridge": (7,), "dishwasher": (9,), "washing_machine": (13, 14), "microwave": (16,)},
    4: {"washing_machine": (7,), "dishwasher": (15,)},
}
WORDS = {"fridge": "refrigerator", "dishwasher": "dishwaser", "washing_machine": "washer_dryer"}


@pytest.mark.parametrize("number", PUBLISHED)
def test_the_published_channels(tmp_path, number):
    labels, channels, sums = {1: "mains", 2: "mains"}, {1: steady(50, HOUR), 2: steady(50, HOUR)}, {}
    for name, numbers in PUBLISHED[number].items():
        for channel in numbers:
            labels[channel] = WORDS.get(name, name)
            channels[channel] = steady(10 + channel, HOUR)
        sums[name] = sum(10 + channel for channel in numbers)
    unit, _ = only(write_house(tmp_path, number, labels, channels))
    for name in APPLIANCES:
        assert unit.static[f"{name}_absent"] == float(name not in sums)
        if name in sums:
            assert set(unit.values[name].tolist()) == {sums[name]}


def test_mains_need_both_phases_at_the_fine_step(tmp_path):
    unit, _ = only(house(tmp_path, c2=[row for row in steady(250, HOUR) if not START + 600 <= row[0] < START + 900]))
    left = (unit.time.astype(int) - START) // 60
    assert 10 in left  # filled for 60 s after the last reading at 590
    assert not set(range(11, 15)) & set(left.tolist())
    assert set(unit.values["mains"].tolist()) == {350}


def test_a_channel_that_labels_name_and_that_is_not_there(tmp_path):
    unit, counts = only(house(tmp_path, c6=None))
    assert np.isnan(unit.values["washing_machine"]).all()
    assert unit.static["washing_machine_absent"] == 0.0
    assert counts["left out: washing_machine of redd_1, channel_6 is not there"] == 1
    (tmp_path / "house_1" / "channel_2.dat").unlink()
    with pytest.raises(StageError, match=r"redd_1: channel_2.dat is not there, and the mains are the sum of"):
        only(tmp_path)


def test_an_appliance_that_is_missing_is_nan_while_the_mains_go_on(tmp_path):
    unit, _ = only(house(tmp_path, c3=steady(120, 600)))
    fridge = unit.values["fridge"]
    assert len(fridge) == 61
    assert np.isnan(fridge[11:]).all()
    assert np.isnan(unit.values["fridge_on"][11:]).all()
    assert not np.isnan(unit.values["mains"]).any()


def test_a_gap_of_a_month(tmp_path):
    late = START + 31 * 86400 + 40
    rows = {f"c{number}": steady(100, 600) + steady(100, 600, late) for number in (1, 2, 3, 5, 6)}
    unit, counts = only(house(tmp_path, **rows))
    assert counts["steps"] == len(unit.time) == 11 + 10
    assert counts["left out: steps without mains"] == (unit.time[-1] - unit.time[0]).astype(int) // 60 + 1 - 21
    assert set((unit.time.astype(int) % 60).tolist()) == {0}


def test_a_fill_goes_on_across_the_border_of_a_block_before_a_gap(tmp_path):
    start = START + units.BLOCK_DAYS * 86400 - 600
    rows = {f"c{number}": steady(100, 600, start) for number in (1, 2, 3, 5, 6)}
    unit, _ = only(house(tmp_path, **rows))
    assert len(unit.time) == 11
    assert unit.time[-1].astype(int) == START + units.BLOCK_DAYS * 86400


def test_watts_below_five_are_none_and_high_ones_are_cut(tmp_path):
    unit, _ = only(house(tmp_path, c1=steady(9000, HOUR), c3=steady(4.9, HOUR), c5=steady(4000, HOUR)))
    assert set(unit.values["mains"].tolist()) == {6000}
    assert set(unit.values["mains_unclipped"].tolist()) == {9250}
    assert set(unit.values["fridge"].tolist()) == {0}
    assert set(unit.values["washing_machine"].tolist()) == {3500}
    unit, _ = only(tmp_path, clip_mains=10_000)
    assert set(unit.values["mains"].tolist()) == {9250}


def test_negative_and_absurd_watts(tmp_path):
    rows = steady(100, HOUR)
    rows[100], rows[200] = (rows[100][0], -30), (rows[200][0], 99_999)
    unit, counts = only(house(tmp_path, c1=rows))
    assert counts["dropped: mains of redd_1 negative"] == 1
    assert counts["dropped: mains of redd_1 above 20 kW"] == 1
    assert set(unit.values["mains"].tolist()) == {350}  # filled from 10 s before


def test_a_clock_that_goes_backwards(tmp_path):
    rows = steady(100, HOUR)
    rows[5:5] = [(rows[4][0] - 30, 400)]
    unit, counts = only(house(tmp_path, c3=rows))
    assert counts["sorted: readings older than one before"] == 1
    assert counts["averaged: readings of a time that repeats"] == 1
    assert unit.values["fridge"][0] == pytest.approx((100 * 5 + 250) / 6)
    far = [*steady(100, 2 * HOUR), (START + 2 * HOUR - 10 - 3601, 7), *steady(100, HOUR, START + 2 * HOUR)]
    with pytest.raises(StageError, match=r"house_1/channel_3.dat, line 721: .* is 3601 s older"):
        only(house(tmp_path, c3=far))


def test_times_that_repeat_are_averaged(tmp_path):
    unit, counts = only(house(tmp_path, c3=[row for row in steady(0, HOUR) for row in ((row[0], 100), (row[0], 140))]))
    assert set(unit.values["fridge"].tolist()) == {120}
    assert counts["averaged: readings of a time that repeats"] == 360


def test_a_last_line_that_is_cut(tmp_path):
    unit, counts = only(house(tmp_path, c3=lines_of(steady(120, HOUR)) + b"14000292"))
    assert counts["dropped: last line, cut"] == 1
    assert set(unit.values["fridge"].tolist()) == {120}


def test_mixed_line_ends(tmp_path):
    rows = steady(120, HOUR)
    first, _ = only(house(tmp_path / "a", c3=rows))
    second, _ = only(house(tmp_path / "b", c3=lines_of(rows[:100], "\r\n") + lines_of(rows[100:])))
    equal_units(first, second)


def test_homes_without_files_or_rows_are_left_out_and_counted(tmp_path):
    house(tmp_path)
    (tmp_path / "house_2").mkdir()
    house(tmp_path, 3, c1=[])
    found, counts = read("redd", tmp_path)
    assert list(found) == ["redd_1"]
    assert counts["homes"] == 3
    assert counts["homes without a file, left out"] == 1
    assert counts["homes without mains, left out"] == 1


def test_homes_and_prefix_are_chosen(tmp_path):
    for number in (1, 2, 11):
        house(tmp_path / "low_freq", number)
    found, _ = read("redd", tmp_path, prefix="twin_us", homes=[11, 2])
    assert list(found) == ["twin_us_2", "twin_us_11"]
    with pytest.raises(StageError, match=r"homes \[3\] are not in"):
        read("redd", tmp_path, homes=[3])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (None, "labels.dat: not there"),
        ("1 mains\nx\n", "line 2: 'x' is no label"),
        ("1 mains\n1 mains\n", "line 2: channel 1 is named a second time"),
        ("3 refrigerator\n", "names no channel mains"),
    ],
)
def test_labels_that_cannot_be_used(tmp_path, labels, message):
    with pytest.raises(StageError, match=message):
        only(house(tmp_path, labels=labels))


def test_folders_that_cannot_be_used(tmp_path):
    (tmp_path / "redd.h5").touch()
    with pytest.raises(StageError, match=r"holds no folder house_<N>; redd.h5 is of another packing"):
        read("redd", tmp_path)
    house(tmp_path)
    write_house(tmp_path, 1, LABELS, {}, name="House{}")
    with pytest.raises(StageError, match="house 1 is in House1 too"):
        read("redd", tmp_path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 60}, "steps is not known"),
        ({"step": 45}, "step is 45 and fine is 10"),
        ({"step": 0}, "step is 0; write whole seconds"),
        ({"fine": 7}, "step is 60 and fine is 7"),
        ({"clip_mains": True}, "clip_mains is True"),
        ({"keep_shared": 1}, "keep_shared is 1"),
        ({"homes": 3}, "homes is 3"),
        ({"prefix": ""}, "prefix is ''"),
        ({"fill": -1}, "fill is -1"),
    ],
)
def test_settings_that_cannot_be_used(tmp_path, settings, message):
    with pytest.raises(StageError, match=message):
        read("redd", house(tmp_path), **settings)


def noisy(seed, days):
    random = np.random.default_rng(seed)
    steps = (0, 1, 3, 8, 40, 70, 1000)  # s
    time = (
        START - 5000 + np.cumsum(random.choice(steps, days * 86400 // 12, p=(0.05, 0.2, 0.35, 0.3, 0.06, 0.035, 0.005)))
    )
    level = np.repeat(random.choice([0, 15, 90, 300, 2200], len(time) // 60 + 1), 60)[: len(time)]
    order = np.argsort(time + random.integers(0, 20, len(time)), kind="stable")
    return list(zip(time[order].tolist(), (level + random.uniform(0, 4, len(time)))[order].tolist(), strict=True))


@pytest.mark.parametrize("fine", [6, 10, 60])
def test_blocks_give_what_the_whole_gives(tmp_path, monkeypatch, fine):
    labels = {**LABELS, 4: "dishwaser", 7: "microwave"}
    house(tmp_path, labels=labels, **{f"c{number}": noisy(number, 5) for number in range(1, 8)})
    monkeypatch.setattr(units, "BLOCK_DAYS", 1000)
    whole, counts = only(tmp_path, fine=fine)
    assert len(whole.time) > 1000
    assert {0.0, 1.0} <= set(whole.values["dishwasher_on"].tolist())
    for days, block in ((1, 30_000), (2, 200_000)):
        monkeypatch.setattr(units, "BLOCK_DAYS", days)
        monkeypatch.setattr(text, "BLOCK", block)
        parts, others = only(tmp_path, fine=fine)
        equal_units(whole, parts)
        assert counts == others


def test_the_grid_stays_regular_across_a_clock_change(tmp_path):
    change = int(np.datetime64("2011-11-06T06:00:00", "s").astype(int))
    rows = {f"c{number}": steady(100, 4 * HOUR, change - 2 * HOUR) for number in (1, 2, 3, 5, 6)}
    unit, _ = only(house(tmp_path, **rows))
    assert set(np.diff(unit.time).astype(int).tolist()) == {60}
    hour = np.arctan2(unit.values["hour_sine"], unit.values["hour_cosine"]) * 24 / (2 * np.pi) % 24
    assert hour[118:122] == pytest.approx([1 + 58 / 60, 1 + 59 / 60, 1, 1 + 1 / 60], abs=1e-4)
