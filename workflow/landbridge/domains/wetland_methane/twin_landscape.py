"""The invented wetlands of the twin: a coarse grid of cells, towers inside some of them, weather and water tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from landbridge.domains.wetland_methane import wetlands
from landbridge.prepare.weather import CLIMATES, Weather, autoregressive, columns, saturation_pressure, weather
from landbridge.stage import StageError

Random = Callable[[str], np.random.Generator]  # gives the stream of a purpose
CLASSES = ("fen", "bog", "marsh", "swamp", "wet tundra", "drained")
GRID_TYPES = CLASSES[:-1]  # a grid knows no drained wetlands: their towers stand in cells of fens and bogs
KOPPEN = {"fen": "D", "bog": "D", "marsh": "C", "swamp": "A", "wet tundra": "E", "drained": "D"}
BELTS = {  # types by the southern edge of a belt, degrees
    70: ("wet tundra",),
    60: ("wet tundra", "fen", "bog"),
    48: ("fen", "bog"),
    36: ("fen", "bog", "marsh"),
    24: ("marsh",),
    -24: ("swamp",),
    -48: ("marsh",),
    -90: ("bog",),
}
SOUTH, NORTH = -53.25, 90.0  # of the first row's centre, and the end of the last
LAND_SHARE = 0.4  # of the cells
CELL_SPREAD = 1.5  # degC, sd of the mean temperature of cells of one type
TEMPERATURE_SPREAD, WATER_SPREAD, WATER_MEMORY = 4.0, 4.0, 0.97  # degC, cm
MOST_VAPOUR = 40.0  # hPa
INSIDE = 0.2  # degrees that a tower stands off the centre of its cell of 0.5 degrees
NEIGHBOUR_DEGREES = 0.0045  # of latitude, 0.5 km
FIRST_YEAR = 2016
MEAN_PRESSURE, PRESSURE_SPREAD, PRESSURE_MEMORY = 101.3, 0.8, 0.8  # kPa


@dataclass(frozen=True)
class Grid:
    """Cells of land: rows south first, every centre that of a cell of the 0.5 degree grid.

    Attributes:
        lat, lon: (row,) and (column,) centres.
        row, column: (cell,) place of each cell of land.
        types: (cell,) of wetlands.yaml, empty where there is no wetland.
    """

    lat: np.ndarray
    lon: np.ndarray
    row: np.ndarray
    column: np.ndarray
    types: list[str]

    @property
    def is_wetland(self) -> np.ndarray:
        """(cell,) bool."""
        return np.array([bool(name) for name in self.types])


@dataclass(frozen=True)
class Sites:
    """Towers, then neighbours of some: names, classes, places, and the cell of land in which each stands.

    `tower` is (site,) the tower whose drivers each has: its own number, or that of the tower that it stands by.
    """

    names: list[str]
    classes: list[str]
    lat: np.ndarray
    lon: np.ndarray
    cell: np.ndarray
    tower: np.ndarray


@dataclass(frozen=True)
class Days:
    """Days of the run: one year before the record, then the record.

    Attributes:
        dates: (day,).
        of_year: (day,) from 1.
        record: slice of the days that are written.
    """

    dates: np.ndarray
    of_year: np.ndarray
    record: slice


def days_of(years: int) -> Days:
    """The calendar days of the twin."""
    first, last = np.datetime64(f"{FIRST_YEAR - 1}-01-01"), np.datetime64(f"{FIRST_YEAR + years}-01-01")
    dates = np.arange(first, last)
    of_year = (dates - dates.astype("datetime64[Y]")).astype(int) + 1
    return Days(dates, of_year, slice(int((dates < np.datetime64(f"{FIRST_YEAR}-01-01")).sum()), None))


def types_at(lat: float) -> Sequence[str]:
    """Types of wetland that a belt of latitude has."""
    return BELTS[max(edge for edge in BELTS if lat >= edge)]


def draw_grid(rows: int, columns_: int, wetland_cells: int, random: np.random.Generator) -> Grid:
    """Cells of land drawn over the belts, wetlands of all types in turn among them.

    Raises:
        StageError: more wetlands than the belts of some type have cells.
    """
    lat_step, lon_step = (np.floor(2 * width) / 2 for width in ((NORTH - SOUTH) / rows, 360 / columns_))
    lat = SOUTH + lat_step * np.arange(rows)
    lon = -179.75 + np.floor(lon_step) / 2 + lon_step * np.arange(columns_)
    order = random.permutation(rows * columns_)
    found: dict[int, str] = {}
    for number in range(wetland_cells):
        kind = GRID_TYPES[number % len(GRID_TYPES)]
        free = (at for at in order.tolist() if at not in found and kind in types_at(lat[at // columns_]))
        place = next(free, None)
        if place is None:
            raise StageError(
                f"twin.wetland_cells: a grid of {rows} x {columns_} has no room for {wetland_cells} ({kind} is full); "
                f"write at most {number}, or a larger grid"
            )
        found[place] = kind
    land = max(wetland_cells, round(LAND_SHARE * rows * columns_))
    others = [at for at in order.tolist() if at not in found][: land - wetland_cells]
    cells = np.array(sorted([*found, *others]))
    return Grid(lat, lon, cells // columns_, cells % columns_, [found.get(at, "") for at in cells.tolist()])


def draw_sites(grid: Grid, towers: int, neighbours: int, random: np.random.Generator) -> Sites:
    """Towers of all classes in turn, each in a cell of its own, and neighbours 0.5 km north of the first ones.

    Raises:
        StageError: more towers than cells of their types.
    """
    free = [int(cell) for cell in random.permutation(len(grid.types))]
    names, classes, cells = [], [], []
    for number in range(towers):
        kind = CLASSES[number % len(CLASSES)]
        wanted = ("fen", "bog") if kind == "drained" else (kind,)
        place = next((cell for cell in free if grid.types[cell] in wanted), None)
        if place is None:
            raise StageError(
                f"twin.towers: no cell is left for a {kind}; write at most {number}, or more wetland_cells"
            )
        free.remove(place)
        names.append(f"TW-{kind[0].upper()}{number // len(CLASSES) + 1:02d}")
        classes.append(kind)
        cells.append(place)
    cell = np.array(cells)
    lat, lon = (
        np.round(centres + random.uniform(-INSIDE, INSIDE, towers), 4)
        for centres in (grid.lat[grid.row[cell]], grid.lon[grid.column[cell]])
    )
    near = np.arange(neighbours)
    return Sites(
        names=[*names, *(f"TW-N{number + 1:02d}" for number in near)],
        classes=[*classes, *(classes[number] for number in near)],
        lat=np.concatenate([lat, np.round(lat[near] + NEIGHBOUR_DEGREES, 4)]),
        lon=np.concatenate([lon, lon[near]]),
        cell=np.concatenate([cell, cell[near]]),
        tower=np.concatenate([np.arange(towers), near]),
    )


def cell_weather(grid: Grid, days: Days, random: np.random.Generator) -> Weather:
    """(cell, day) weather of all land; that of wetlands has the temperatures of their type."""
    lat = grid.lat[grid.row]
    rows = []
    for kind, place in zip(grid.types, lat.tolist(), strict=True):
        climate = CLIMATES[KOPPEN[kind or types_at(place)[0]]]
        mean, amplitude = wetlands.read_numbers()["types"][kind or types_at(place)[0]]["air_temperature"]
        mean += random.normal(0, CELL_SPREAD)
        rows.append(replace(climate, mean=mean, amplitude=amplitude, spread=TEMPERATURE_SPREAD))
    found = weather(columns(rows), lat[:, None], days.of_year.astype(float), random)
    # Departures of 4 degC in the tropics would bring air more humid than any that was ever measured.
    return replace(found, vpd=np.maximum(found.vpd, 10 * saturation_pressure(found.temperature) - MOST_VAPOUR))


def water_departures(grid: Grid, days: Days, random: np.random.Generator) -> np.ndarray:
    """(cell, day) cm that the water table of a cell stands above the annual cycle of its type."""
    shape = (len(grid.types), len(days.dates))
    return autoregressive(shape, WATER_MEMORY, np.full((shape[0], 1), WATER_SPREAD), random)


def cell_pressure(grid: Grid, days: Days, random: np.random.Generator) -> np.ndarray:
    """(cell, day) pressure of the air, kPa."""
    shape = (len(grid.types), len(days.dates))
    return MEAN_PRESSURE + autoregressive(shape, PRESSURE_MEMORY, np.full((shape[0], 1), PRESSURE_SPREAD), random)
