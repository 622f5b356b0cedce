"""The twin of load disaggregation: raw files in REDD's or REFIT's layout from two invented countries, with known truth.

Nothing in them was measured. Machines are in `machines.py`, who uses them in `household.py`, all numbers in
`countries.yaml`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.domains.smart_meters import twin_redd, twin_refit
from landbridge.domains.smart_meters.household import (
    COUNTRIES,
    METERED,
    Calendar,
    Random,
    calendar,
    draw_home,
    read_numbers,
)
from landbridge.domains.smart_meters.meters import House, Plan, TruthWriter
from landbridge.prepare.streams import generator
from landbridge.stage import StageError

LAYOUTS = {"a": "redd", "b": "refit"}
HOMES, DAYS = (1, 20), (2, 731)
STEPS = {"mains_step": 10, "circuit_step": 30}
STEP_RANGE = (1, 30)  # s; at longer ones a clock that goes back by 40 s would not be seen


def write_twin(
    folder: Path,
    dataset: str,
    seed: int,
    *,
    country: str = "a",
    layout: str | None = None,
    homes: int = 6,
    days: int = 18,
    mains_step: int | None = None,
    circuit_step: int | None = None,
    unrelated: bool = False,
    defects: bool = True,
    truth: bool = True,
) -> dict[str, Counter[str]]:
    """Write the raw files of a twin; equal arguments give equal bytes.

    Args:
        folder: where to; it exists.
        dataset: name of the dataset; a part of the random streams.
        seed: of everything drawn.
        country: `a`, a North American one, or `b`, a British one.
        layout: the country's own: `redd` for a, `refit` for b.
        homes: 1 to 20.
        days: 2 to 731, from 2011-04-18 in `a` and 2014-03-22 in `b`, eight days before clocks change.
        mains_step, circuit_step: s between readings in REDD's layout, 1 to 30; published are 1 and 3.
        unrelated: sub-meters and truth are those of another home of the country, drawn independently: a control in
            which the mains tell nothing but the hour of the day.
        defects: gaps, repeated rows, wrong clocks and labels and more, as in countries.yaml.
        truth: write `truth.parquet`: home, time (UTC s, left edge of 10-s bins), mean W of each appliance, NaN where
            the home has none.

    Returns:
        For each home, by its house number as text, how many rows were written and defects planted, by kind.

    Raises:
        StageError: an unknown word, or a setting that is out of range or belongs to the other layout.
    """
    where = f"datasets.{dataset}.twin"
    if country not in COUNTRIES:
        raise StageError(f"{where}.country: '{country}' is not known; write {' or '.join(COUNTRIES)}")
    if layout not in (None, LAYOUTS[country]):
        raise StageError(
            f"{where}.layout: country {country} has no '{layout}'; write {LAYOUTS[country]}, or leave it out"
        )
    for name, value, (least, most) in (("homes", homes, HOMES), ("days", days, DAYS)):
        _check_whole(f"{where}.{name}", value, least, most)
    for name, flag in (("unrelated", unrelated), ("defects", defects), ("truth", truth)):
        if not isinstance(flag, bool):
            raise StageError(f"{where}.{name}: {flag!r} is not known; write true or false")
    steps = []
    for name, step in (("mains_step", mains_step), ("circuit_step", circuit_step)):
        if step is not None and country != "a":
            raise StageError(f"{where}.{name}: layout refit has none; leave it out, or write country: a")
        steps.append(STEPS[name] if step is None else step)
        _check_whole(f"{where}.{name}", steps[-1], *STEP_RANGE)
    plan = Plan(dataset, seed, country, homes, days, unrelated, defects, truth)
    return _write(folder, plan, (steps[0], steps[1]))


def _check_whole(where: str, value: object, least: int, most: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise StageError(f"{where}: {value!r} is out of range; write a whole number {least} to {most}")


def draw_houses(plan: Plan, numbers: Mapping[str, Any], days: Calendar) -> Iterator[House]:
    """The houses of a twin in the order of their numbers, one at a time."""
    country = numbers["countries"][plan.country]
    lacking = _lacking(numbers["layouts"], plan)
    washing = [house for house in lacking if "dishwasher" not in lacking[house]]
    swapping = [house for house in washing if "washing_machine" not in lacking[house]]
    for house in sorted(lacking):
        drifts = house == washing[len(washing) // 2]
        own, *other = (
            draw_home(country, numbers, days, _streams(plan, house, role), drifts=drifts, without=lacking[house])
            for role in (("own", "metered") if plan.unrelated else ("own",))
        )
        yield House(house, own, other[0] if other else own, drifts, house == swapping[-1])


def _write(folder: Path, plan: Plan, steps: tuple[int, int]) -> dict[str, Counter[str]]:
    """One home after another, in the order of their numbers, as the truth wants it."""
    numbers = read_numbers()
    country = numbers["countries"][plan.country]
    days = calendar(country["first_day"], country["zone"], plan.days)
    found = {}
    with ExitStack() as stack:
        truth = stack.enter_context(TruthWriter(folder / "truth.parquet")) if plan.truth else None
        for house in draw_houses(plan, numbers, days):
            random = _streams(plan, house.number, "meters")
            given = (folder, house, days, random, numbers, plan.defects, truth)
            counts = twin_redd.write_house(*given, steps) if plan.country == "a" else twin_refit.write_house(*given)
            counts["replaced_dishwashers"] = int(house.drifts)
            found[str(house.number)] = counts
    return found


def _streams(plan: Plan, house: int, role: str) -> Random:
    def of(purpose: str) -> np.random.Generator:
        return generator("twin", plan.dataset, plan.seed, plan.country, house, role, purpose)

    return of


def _lacking(layouts: Mapping[str, Any], plan: Plan) -> dict[int, Collection[str]]:
    """Numbers of the houses, and the appliances that each has not, beside those of its country."""
    if plan.country == "b":
        houses = layouts["refit"]["houses"][: plan.homes]
        return {house: set(METERED) - set(twin_refit.published_columns(house)) for house in houses}
    without = twin_redd.house_without_microwave(layouts["redd"], plan.homes) if plan.defects else 0
    return {house: {"microwave"} if house == without else set() for house in range(1, plan.homes + 1)}
