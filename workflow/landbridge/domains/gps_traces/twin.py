"""The twin of travel modes: raw files in Geolife's or MobilityNet's layout from two invented cities, with known truth.

Nothing in them was recorded by anyone. How people move is in `movement.py`, what spoils the fixes in `nuisance.py`, all
numbers in `cities.yaml`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from landbridge.domains.gps_traces import twin_geolife, twin_load, twin_mobilitynet
from landbridge.domains.gps_traces.cities import CITIES, LAYOUTS, read_city
from landbridge.stage import StageError

SIZES: Mapping[str, Mapping[str, tuple[int, int, int]]] = {  # default, least, most
    "geolife": {"users": (24, 2, 999), "trips_per_user": (60, 4, 500)},
    "mobilitynet": {"phones": (8, 1, 40), "runs": (12, 2, 100)},
}
MINUTES, LEAST_MINUTES, MOST_MINUTES = 6, 3, 60
LEAST_LOAD = twin_load.POINTS_PER_FILE


def write_twin(
    folder: Path,
    dataset: str,
    seed: int,
    *,
    city: str = "a",
    layout: str = "geolife",
    users: int | None = None,
    trips_per_user: int | None = None,
    phones: int | None = None,
    runs: int | None = None,
    minutes: float | None = None,
    relabel: bool = False,
    drift: float | None = None,
    load_test: int | None = None,
) -> None:
    """Write the raw files of a twin; equal arguments give equal bytes.

    `truth.csv` (unit, mode) and `truth_parameters.csv` (drawn cruise speed and more, of each leg) lie in the folder's
    root. The five modes have the numbers 0 to 4 in the order of the alphabet.

    Args:
        folder: where to; it exists.
        dataset: name of the dataset; a part of the random streams.
        seed: of everything drawn.
        city: `a`, dense, or `b`, spread out, where three modes are mixtures (express buses, freeways, light rail).
        layout: `geolife` for users who label trips of their own, or `mobilitynet` for phones on scripted runs.
        users, trips_per_user: of Geolife's layout; 24 and 60.
        phones, runs: of MobilityNet's layout; 8 and 12. A run is one ride of one of six scripted trips of eight legs.
        minutes: median duration of a leg; 6. Durations are lognormal, log standard deviation 0.35, cut at half and at
            2.5 times the median. At 6 minutes a leg has some 200 fixes on average, 13 at one in 30 s and 400 at 1 s.
        relabel: modes are drawn at random, independently of the speeds: a control in which nothing can be learned.
        drift: yearly growth of the distance between bus stops in place of the city's own (0.05 in `a`, 0 in `b`).
        load_test: exactly so many fixes in Geolife's layout, made fast by repeating blocks at other dates; 24,876,978
            give a tree of Geolife's size. It takes no `users`, `trips_per_user`, `minutes` and `drift`.

    Raises:
        StageError: an unknown word, or a setting that is out of range or belongs to the other layout.
    """
    where = f"datasets.{dataset}.twin"
    if city not in CITIES:
        raise StageError(f"{where}.city: '{city}' is not known; write {' or '.join(CITIES)}")
    if layout not in LAYOUTS:
        raise StageError(f"{where}.layout: '{layout}' is not known; write {' or '.join(LAYOUTS)}")
    given = {"users": users, "trips_per_user": trips_per_user, "phones": phones, "runs": runs}
    sizes = _sizes(where, layout, given)
    median = MINUTES if minutes is None else minutes
    if not isinstance(median, int | float) or not LEAST_MINUTES <= median <= MOST_MINUTES:
        raise StageError(
            f"{where}.minutes: {median!r} is no median duration of a leg; write a number from {LEAST_MINUTES} "
            f"to {MOST_MINUTES}"
        )
    if drift is not None and (not isinstance(drift, int | float) or not -0.5 <= drift <= 1):
        raise StageError(f"{where}.drift: {drift!r} is no yearly growth; write a number from -0.5 to 1")
    if not isinstance(relabel, bool):
        raise StageError(f"{where}.relabel: {relabel!r} is not known; write true or false")
    place = read_city(city, drift)
    if load_test is not None:
        _check_load(where, layout, load_test, {**given, "minutes": minutes, "drift": drift})
        twin_load.write(folder, dataset, seed, place, load_test, relabel=relabel)
    elif layout == "geolife":
        twin_geolife.write(folder, dataset, seed, place, minutes=median, relabel=relabel, **sizes)
    else:
        twin_mobilitynet.write(folder, dataset, seed, place, minutes=median, relabel=relabel, **sizes)


def _sizes(where: str, layout: str, given: Mapping[str, int | None]) -> dict[str, int]:
    """The sizes of a layout, each the one given or its default."""
    found = {}
    for other, names in SIZES.items():
        for name, (default, least, most) in names.items():
            value = given[name]
            if other != layout:
                if value is not None:
                    raise StageError(
                        f"{where}.{name}: layout {layout} has none; leave it out, or write layout: {other}"
                    )
                continue
            value = default if value is None else value
            if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
                raise StageError(f"{where}.{name}: {value!r} is out of range; write a whole number {least} to {most}")
            found[name] = value
    return found


def _check_load(where: str, layout: str, load_test: int, without_meaning: Mapping[str, object]) -> None:
    if layout != "geolife":
        raise StageError(f"{where}.load_test: layout {layout} has none; leave it out, or write layout: geolife")
    if not isinstance(load_test, int) or load_test < LEAST_LOAD:
        raise StageError(f"{where}.load_test: {load_test!r} is too few; write a whole number from {LEAST_LOAD} on")
    for name, value in without_meaning.items():
        if value is not None:
            raise StageError(f"{where}.{name}: a load test has its own; leave it out, or leave out load_test")
