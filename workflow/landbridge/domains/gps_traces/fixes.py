"""Fixes of phones as arrays: distances, speeds, label intervals, cleaning without labels, and resampling.

Times are int64 milliseconds, places degrees. Nothing here knows a file format or a travel mode.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from landbridge.prepare.groups import central_angle

EARTH_RADIUS = 6_371_000.0  # m, of the sphere
METRES_PER_DEGREE = EARTH_RADIUS * math.pi / 180  # along a meridian
KMH = 3600.0  # m per ms to km/h
FASTEST = 350.0  # km/h; no mode of ground transport is faster
MOST_DROPPED = 3  # fixes in a row that may be too fast before a new segment starts
LONGEST_GAP = 300_000  # ms; a longer one starts a new segment
LEAST_ACCURATE = 200.0  # m; fixes with a larger error are dropped
JOURNEY_GAP = 1_800_000  # ms; trips of one person less than this apart are one journey
CELL = 500.0  # m


def haversine(lat_1: np.ndarray, lon_1: np.ndarray, lat_2: np.ndarray, lon_2: np.ndarray) -> np.ndarray:
    """Distance in m on a sphere of 6,371 km, (n,) or scalar; equal places give exactly 0."""
    return EARTH_RADIUS * central_angle(lat_1, lon_1, lat_2, lon_2)


def in_range(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """(n,) bool: latitude within 90 and longitude within 180 degrees, and not exactly 0, 0."""
    return (np.abs(lat) <= 90) & (np.abs(lon) <= 180) & ((lat != 0) | (lon != 0))


def first_interval(time: np.ndarray, start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each time the first interval, in the order given, that holds it.

    The axis is cut at all starts and ends; of each piece the first interval is found once, and times are sorted into
    the pieces. An interval that ends before it starts holds nothing.

    Args:
        time: (n,) ms.
        start, end: (interval,) ms, both inside the interval.

    Returns:
        (n,) number of the interval, -1 for none, and (n,) number of intervals that hold it.
    """
    edges = np.unique(np.concatenate([start, end + 1]))
    first = np.searchsorted(edges, start)
    size = np.maximum(np.searchsorted(edges, end + 1) - first, 0)
    interval = np.repeat(np.arange(len(start)), size)
    piece = np.arange(len(interval)) + np.repeat(first - (np.cumsum(size) - size), size)
    owner = np.full(len(edges) + 1, len(start))  # the last entry is the time before the first edge
    np.minimum.at(owner, piece, interval)
    cover = np.bincount(piece, minlength=len(edges) + 1)
    place = np.searchsorted(edges, time, side="right") - 1
    found = owner[place]
    return np.where(found == len(start), -1, found), cover[place]


def speeds(trip: np.ndarray, time: np.ndarray, lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """(n,) km/h from the fix before; NaN at the first of each trip.

    Args:
        trip: (n,) number of the trip; equal numbers stand together.
        time: (n,) ms, increasing inside a trip.
    """
    found = np.full(len(time), np.nan)
    step = np.where(trip[1:] == trip[:-1], np.diff(time), np.nan)
    found[1:] = KMH * haversine(lat[:-1], lon[:-1], lat[1:], lon[1:]) / step
    return found


def clean_jumps(trip: np.ndarray, time: np.ndarray, lat: np.ndarray, lon: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Drop fixes that are reached too fast and cut trips at gaps, without a look at any label.

    A fix that is reached at more than 350 km/h is dropped, and the speed of the next is taken from the last kept one;
    after three in a row the next fix is kept and starts a new segment, as does one more than 300 s after the last kept.

    Args:
        trip: (n,) number of the trip; equal numbers stand together.
        time: (n,) ms, increasing inside a trip.

    Returns:
        (n,) bool, which fixes are kept, and (n,) km/h, NaN at the first fix of each segment.
    """
    n = len(time)
    first = np.ones(n, bool)
    first[1:] = trip[1:] != trip[:-1]
    speed = speeds(trip, time, lat, lon)
    speed[1:][np.diff(time) > LONGEST_GAP] = np.nan
    keep = np.ones(n, bool)
    done = -1  # all up to this fix are settled
    for found in np.flatnonzero(speed > FASTEST).tolist():  # few: the rest is settled by the arrays above
        if found <= done:
            continue
        last, at = found - 1, found
        while at < n and not first[at]:
            gap = int(time[at] - time[last])
            here = KMH * float(haversine(lat[last], lon[last], lat[at], lon[at])) / gap
            if gap > LONGEST_GAP or (here > FASTEST and at - found == MOST_DROPPED):
                speed[at] = np.nan
                break
            if here <= FASTEST:
                speed[at] = here
                break
            keep[at] = False
            at += 1
        done = at if at < n and not first[at] else at - 1
    return keep, speed


def resample(
    time: np.ndarray, lat: np.ndarray, lon: np.ndarray, starts: np.ndarray, step: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Places every `step` ms from the first fix of each segment on, on the line between the fixes around.

    Args:
        time: (n,) ms of one trip.
        starts: (n,) bool, first fixes of segments.
        step: ms.

    Returns:
        time, latitude, longitude and speed in km/h (NaN at the first of each segment), each (m,).
    """
    bounds = [*np.flatnonzero(starts).tolist(), len(time)]
    parts = []
    for begin, stop in itertools.pairwise(bounds):
        own = time[begin:stop]
        grid = np.arange(own[0], own[-1] + 1, step)
        east = np.interp(grid, own, np.unwrap(lon[begin:stop], period=360.0))
        place = np.interp(grid, own, lat[begin:stop]), (east + 180) % 360 - 180
        parts.append((grid, *place, speeds(np.zeros(len(grid)), grid, *place)))
    grid, north, east, speed = (np.concatenate(column) for column in zip(*parts, strict=True))
    return grid, north, east, speed


def journeys(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """(trip,) number of the journey from 1 on: trips of one person less than 30 minutes apart.

    Args:
        start, end: (trip,) ms, in any order.
    """
    order = np.lexsort((end, start))
    latest = np.maximum.accumulate(end[order])
    new = np.ones(len(order), np.int64)
    new[1:] = start[order][1:] - latest[:-1] >= JOURNEY_GAP
    found = np.empty(len(order), np.int64)
    found[order] = np.cumsum(new)
    return found


def cell(lat: float, lon: float) -> str:
    """Name of the grid cell of 500 m that holds a place: its row from the equator and its column from Greenwich."""
    row = math.floor(lat * METRES_PER_DEGREE / CELL)
    shrunk = math.cos(math.radians((row + 0.5) * CELL / METRES_PER_DEGREE))
    return f"{row},{math.floor(lon * METRES_PER_DEGREE * shrunk / CELL)}"
