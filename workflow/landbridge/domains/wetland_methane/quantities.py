"""What goes into the methane model of process.py and what comes out of it; series are (site, day)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Values = float | np.ndarray


@dataclass(frozen=True)
class Parameters:
    """Constants of the model, each a number or (site,); values, ranges and units of each in `wetlands.yaml`."""

    q10: Values
    reference_temperature: Values
    vmax: Values
    half_saturation: Values
    exudation: Values
    soil_carbon: Values
    aerobic_decay: Values
    redox_depth: Values
    redox_width: Values
    wetting_time: Values
    soil_time: Values
    plant_rate: Values
    diffusion_rate: Values
    bubble_threshold: Values
    bubble_rate: Values
    pressure_rate: Values
    plant_oxidation: Values
    oxic_depth: Values
    oxidation_vmax: Values
    oxidation_half_saturation: Values
    ph_least: Values
    ph_optimum: Values
    ph_most: Values


@dataclass(frozen=True)
class Drivers:
    """What drives the model; a term whose driver is None is left out.

    Attributes:
        air_temperature: (site, day) degC.
        water_table: (site, day) cm, positive above the surface.
        season: (site, day) how far plants have grown, 0..1.
        npp: (site, day) net primary production, gC m-2 d-1.
        salinity: (site, day) or (site, 1) ppt.
        pressure: (site, day) of the air, kPa; its drops release bubbles at `pressure_rate`.
        soil_ph: (site,).
    """

    air_temperature: np.ndarray
    water_table: np.ndarray
    season: np.ndarray
    npp: np.ndarray
    salinity: np.ndarray | None = None
    pressure: np.ndarray | None = None
    soil_ph: np.ndarray | None = None


@dataclass(frozen=True)
class State:
    """What one day hands to the next; (site,).

    Attributes:
        substrate, methane: pools, gC m-2.
        redox: how anoxic the soil is, 0..1.
        soil_temperature: degC, before it is held at -2.
    """

    substrate: np.ndarray
    methane: np.ndarray
    redox: np.ndarray
    soil_temperature: np.ndarray


@dataclass(frozen=True)
class Result:
    """Series of a run, (site, day), and the state after it.

    Attributes:
        flux: to the atmosphere, mg CH4 m-2 d-1.
        production, oxidised: gC m-2 d-1.
        diffusion, plants, bubbles: to the atmosphere by each way, gC m-2 d-1, after oxidation.
        methane, substrate: pools at the end of each day, gC m-2.
        redox: 0..1.
        soil_temperature: degC.
        end: state after the last day.
    """

    flux: np.ndarray
    production: np.ndarray
    oxidised: np.ndarray
    diffusion: np.ndarray
    plants: np.ndarray
    bubbles: np.ndarray
    methane: np.ndarray
    substrate: np.ndarray
    redox: np.ndarray
    soil_temperature: np.ndarray
    end: State

    @property
    def emitted(self) -> np.ndarray:
        """Sum of the three ways, gC m-2 d-1."""
        return self.diffusion + self.plants + self.bubbles
