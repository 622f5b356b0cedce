"""Order of readings: an hour back is sorted, further is refused; windows are exact whatever the batches."""

from collections import Counter

import numpy as np
import pytest
from landbridge.domains.smart_meters.streams import FAR, LATEST, Stream
from landbridge.domains.smart_meters.text import Batch
from landbridge.stage import StageError


def stream(time, values, batch=1000, masked=None):
    time, values = np.asarray(time, np.int64), np.atleast_2d(np.asarray(values, np.float32))
    masked = np.zeros(len(time), bool) if masked is None else np.asarray(masked, bool)
    parts = [slice(at, at + batch) for at in range(0, len(time), batch)]
    batches = (Batch(np.arange(len(time))[p] + 1, time[p], values[:, p].copy(), masked[p]) for p in parts)
    counts = Counter()
    return Stream(batches, "file", ["mains"] * len(values), counts), counts


def whole(time, values, batch=1000):
    found, counts = stream(time, values, batch)
    return [part.tolist() for part in found.window(-FAR, FAR)], counts


def test_sorted_averaged_and_counted():
    (time, values, _), counts = whole([10, 30, 20, 20, 40], [1, 3, 2, 4, 5])
    assert time == [10, 20, 30, 40]
    assert values == [[1, 3, 3, 5]]
    assert counts["readings"] == 5
    assert counts["sorted: readings older than one before"] == 2
    assert counts["averaged: readings of a time that repeats"] == 1


def test_an_hour_back_and_a_second_more():
    (time, _, _), _ = whole([LATEST, 2 * LATEST, LATEST], [1, 2, 3])
    assert time == [LATEST, 2 * LATEST]
    for batch in (1, 2, 3):
        with pytest.raises(StageError, match="file, line 3: the time 3599 is 3601 s older"):
            whole([LATEST, 2 * LATEST, LATEST - 1], [1, 2, 3], batch)


@pytest.mark.parametrize("time", [-5, 1_400_000_000_000])
def test_a_time_of_another_unit_is_refused(time):
    with pytest.raises(StageError, match=r"file, line 2: .*seconds since 1970"):
        whole([5, time], [1, 2])


def test_negative_and_absurd_watts_are_missing_and_counted():
    (time, values, _), counts = whole([0, 1, 2, 3], [-1, 20_001, 20_000, 0])
    np.testing.assert_array_equal(values, [[np.nan, np.nan, 20_000, 0]])
    assert time == [0, 1, 2, 3]
    assert counts["dropped: mains negative"] == 1
    assert counts["dropped: mains above 20 kW"] == 1


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_rows_inside_the_hour_does_not_matter(seed):
    random = np.random.default_rng(seed)
    time = np.sort(random.integers(0, 50_000, 2000))
    values = random.uniform(0, 3000, (2, 2000)).astype(np.float32)
    order = np.argsort(time + random.integers(0, LATEST // 2, 2000), kind="stable")
    first, _ = whole(time, values)
    for batch in (7, 300):
        other, _ = whole(time[order], values[:, order], batch)
        assert other == first


def test_windows_are_parts_of_the_whole_and_remember_what_may_be_asked_for_again():
    random = np.random.default_rng(2)
    time = np.cumsum(random.integers(0, 30, 5000))
    values = random.uniform(0, 3000, 5000)
    (every, watts, _), _ = whole(time, values)
    every, watts = np.array(every), np.array(watts)
    found, _ = stream(time, values, 90)
    for start in range(0, int(every[-1]), 4000):
        part, power, _ = found.window(start - 1000, start + 5000)
        inside = (every >= start - 1000) & (every < start + 5000)
        np.testing.assert_array_equal(part, every[inside])
        np.testing.assert_array_equal(power, watts[:, inside])
        assert found.next_time(start) == (every[every >= start][0] if (every >= start).any() else FAR)
    assert found.next_time(10**9) == FAR
