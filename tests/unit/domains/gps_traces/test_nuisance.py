"""Nuisance: noise, tunnels, spikes, repeated times, shares."""

from collections import Counter

import numpy as np
import pytest
from landbridge.domains.gps_traces import nuisance
from landbridge.domains.gps_traces.cities import read_city


def still(seconds):
    return nuisance.Track(np.full(seconds + 1, 37.0), np.full(seconds + 1, -121.0), np.zeros(seconds))


def plain(**changes):
    own = {**vars(read_city("b").nuisance), "spike_share": 0.0, "duplicate_share": 0.0, **changes}
    return nuisance.Nuisance(**own)


def test_noise_is_the_sum_of_white_and_slow():
    track = still(200_000)
    seconds = np.arange(200_000.0)
    fixes = nuisance.observe(track, seconds, plain(), np.random.default_rng(8))
    north = (fixes.latitude - 37) * 111_194.93
    east = (fixes.longitude + 121) * 111_194.93 * np.cos(np.radians(37))
    for axis in (north, east):
        assert axis.std() == pytest.approx(np.hypot(4, 12), rel=0.05)
        assert np.diff(axis).std() == pytest.approx(np.sqrt(2 * 16 + 2 * 144 * (1 - np.exp(-1 / 90))), rel=0.05)


def test_noise_is_three_times_as_strong_at_the_mouth_of_a_tunnel():
    seconds = np.arange(0, 100_000.0)
    tunnels = [(1000 * n, 1000 * n + 100) for n in range(1, 100)]
    fixes = nuisance.observe(still(100_000), seconds, plain(), np.random.default_rng(9), tunnels=tunnels)
    mouth = np.zeros(len(fixes.seconds), bool)
    for first, last in tunnels:
        assert not ((fixes.seconds > first) & (fixes.seconds < last)).any()
        mouth |= (fixes.seconds > first - 30) & (fixes.seconds < last + 30)
    north = fixes.latitude - 37
    assert north[mouth].std() / north[~mouth].std() == pytest.approx(3, rel=0.2)


def test_spikes_reach_from_200_to_3000_metres_and_repeated_times_follow_each_other():
    own = plain(spike_share=0.002, duplicate_share=0.005, white_metres=0.0, slow_metres=0.0)
    fixes = nuisance.observe(still(300_000), np.arange(300_000.0), own, np.random.default_rng(10))
    reach = np.hypot((fixes.latitude - 37) * 111_194.93, (fixes.longitude + 121) * 111_194.93 * np.cos(np.radians(37)))
    spiked = reach[reach > 1]
    assert len(spiked) / len(reach) == pytest.approx(0.002, rel=0.2)
    assert 199 < spiked.min() < 260 and 2900 < spiked.max() < 3010
    assert (np.diff(fixes.seconds) == 0).mean() == pytest.approx(0.005, rel=0.1)
    assert (np.diff(fixes.seconds) >= 0).all()


def test_shares_are_met_to_the_last_piece():
    random = np.random.default_rng(11)
    counts = Counter(nuisance.apportion({"x": 0.6, "y": 0.3, "z": 0.1}, 25, random))
    assert counts == {"x": 15, "y": 8, "z": 2} or counts == {"x": 15, "y": 7, "z": 3}
    assert nuisance.chosen(0.3, 50, random).sum() == 15


def test_a_gap_lies_inside_its_leg_and_a_leg_too_short_for_it_has_none():
    random = np.random.default_rng(12)
    drawn = np.array([nuisance.gap(1000, 1400, (60, 600), random) for _ in range(2000)])
    length = drawn[:, 1] - drawn[:, 0]
    assert drawn.min() >= 1015 and drawn.max() <= 1385
    assert length.min() >= 60 and 290 < length.max() <= 300
    assert nuisance.gap(1000, 1070, (60, 300), random) == (1000, 1000)
