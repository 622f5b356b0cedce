"""Machines and homes of the twin: known answers, and cycles and counts that keep to what was drawn."""

from datetime import date

import numpy as np
import pytest
from landbridge.domains.smart_meters.household import METERED, calendar, draw_home, profile, read_numbers
from landbridge.domains.smart_meters.machines import DAY, Segments, alternate, one_after_another
from landbridge.prepare.streams import generator

NUMBERS = read_numbers()
DAYS = 60


def homes(country, count, days=DAYS, **settings):
    own = NUMBERS["countries"][country]
    record = calendar(own["first_day"], own["zone"], days)
    return record, [
        draw_home(own, NUMBERS, record, lambda purpose, n=n: generator("test", country, n, purpose), **settings)
        for n in range(count)
    ]


def runs(on):
    """Starts and ends of the true stretches of a boolean array that have a border on either side."""
    edges = np.diff(np.concatenate([[False], on, [False]]).astype(int))
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)


def test_power_is_that_of_a_sum_over_seconds():
    random = np.random.default_rng(1)
    start = random.integers(-50, 500, 200)
    end = start + random.integers(0, 80, 200)
    segments = Segments.of(start, end, random.uniform(1, 3000, 200))
    brute = np.zeros(700)
    for first, last, watts in zip(segments.start, segments.end, segments.watts, strict=True):
        brute[first + 100 : last + 100] += watts
    for begin, finish in ((-100, 600), (0, 500), (37, 38), (250, 260)):
        np.testing.assert_array_equal(segments.power(begin, finish), brute[begin + 100 : finish + 100])


def test_what_is_off_has_exactly_no_power():
    segments = Segments.of(np.arange(0, 1000, 10), np.arange(0, 1000, 10) + 5, np.linspace(0.1, 2800.3, 100))
    assert (segments.power(0, 1000).reshape(-1, 10)[:, 5:] == 0).all()


def test_pulses_end_with_the_run():
    pulses = alternate(np.array([0, 10_000]), np.array([35 * 60, 20]), (12, 4), 350)
    assert (pulses.end - pulses.start).sum() == 131 * 12 + 4 + 12 + 4
    assert pulses.end.max() == 10_020


def test_a_use_waits_for_the_one_before():
    assert one_after_another(np.array([100, 0, 5]), np.array([10, 20, 5])).tolist() == [0, 10, 100]
    assert one_after_another(np.zeros(0, np.int64), np.zeros(0, np.int64)).tolist() == []


def test_local_days_follow_the_clock_change():
    record = calendar(date(2014, 3, 28), "Europe/London", 4)
    assert np.diff(record.midnights).tolist() == [DAY, DAY, 23 * 3600]
    assert record.weekend.tolist() == [False, True, True, False]
    change = record.first + 2 * DAY + 3600  # 2014-03-30 01:00 UTC
    assert record.offset(np.array([change - 1, change])).tolist() == [0, 3600]


@pytest.mark.parametrize("country", ["a", "b"])
def test_homes_have_their_countrys_machines_and_a_sum(country):
    _, (home, *_) = homes(country, 1, days=3)
    assert {"microwave", "fridge", "dishwasher", "washing_machine", "base", "lighting"} <= set(home.machines)
    assert ("kettle" in home.machines) is (country == "b")
    parts = [machine.power(0, 3 * DAY) for machine in home.machines.values()]
    np.testing.assert_allclose(home.power(0, 3 * DAY), np.sum(parts, axis=0))
    assert min(part.min() for part in parts) >= 0


def test_a_home_is_drawn_without_what_it_lacks_and_the_rest_stays():
    _, (whole,) = homes("b", 1, days=3)
    _, (less,) = homes("b", 1, days=3, without={"microwave"})
    assert set(whole.machines) - set(less.machines) == {"microwave"}
    for name, machine in less.machines.items():
        np.testing.assert_array_equal(machine.power(0, DAY), whole.machines[name].power(0, DAY))


@pytest.mark.parametrize("country", ["a", "b"])
def test_fridges_keep_the_cycle_that_was_drawn(country):
    record, found = homes(country, 6)
    duty = float(np.mean(1 - NUMBERS["season"]["fridge"] * record.winter))
    for home in found:
        drawn = home.machines["fridge"].drawn
        power = home.machines["fridge"].power(0, record.length)
        on = np.isclose(power, drawn["watts"], atol=0.1) | (power > 3.9 * drawn["watts"])
        starts, ends = runs(on)
        assert np.mean(ends[1:-1] - starts[1:-1]) == pytest.approx(drawn["on"] * duty, rel=0.1)
        pauses = (starts[1:] - ends[:-1])[~(power[ends[:-1]] > 0)]  # those without a defrost
        assert np.mean(pauses) == pytest.approx(drawn["off"], rel=0.1)
        cycle = drawn["on"] * duty + drawn["off"]
        assert len(pauses) == pytest.approx(record.length / cycle, rel=0.1)
        every = NUMBERS["countries"][country]["machines"]["fridge"]
        defrosting = (np.isclose(power, every["defrost_watts"], atol=0.1) & ~on).sum() / 60
        expected = drawn["defrosts"] * record.length / 3600 / every["defrost_hours"] * every["defrost_minutes"]
        assert defrosting == pytest.approx(expected, rel=0.1)


def test_fridges_start_with_an_inrush():
    _, (home,) = homes("a", 1, days=2)
    fridge = home.machines["fridge"]
    power = fridge.power(0, 2 * DAY)
    starts, ends = runs(power > 3.9 * fridge.drawn["watts"])
    assert set((ends - starts)[1:-1]) == {3} and power.max() == pytest.approx(4 * fridge.drawn["watts"], abs=0.1)


def test_kettles_boil_as_long_and_as_often_as_they_should():
    record, found = homes("b", 4)
    numbers = NUMBERS["countries"]["b"]["machines"]["kettle"]
    lengths, expected = [], 0.0
    for home in found:
        kettle = home.machines["kettle"]
        power = kettle.power(0, record.length)
        assert set(np.unique(power)) == {0, np.round(64 * kettle.drawn["watts"]) / 64}
        lengths += (kettle.legs[0].end - kettle.legs[0].start).tolist()
        expected += home.count_factor * numbers["per_day"] * DAYS
    assert np.median(lengths) == pytest.approx(numbers["median_seconds"], rel=0.1)
    assert np.std(np.log(lengths)) == pytest.approx(numbers["log_deviation"], rel=0.1)
    assert len(lengths) == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize(("country", "minutes"), [("a", 84), ("b", 64)])
def test_dishwashers_run_as_long_as_their_stages(country, minutes):
    record, found = homes(country, 6)
    lengths, expected = [], 0.0
    for home in found:
        starts, ends = runs(home.machines["dishwasher"].power(0, 2 * record.length) > 0)
        lengths += (ends - starts).tolist()
        expected += home.count_factor * DAYS * NUMBERS["countries"][country]["machines"]["dishwasher"]["per_day"]
    assert np.median(lengths) / 60 == pytest.approx(minutes, rel=0.1)
    assert sum(lengths) / 60 / minutes == pytest.approx(expected, rel=0.15)


def test_a_replaced_dishwasher_heats_less_and_longer_from_half_of_the_record_on():
    record, (home,) = homes("b", 1, drifts=True)
    machine = home.machines["dishwasher"]
    power = machine.power(0, 2 * record.length)
    half = record.length // 2
    assert power[:half].max() == pytest.approx(machine.drawn["heat_watts"], abs=0.1)
    late = half + 2 * 3600  # when the last run of the old one has ended
    assert power[late:].max() == pytest.approx(0.8 * machine.drawn["heat_watts"], abs=0.1)
    starts, ends = runs(power > 0)
    before = starts < half
    assert np.median((ends - starts)[~before]) == pytest.approx(1.2 * np.median((ends - starts)[before]), rel=0.1)


def test_washing_machines_heat_turn_and_spin():
    record, (home,) = homes("b", 1)
    machine = home.machines["washing_machine"]
    power = machine.power(0, 2 * record.length)
    starts, ends = runs(np.isclose(power, machine.drawn["heat_watts"], atol=0.1))
    assert set((ends - starts) // 60) == {8, 15, 25}
    for end in ends:
        turning = power[end : end + 45 * 60]
        assert (turning > 0).mean() == pytest.approx(12 / 16, abs=0.01)
        assert turning.max() == pytest.approx(machine.drawn["motor_watts"], abs=0.1)
        spin = power[end + 45 * 60 : end + 53 * 60]
        assert (np.diff(spin) >= 0).all() and spin[-1] == 500


def test_a_dryer_heats_on_two_legs_and_its_drum_turns_on_one():
    record, (home,) = homes("a", 1)
    first, second = (leg.power(0, record.length) for leg in home.machines["washing_machine"].legs)
    starts, ends = runs(second > 0)
    assert set(ends - starts) == {300} and set(second[second > 0]) == {2600}
    assert (first >= second).all()
    motor = home.machines["washing_machine"].drawn["motor_watts"]
    assert set(np.round(first - second, 1)) == {0, round(np.round(64 * motor) / 64, 1)}
    heated = 5 * 5 * 60  # of 40 min, 5 of each 8
    assert (second > 0).sum() % heated == 0


def test_half_of_the_microwaves_uses_are_pulsed_above_a_standby():
    record, found = homes("b", 4)
    shares = []
    for home in found:
        power = home.machines["microwave"].power(0, record.length)
        assert power.min() == 3
        starts, ends = runs(power > 100)
        follows = np.concatenate([[False], starts[1:] - ends[:-1] == 15])
        first = ~follows
        pulsed = np.concatenate([follows[1:], [False]])[first]
        shares.append(pulsed.mean())
    assert np.mean(shares) == pytest.approx(0.5, abs=0.08)


def test_as_many_lamps_burn_as_the_profile_says():
    record, found = homes("a", 6)
    numbers = NUMBERS["countries"]["a"]["machines"]["lighting"]
    season = np.mean(1 + NUMBERS["season"]["lighting"] * record.winter)
    expected = season * np.mean(numbers["night"] + profile(numbers["peaks"]))
    for home in found:
        legs = home.machines["lighting"].legs[0]
        burning = (legs.end - legs.start).sum() / record.length
        assert burning == pytest.approx(home.count_factor * expected, rel=0.1)
        assert legs.watts.min() >= 40 - 1 / 64 and legs.watts.max() <= 60 + 1 / 64


def test_who_is_away_uses_less_by_day_on_weekdays_alone():
    record, found = homes("b", 20)
    shares = {True: [], False: []}
    for home in found:
        start = home.machines["kettle"].legs[0].start
        day = np.searchsorted(record.midnights, start, side="right") - 1
        hour = (start - record.midnights[day]) / 3600
        inside = (hour >= 9.5) & (hour < 17)
        shares[home.away].append([inside[~record.weekend[day]].mean(), inside[record.weekend[day]].mean()])
    away, present = (np.mean(shares[kind], axis=0) for kind in (True, False))
    assert away[0] < present[0] / 2 and away[1] == pytest.approx(present[1], abs=0.07)


def test_the_five_appliances_are_known():
    assert METERED == ("kettle", "microwave", "fridge", "dishwasher", "washing_machine")
