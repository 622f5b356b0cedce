"""What stands between a true track and the fixes in a file: sampling, noise, gaps, tunnels, spikes, repeated times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from landbridge.domains.gps_traces.fixes import EARTH_RADIUS
from landbridge.domains.gps_traces.movement import ornstein_uhlenbeck

PORTAL_SECONDS = 30  # on either side of a tunnel, where its noise is heard
MARGIN_SECONDS = 15  # of a leg at either end, which no gap takes
LARGEST_LOSS = 0.75  # of a leg


@dataclass(frozen=True)
class Sampling:
    """How often a phone writes a fix: every `seconds` (a range), or whenever it has moved by `metres` (a range).

    `shares` holds how common it is, under `share` and, where platforms differ, under their names.
    """

    shares: Mapping[str, float]
    seconds: tuple[int, int] | None
    metres: tuple[float, float] | None

    @property
    def name(self) -> str:
        """As it stands in the truth: `5-7 s`, `5-10 m`."""
        low, high = self.seconds or self.metres or (0, 0)
        return (f"{low}" if low == high else f"{low}-{high}") + (" s" if self.seconds else " m")


@dataclass(frozen=True)
class Nuisance:
    """Rates and sizes of what spoils the fixes of a city; units as in cities.yaml."""

    sampling: tuple[Sampling, ...]
    white_metres: float
    slow_metres: float
    slow_seconds: float
    gap_share: float
    gap_seconds: tuple[float, float]
    tunnel_share: float
    tunnel_seconds: tuple[float, float]
    tunnel_noise: float
    spike_share: float
    spike_metres: tuple[float, float]
    duplicate_share: float

    @classmethod
    def read(cls, entry: Mapping[str, Any]) -> Nuisance:
        """From a city's entry `nuisance` in cities.yaml."""
        kinds = []
        for kind in entry["sampling"]:
            shares = {key: value for key, value in kind.items() if key not in ("seconds", "metres")}
            ranges = {key: tuple(kind[key]) if key in kind else None for key in ("seconds", "metres")}
            kinds.append(Sampling(shares, ranges["seconds"], ranges["metres"]))
        rest: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
        rest["sampling"] = tuple(kinds)
        return cls(**rest)


@dataclass(frozen=True)
class Track:
    """Where a traveller truly was, at 1 s: positions (step + 1,) in degrees and speed (step,) in m/s."""

    latitude: np.ndarray
    longitude: np.ndarray
    speed: np.ndarray


@dataclass(frozen=True)
class Fixes:
    """What a phone wrote, each (fix,): seconds since the track began, degrees, and the true speed in m/s."""

    seconds: np.ndarray
    latitude: np.ndarray
    longitude: np.ndarray
    speed: np.ndarray


def apportion(shares: Mapping[str, float], count: int, random: np.random.Generator) -> list[str]:
    """`count` words in random order, each as often as its share says, rounded by largest remainders.

    Drawing without replacement keeps a small twin from lacking what its shares promise.
    """
    names = list(shares)
    exact = np.array([shares[name] for name in names], float)
    exact *= count / exact.sum()
    whole = np.floor(exact).astype(int)
    order = np.argsort(whole - exact, kind="stable")
    whole[order[: count - whole.sum()]] += 1
    return [names[index] for index in random.permutation(np.repeat(np.arange(len(names)), whole))]


def chosen(share: float, count: int, random: np.random.Generator) -> np.ndarray:
    """(count,) bool, true for `share` of them, rounded."""
    return random.permutation(count) < round(share * count)


def apportion_sampling(
    kinds: Sequence[Sampling], platform: str, count: int, random: np.random.Generator
) -> list[Sampling]:
    """The sampling of each of `count` recordings by phones of one platform ("" for any)."""
    shares = {str(number): kind.shares.get(platform, kind.shares["share"]) for number, kind in enumerate(kinds)}
    return [kinds[int(number)] for number in apportion(shares, count, random)]


def sample(kind: Sampling, track: Track, random: np.random.Generator, *, whole: bool) -> np.ndarray:
    """(fix,) seconds since the track began at which a phone writes a fix.

    Args:
        kind: how often.
        track: of the traveller.
        random: where the interval and the phase come from.
        whole: at whole seconds only.
    """
    last = len(track.speed)
    if kind.seconds is not None:
        interval = int(random.integers(kind.seconds[0], kind.seconds[1] + 1))
        phase = float(random.integers(interval)) if whole else float(np.round(random.uniform(0, interval), 3))
        return np.arange(phase, last + 0.5, interval)
    assert kind.metres is not None
    step = random.uniform(*kind.metres)
    passed = np.floor(np.concatenate([[0.0], np.cumsum(track.speed)]) / step)
    seconds = np.flatnonzero(np.diff(passed, prepend=-1)).astype(float)
    return seconds if whole else np.minimum(seconds + np.round(random.uniform(0, 0.999), 3), last)


def gap(start: int, stop: int, seconds: tuple[float, float], random: np.random.Generator) -> tuple[int, int]:
    """A stretch (first and last second) inside a leg from `start` to `stop` that is lost.

    It takes no more than three quarters of the leg; `start` twice, for nothing, where they are shorter than the range.
    """
    longest = min(seconds[1], LARGEST_LOSS * (stop - start), stop - start - 2 * MARGIN_SECONDS - 1)
    if longest < seconds[0]:
        return start, start
    length = round(random.uniform(seconds[0], longest))
    first = int(random.integers(start + MARGIN_SECONDS, stop - MARGIN_SECONDS - length, endpoint=True))
    return first, first + length


def observe(
    track: Track,
    seconds: np.ndarray,
    nuisance: Nuisance,
    random: np.random.Generator,
    *,
    gaps: Sequence[tuple[int, int]] = (),
    tunnels: Sequence[tuple[int, int]] = (),
    noise_factor: float = 1.0,
) -> Fixes:
    """The fixes that a phone writes at `seconds` (fix,), in order of time.

    Noise of position is the sum of white noise and a slow process, on each axis. Fixes inside gaps and tunnels are
    lost; just outside of a tunnel the noise is `nuisance.tunnel_noise` times as strong. A repeated time is a second fix
    at the time of the one before it, a few metres off.
    """
    kept = np.ones(len(seconds), bool)
    factor = np.full(len(seconds), noise_factor)
    for first, last in (*gaps, *tunnels):
        kept &= (seconds <= first) | (seconds >= last)
    for first, last in tunnels:
        factor[(seconds > first - PORTAL_SECONDS) & (seconds < last + PORTAL_SECONDS)] *= nuisance.tunnel_noise
    seconds, factor = seconds[kept], factor[kept]
    repeats = 1 + (random.random(len(seconds)) < nuisance.duplicate_share)
    seconds, factor = np.repeat(seconds, repeats), np.repeat(factor, repeats)
    grid = np.arange(len(track.latitude))
    offsets = []
    for _ in range(2):
        slow = ornstein_uhlenbeck(len(grid), nuisance.slow_metres, nuisance.slow_seconds, random)
        white = nuisance.white_metres * random.normal(size=len(seconds))
        offsets.append(factor * (np.interp(seconds, grid, slow) + white))
    spiked = random.random(len(seconds)) < nuisance.spike_share
    reach = np.where(spiked, random.uniform(*nuisance.spike_metres, len(seconds)), 0)
    direction = random.uniform(0, 2 * np.pi, len(seconds))
    latitude, longitude = move(
        np.interp(seconds, grid, track.latitude),
        np.interp(seconds, grid, track.longitude),
        offsets[0] + reach * np.cos(direction),
        offsets[1] + reach * np.sin(direction),
    )
    speed = track.speed[np.minimum(seconds.astype(int), len(track.speed) - 1)]
    return Fixes(seconds, latitude, longitude, speed)


def move(
    latitude: np.ndarray, longitude: np.ndarray, north: np.ndarray, east: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Positions (degrees) moved by metres to the north and the east."""
    shifted = latitude + np.degrees(north / EARTH_RADIUS)
    return shifted, longitude + np.degrees(east / EARTH_RADIUS / np.cos(np.radians(latitude)))
