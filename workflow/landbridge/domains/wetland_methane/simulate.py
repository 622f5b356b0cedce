"""A simulation over towers' own drivers by the process model of this project, called `process_model` everywhere.

It is not TEM-MDM and stands in for no published simulation. No measured flux enters it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from landbridge.contract import Dataset, Variable
from landbridge.domains.wetland_methane import driven, process, wetlands
from landbridge.domains.wetland_methane.quantities import Parameters
from landbridge.prepare import ragged
from landbridge.prepare.streams import generator
from landbridge.stage import StageError

NAME = "process_model"
SETTINGS = {"draws": 4, "spread": 1.0, "oxidation": "water_table"}
LABELS = ("target", "quality", "truth", "product")  # roles that the simulated copies do not take over
LABELLED = ("ch4_flux", "ch4_flux_filled")
FLUX = {"role": "target", "units": "mg m-2 d-1", "long_name": "flux of methane, per area of wetland"}


def simulate(dataset: Dataset, settings: Mapping[str, Any], seed: int) -> tuple[Dataset, np.ndarray]:
    """Run the process model over the drivers of towers.

    Each record is preceded by its first year of drivers, run once and discarded. The rules for drivers that are not
    known are those of `driven.towers_of`.

    Args:
        dataset: harmonised towers, one row a day.
        settings: `draws`, simulated versions of each unit; `spread`, 0 to 1, share of the parameters' ranges that they
            are drawn from; `oxidation` as in `process.run`.
        seed: of the parameters; each unit and draw has its own stream.

    Returns:
        The simulated versions as a file: units named `process_model <draw> <unit>`, the same inputs and statics,
        the simulated flux in place of the towers' labels, `origin` simulation, and every group but `cell` named anew so
        that none equals a tower's. And (obs,) flux at the rows of `dataset` by the reference parameters, mg m-2 d-1.
        Both are NaN where the temperature was not known.

    Raises:
        StageError: an unknown setting, or what `driven.towers_of` refuses.
    """
    chosen = _checked(settings)
    towers = driven.towers_of(dataset)
    draws = range(1, chosen["draws"] + 1)
    product = _flux(towers, wetlands.reference_parameters(towers.types), chosen["oxidation"])
    fluxes = []
    for draw in draws:
        streams = [generator(NAME, seed, name, draw) for name in towers.names]
        drawn = [
            wetlands.draw_values(kind, chosen["spread"], random)
            for kind, random in zip(towers.types, streams, strict=True)
        ]
        fluxes.append(_flux(towers, wetlands.stacked(drawn), chosen["oxidation"]))
    return _versions(dataset, fluxes), product


def _checked(settings: Mapping[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(settings) - set(SETTINGS))
    if unknown:
        raise StageError(f"simulate.{unknown[0]}: not known; write one of {', '.join(SETTINGS)}")
    found: dict[str, Any] = {**SETTINGS, **settings}
    draws, spread, oxidation = found["draws"], found["spread"], found["oxidation"]
    if not isinstance(draws, int) or isinstance(draws, bool) or draws < 1:
        raise StageError(f"simulate.draws: {draws!r} is out of range; write a whole number from 1 on")
    if not isinstance(spread, int | float) or isinstance(spread, bool) or not 0 <= spread <= 1:
        raise StageError(f"simulate.spread: {spread!r} is out of range; write a number 0 to 1")
    if oxidation not in process.OXIDATIONS:
        raise StageError(f"simulate.oxidation: '{oxidation}' is not known; write {' or '.join(process.OXIDATIONS)}")
    return found


def _flux(towers: driven.Towers, parameters: Parameters, oxidation: str) -> np.ndarray:
    """(obs,) simulated flux, mg m-2 d-1."""
    before = process.run(towers.first_year(), parameters, oxidation=oxidation)
    flux = process.run(towers.drivers, parameters, before.end, oxidation=oxidation).flux
    shown = np.where(towers.masked, np.nan, flux)
    return shown[towers.unit, towers.day].astype(np.float32)


def _versions(dataset: Dataset, fluxes: Sequence[np.ndarray]) -> Dataset:
    """Copies of the towers' file end to end, one for each simulated flux."""
    count = len(dataset["unit_name"])
    kept = {name: one for name, one in dataset.variables.items() if one.attributes.get("role") not in LABELS}
    copies = ragged.select_units(replace(dataset, variables=kept), np.tile(np.arange(count), len(fluxes)))
    variables = dict(copies.variables)
    numbers = np.repeat(np.arange(1, len(fluxes) + 1), count)
    for name, variable in copies.variables.items():
        if name == "unit_name":
            told = zip(numbers.tolist(), variable.values.tolist(), strict=True)
            variables[name] = replace(variable, values=np.asarray([f"{NAME} {draw} {unit}" for draw, unit in told]))
        elif variable.attributes.get("role") == "group" and name != "cell":
            variables[name] = replace(
                variable, values=np.asarray([f"{NAME} {group}" for group in variable.values.tolist()])
            )
    size = len(numbers)
    origin = {"role": "static", "long_name": "simulation or observation"}
    if "origin" in variables:
        origin = dict(variables["origin"].attributes)
    variables["origin"] = Variable(("unit",), np.full(size, "simulation"), origin)
    if "fold_published" in variables:
        variables["fold_published"] = replace(variables["fold_published"], values=np.full(size, ""))
    # Whichever label of the towers a scenario is about, measured or filled, the simulation stands in its place.
    labels = [
        name for name, one in dataset.variables.items() if name in LABELLED and one.attributes["role"] == "target"
    ]
    for name in labels or LABELLED[:1]:
        own = dataset.variables[name].attributes if name in dataset else FLUX
        variables[name] = Variable(("obs",), np.concatenate(fluxes), own)
    told_apart = {
        "title": f"{NAME} over: {dataset.attributes.get('title', 'towers')}",
        "source": "simulated by the daily methane model of this project over the towers' drivers; not TEM-MDM",
    }
    return Dataset(variables, {**dataset.attributes, **told_apart})
