"""When an appliance is on, by its power: runs above a threshold, joined over short pauses, without short runs."""

from __future__ import annotations

import math

import numpy as np

from landbridge.domains.smart_meters.appliances import Appliance


def samples(seconds: float, period: float, *, up: bool) -> int:
    """A duration in samples: of being on it is rounded up and at least 1, of being off it is rounded down."""
    return max(1, math.ceil(seconds / period)) if up else math.floor(seconds / period)


def status(power: np.ndarray, threshold: float, least_on: int = 1, least_off: int = 0) -> np.ndarray:
    """On (1), off (0) or unknown (NaN), float32 (n,).

    On is power at or above the threshold; runs with at most `least_off` samples between are one, unless one of these is
    missing; then runs of fewer than `least_on` samples are off.

    Args:
        power: (n,) W; missing is NaN.
        threshold: W.
        least_on, least_off: samples.
    """
    missing = np.isnan(power)
    found = np.zeros(len(power), np.float32)
    edges = np.flatnonzero(np.diff(power >= threshold, prepend=False, append=False))
    starts, stops = edges[::2], edges[1::2]
    if len(starts):
        unknown = np.concatenate([[0], np.cumsum(missing)])
        pause, known = starts[1:] - stops[:-1], unknown[starts[1:]] == unknown[stops[:-1]]
        apart = ~((pause <= least_off) & known)
        starts, stops = starts[np.concatenate([[True], apart])], stops[np.concatenate([apart, [True]])]
        long = stops - starts >= least_on
        change = np.zeros(len(power) + 1, np.int8)
        change[starts[long]] = 1
        change[stops[long]] -= 1
        found = np.cumsum(change[:-1], dtype=np.int8).astype(np.float32)
    found[missing] = np.nan
    return found


def fine_status(power: np.ndarray, appliance: Appliance, period: float) -> np.ndarray:
    """Status of power on a grid of `period` s by the appliance's fine threshold and durations, float32 (n,)."""
    on, off = samples(appliance.least_on, period, up=True), samples(appliance.least_off, period, up=False)
    return status(power, appliance.fine_threshold, on, off)


def minute_status(power: np.ndarray, appliance: Appliance) -> np.ndarray:
    """Status of means of a minute by the appliance's threshold of minutes, without durations, float32 (n,)."""
    return status(power, appliance.minute_threshold)
