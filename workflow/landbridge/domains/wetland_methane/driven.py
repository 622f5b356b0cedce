"""What drives the process model at towers: their own series on unbroken daily axes, completed by stated rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from landbridge.contract import Dataset, stamps
from landbridge.domains.wetland_methane import wetlands
from landbridge.domains.wetland_methane.quantities import Drivers
from landbridge.prepare.ragged import offsets
from landbridge.stage import StageError

SHORT_GAP = 10  # days of a driver that a straight line fills
LONGEST_GAP = 90  # days of temperature beyond which a simulation would be an invention
RECOVERY = 30  # days after a longer gap until the soil has forgotten it


@dataclass(frozen=True)
class Towers:
    """Drivers of all units, and where their rows stand in them.

    Attributes:
        names: of the units.
        types: of wetlands.yaml.
        drivers: (unit, day) from each unit's first day on; shorter records repeat their last day.
        length: (unit,) days of each record.
        unit, day: (obs,) place of each row in `drivers`.
        masked: (unit, day) bool, days on which temperature was not known well enough.
    """

    names: list[str]
    types: list[str]
    drivers: Drivers
    length: np.ndarray
    unit: np.ndarray
    day: np.ndarray
    masked: np.ndarray

    def first_year(self) -> Drivers:
        """(unit, 365) drivers of the first year; a shorter record comes round again."""
        order = np.arange(wetlands.YEAR)[None, :] % np.minimum(self.length, wetlands.YEAR)[:, None]
        return map_series(self.drivers, lambda values: np.take_along_axis(values, order, axis=1))


def map_series(drivers: Drivers, change: Any) -> Drivers:
    """Drivers of which every series, (site, day), is changed by a function; what belongs to a site stays."""
    names = [field.name for field in fields(drivers) if field.name != "soil_ph"]
    given = {name: getattr(drivers, name) for name in names}
    return replace(drivers, **{name: change(values) for name, values in given.items() if values is not None})


def towers_of(dataset: Dataset) -> Towers:
    """Read the drivers of a harmonised file of towers.

    Air temperature: gaps, absent days among them, up to 10 days are filled by a straight line; longer ones up to 90
    days too, but they and 30 days after are `masked`. Water table: as known, gaps up to 10 days by a straight line;
    else the annual cycle of the type, moved by the mean distance of what is known from it. Net primary production:
    that of the type, never the tower's own, which is measured with the flux. Salinity: as known, else of the class.

    Raises:
        StageError: a step other than a day, a variable that is missing, a class without a type, or a temperature
            that is unknown for more than 90 days.
    """
    if dataset.attributes.get("step") != "day":
        raise StageError(f"process_model: has a step of a {dataset.attributes.get('step')}; it needs daily rows")
    for name in ("air_temperature", "wetland_class", "lat"):
        if name not in dataset:
            raise StageError(f"process_model: no variable {name} in the towers' file; its reader must give it")
    names = np.asarray(dataset["unit_name"]).astype(str).tolist()
    classes = [_class_of(name, label) for name, label in zip(names, dataset["wetland_class"].tolist(), strict=True)]
    types = [str(entry["type"]) for entry in classes]
    bounds = offsets(dataset["row_size"])
    if empty := [name for name, size in zip(names, np.diff(bounds), strict=True) if not size]:
        raise StageError(f"process_model: unit {empty[0]} has no rows; leave it out")
    time = stamps(dataset).astype("datetime64[D]")
    first = time[bounds[:-1]]
    unit = np.repeat(np.arange(len(names)), np.diff(bounds))
    row = (time - first[unit]).astype(int)
    length = row[bounds[1:] - 1] + 1
    placed = _Placed(names, length, unit, row)
    air, masked = placed.temperature(dataset["air_temperature"])
    dates = first[:, None] + np.arange(length.max())
    calendar = (dates - dates.astype("datetime64[Y]")).astype(int) + 1.0
    northern = wetlands.northern_day(calendar, dataset["lat"])
    grown = wetlands.growth(northern)
    water = wetlands.usual_water_table(types, northern)
    if "water_table" in dataset:
        water = placed.near(dataset["water_table"], water)
    usual_salinity = np.array([float(entry.get("salinity", 0)) for entry in classes])
    salinity = np.repeat(usual_salinity[:, None], length.max(), axis=1)
    if "salinity" in dataset:
        salinity = placed.near(dataset["salinity"], salinity)
    drivers = Drivers(air, water, grown, wetlands.npp(types, grown, air), np.maximum(salinity, 0))
    return Towers(names, types, drivers, length, unit, row, masked)


def _class_of(unit: str, label: str) -> Mapping[str, Any]:
    known = wetlands.read_numbers()["classes"]
    found: Mapping[str, Any] | None = known.get(str(label).strip().lower())
    if found is None:
        raise StageError(
            f"process_model: unit {unit} has wetland_class '{label}', which the model lacks; leave such units out by "
            f"`where`, or map the class in wetlands.yaml (it has {', '.join(known)})"
        )
    return found


@dataclass(frozen=True)
class _Placed:
    """Rows of units on their daily axes; arrays as in `Towers`."""

    names: list[str]
    length: np.ndarray
    unit: np.ndarray
    row: np.ndarray

    def on_days(self, values: np.ndarray) -> np.ndarray:
        """(unit, day) values of the rows, NaN on other days."""
        found = np.full((len(self.names), int(self.length.max())), np.nan)
        found[self.unit, self.row] = values
        return found

    def temperature(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Without gaps, and which days are masked for a long one."""
        found = self.on_days(values)
        masked = np.zeros(found.shape, bool)
        for number, name in enumerate(self.names):
            days = int(self.length[number])
            for start, stop in gaps(found[number, :days]):
                if stop - start > LONGEST_GAP:
                    raise StageError(
                        f"process_model: air_temperature of unit {name} is unknown for {stop - start} days from "
                        f"day {start} of its record, {LONGEST_GAP} may be; cut the record there, or fill it before"
                    )
                if stop - start > SHORT_GAP:
                    masked[number, start : stop + RECOVERY] = True
            found[number, :days] = bridged(found[number, :days], days)
            found[number, days:] = found[number, days - 1]
        return found, masked

    def near(self, values: np.ndarray, usual: np.ndarray) -> np.ndarray:
        """What is known of a driver, and elsewhere its usual course moved to the level of what is known."""
        found = self.on_days(values)
        for number, days in enumerate(self.length.tolist()):
            known = bridged(found[number, :days], SHORT_GAP)
            distance = known - usual[number, :days]
            level = np.nanmean(distance) if np.isfinite(distance).any() else 0.0
            found[number, :days] = np.where(np.isnan(known), usual[number, :days] + level, known)
            found[number, days:] = found[number, days - 1]
        return found


def gaps(values: np.ndarray) -> list[tuple[int, int]]:
    """Stretches [start, stop) of NaN."""
    missing = np.concatenate([[0], np.isnan(values).astype(int), [0]])
    steps = np.diff(missing)
    return list(zip(np.flatnonzero(steps == 1).tolist(), np.flatnonzero(steps == -1).tolist(), strict=True))


def bridged(values: np.ndarray, longest: int) -> np.ndarray:
    """Gaps up to `longest` filled by straight lines, at the ends by the nearest value; NaN stays if all are."""
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):
        return values
    filled = np.interp(np.arange(len(values)), known, values[known])
    for start, stop in gaps(values):
        if stop - start > longest:
            filled[start:stop] = np.nan
    return filled
