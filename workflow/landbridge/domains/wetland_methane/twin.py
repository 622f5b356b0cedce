"""The twin of wetland methane: a coarse simulation and the towers of a "reality" that differs from it in known ways.

Both come from `process.py`, with other parameters and drivers. The simulation is written in TEM-MDM's layout of
X-MethaneWet, the towers in that of FLUXNET-CH4. Nothing in them was simulated by TEM-MDM or measured.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from landbridge.domains.wetland_methane import process, twin_grid, twin_landscape, twin_towers, wetlands
from landbridge.domains.wetland_methane.quantities import Drivers, Parameters
from landbridge.domains.wetland_methane.twin_landscape import CLASSES, Days, Grid, Sites
from landbridge.domains.wetland_methane.twin_towers import Reality
from landbridge.prepare.streams import generator
from landbridge.prepare.weather import Weather, saturation_pressure
from landbridge.stage import StageError

SHIFTS = ("none", "related", "unrelated")
# Reality's parameters over the simulator's.
REALITY = {
    "q10": 0.9,
    "vmax": 2.5,
    "plant_oxidation": 1.3,
    "oxic_depth": 0.7,
    "plant_rate": 1.3,
    "exudation": 2.5,
    "soil_carbon": 2.5,
}
PRESSURE_RATE = 0.2  # kPa-1, bubbles of reality as the pressure drops
SITE_OFFSET = 1.5  # degC, sd between a tower and its cell
NEIGHBOUR_VMAX = 1.1  # of a neighbour over the tower's
LEAST = {"towers": len(CLASSES), "years": 1, "rows": 6, "columns": 6, "wetland_cells": 10, "neighbours": 0}
MOST = {"towers": 99, "years": 40, "rows": 100, "columns": 360, "wetland_cells": 5000, "neighbours": 99}


def write_twin(
    folder: Path,
    dataset: str,
    seed: int,
    *,
    towers: int = 36,
    years: int = 3,
    rows: int = 12,
    columns: int = 24,
    wetland_cells: int = 60,
    neighbours: int = 2,
    shift: str = "related",
    site_spread: float = 0.2,
    water_table_known: float = 0.5,
    grid_drivers: bool = True,
    pressure_bubbles: bool = True,
    noise: bool = True,
    gaps: bool = True,
) -> None:
    """Write `simulation/` and `towers/`; equal arguments give equal bytes, and one switch changes nothing else.

    Args:
        folder: where to; it exists.
        dataset: name of the dataset; a part of the random streams.
        seed: of everything drawn.
        towers: of six wetland classes in turn; neighbours come on top.
        years: from 2016 on, of both sides.
        rows, columns: of the grid.
        wetland_cells: of the grid, of five types in turn.
        neighbours: towers 0.5 km from another one, with its drivers and 1.1 times its highest production.
        shift: `none`: reality has the simulator's parameters. `related`: those times `REALITY`. `unrelated`: reality
            as in `related`, while each cell's simulated flux is that of another cell at another phase of the year, so
            that neither drivers nor statics tell anything of it.
        site_spread: sd of the logarithm of each tower's own factors on highest production and exudation.
        water_table_known: share of the towers whose files have a water table.
        grid_drivers: towers are warmer or colder than their cell by N(0, 1.5) degC each, and the simulation's water
            table is the annual cycle of the type; if false, both are the same.
        pressure_bubbles: in reality, bubbles rise as the pressure of the air drops.
        noise: Laplace noise of sd 2 + 0.25 |flux| nmol m-2 s-1 on measured fluxes.
        gaps: days without a measured flux.

    Raises:
        StageError: a setting that is out of range, or a grid too small for what shall stand in it.
    """
    where = f"datasets.{dataset}.twin"
    sizes = {
        "towers": towers,
        "years": years,
        "rows": rows,
        "columns": columns,
        "wetland_cells": wetland_cells,
        "neighbours": neighbours,
    }
    for name, value in sizes.items():
        if not isinstance(value, int) or isinstance(value, bool) or not LEAST[name] <= value <= MOST[name]:
            raise StageError(f"{where}.{name}: {value!r}; write a whole number {LEAST[name]} to {MOST[name]}")
    if neighbours > towers:
        raise StageError(f"{where}.neighbours: {neighbours} of {towers} towers; write at most {towers}")
    if shift not in SHIFTS:
        raise StageError(f"{where}.shift: '{shift}' is not known; write {', '.join(SHIFTS)}")
    for name, share, most in (("site_spread", site_spread, 2), ("water_table_known", water_table_known, 1)):
        if not isinstance(share, int | float) or isinstance(share, bool) or not 0 <= share <= most:
            raise StageError(f"{where}.{name}: {share!r} is out of range; write a number 0 to {most}")
    switches = {"grid_drivers": grid_drivers, "pressure_bubbles": pressure_bubbles, "noise": noise, "gaps": gaps}
    for name, flag in switches.items():
        if not isinstance(flag, bool):
            raise StageError(f"{where}.{name}: {flag!r} is not known; write true or false")

    def random(purpose: str) -> np.random.Generator:
        return generator("twin", dataset, seed, purpose)

    days = twin_landscape.days_of(years)
    grid = twin_landscape.draw_grid(rows, columns, wetland_cells, random("grid"))
    sites = twin_landscape.draw_sites(grid, towers, neighbours, random("sites"))
    air = twin_landscape.cell_weather(grid, days, random("weather"))
    water = twin_landscape.water_departures(grid, days, random("water"))
    npp, flux = simulated(grid, days, air, water * (not grid_drivers))
    if shift == "unrelated":
        flux = unrelated(flux, grid, random("unrelated"))
    reality = true_fluxes(
        sites,
        days,
        tower_weather(air, sites, random("offsets").normal(0, SITE_OFFSET * grid_drivers, towers)),
        water[sites.cell],
        twin_landscape.cell_pressure(grid, days, random("pressure"))[sites.cell],
        true_parameters(sites, shift, site_spread, pressure_bubbles, random("parameters")),
    )
    (folder / "simulation").mkdir()
    twin_grid.write(folder / "simulation", grid, days, air, npp, flux, random)
    (folder / "towers").mkdir()
    twin_towers.write(folder / "towers", sites, days, reality, random, water_table_known, noise=noise, gaps=gaps)


def simulated(grid: Grid, days: Days, air: Weather, water: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Net primary production, g m-2 d-1, and simulated flux, mg CH4 m-2 d-1, NaN without wetland; (cell, day).

    Args:
        grid: cells of land.
        days: of the run.
        air: (cell, day) weather.
        water: (cell, day) cm that the water table departs from the cycle of the type.
    """
    lat = grid.lat[grid.row]
    types = [kind or twin_landscape.types_at(place)[0] for kind, place in zip(grid.types, lat.tolist(), strict=True)]
    drivers = _drivers(types, lat, days, air, water)
    result = process.run(drivers, wetlands.reference_parameters(types))
    return drivers.npp, np.where(grid.is_wetland[:, None], result.flux, np.nan)


def unrelated(flux: np.ndarray, grid: Grid, random: np.random.Generator) -> np.ndarray:
    """Each wetland gets another one's flux, later by a part of the year; the parts are spread evenly."""
    wet = np.flatnonzero(grid.is_wetland)
    count = len(wet)
    # A rotation of a random order leaves no cell its own flux.
    order = wet[random.permutation(count)]
    later = np.round(wetlands.YEAR * (random.permutation(count) + 0.5) / count).astype(int)
    found = flux.copy()
    for cell, other, shift in zip(order, np.roll(order, 1), later.tolist(), strict=True):
        found[cell] = np.roll(flux[other], shift)
    return found


def tower_weather(air: Weather, sites: Sites, offsets: np.ndarray) -> Weather:
    """(site, day) weather of the cells, warmer by (tower,) offsets at equal relative humidity."""
    here = Weather(**{name: values[sites.cell] for name, values in vars(air).items()})
    warmer = offsets[sites.tower][:, None]
    temperature = here.temperature + warmer
    vpd = here.vpd * saturation_pressure(temperature) / saturation_pressure(here.temperature)
    return replace(here, temperature=temperature, minimum=here.minimum + warmer, vpd=vpd)


def true_parameters(
    sites: Sites, shift: str, spread: float, pressure_bubbles: bool, random: np.random.Generator
) -> Parameters:
    """(site,) parameters of reality."""
    towers = sites.tower.max() + 1
    factors = {name: np.exp(spread * random.normal(size=towers))[sites.tower] for name in ("vmax", "exudation")}
    factors["vmax"] = factors["vmax"] * np.where(np.arange(len(sites.names)) < towers, 1.0, NEIGHBOUR_VMAX)
    sets = []
    for number, kind in enumerate(sites.classes):
        values = wetlands.values_of(kind)
        for name, factor in REALITY.items() if shift != "none" else ():
            values[name] *= factor
        for name, each in factors.items():
            values[name] *= float(each[number])
        values["pressure_rate"] = PRESSURE_RATE * pressure_bubbles
        sets.append(values)
    return wetlands.stacked(sets)


def true_fluxes(
    sites: Sites,
    days: Days,
    air: Weather,
    water: np.ndarray,
    pressure: np.ndarray,
    parameters: Parameters,
) -> Reality:
    """Reality at the towers; `water` is (site, day) cm above the cycle of the class."""
    drivers = replace(_drivers(sites.classes, sites.lat, days, air, water), pressure=pressure)
    result = process.run(drivers, parameters)
    return Reality(air, pressure, drivers.water_table, drivers.npp, result.soil_temperature, result.flux)


def _drivers(types: list[str], lat: np.ndarray, days: Days, air: Weather, water: np.ndarray) -> Drivers:
    northern = wetlands.northern_day(days.of_year, lat)
    grown = wetlands.growth(northern)
    level = wetlands.usual_water_table(types, northern) + water
    return Drivers(air.temperature, level, grown, wetlands.npp(types, grown, air.temperature))
