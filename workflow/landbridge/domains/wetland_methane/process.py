"""A daily model of the methane of wetlands: production, oxidation and three ways out, for many sites at once.

A reduction to one soil layer in the spirit of Walter and Heimann (2000, doi 10.1029/1999GB001204: production by
temperature, oxidation above the water table, diffusion, plants and bubbles), Zhuang et al. (2004, TEM-MDM, doi
10.1029/2004GB002239: limitation by redox and pH) and Oikawa et al. (2017, PEPRMT, doi 10.1002/2016JG003438: a pool of
substrate and Michaelis-Menten kinetics). It is none of the three. Its parameters are design values with ranges; they
stand in `wetlands.yaml`. Pools are gC m-2, the step is one day, series are (site, day).
"""

from __future__ import annotations

import numpy as np

from landbridge.domains.wetland_methane.quantities import Drivers, Parameters, Result, State, Values
from landbridge.domains.wetland_methane.units import TO_MILLIGRAMS

MG_PER_GC = TO_MILLIGRAMS["g m-2 d-1 of carbon"]
DRYING_DAYS = 3.0  # in which anoxia is lost; it builds up more slowly, while electron acceptors are used up
SNOW_FACTOR = 4.0  # by which snow slows the soil's temperature
COLDEST_SOIL = -2.0  # degC
FROZEN_PRODUCTION, FROZEN_TRANSPORT = 0.1, 0.2  # shares that remain in frozen soil
MOST_OF_SUBSTRATE = 0.9  # that a day can turn into methane
SALINITY_HALF = 10.0  # ppt at which production is halved
OXIDATION_Q10 = 2.0  # of Michaelis-Menten oxidation
PRESSURE_DROP = 0.3  # kPa from one day to the next that bubbles stand
OXIDATIONS = ("water_table", "michaelis_menten")


def start_of(drivers: Drivers) -> State:
    """The state from which a first year, to be discarded, begins."""
    full = np.ones(len(drivers.air_temperature))
    return State(5.0 * full, 0.3 * full, 0.5 * full, np.asarray(drivers.air_temperature[:, 0], float))


def ph_factor(ph: Values, least: Values, optimum: Values, most: Values) -> np.ndarray:
    """Share of production at some pH as in TEM-MDM: 1 at the optimum, 0 at and beyond `least` and `most`."""
    ph = np.asarray(ph, float)
    # Outside of the range the fraction below turns negative, then above 1 again, so it counts inside alone.
    inside = (ph > least) & (ph < most)
    held = np.where(inside, ph, optimum)
    product = (held - least) * (held - most)
    return np.where(inside, product / (product - (held - optimum) ** 2), 0.0)


def salinity_factor(salinity: np.ndarray) -> np.ndarray:
    """Share of production at some salinity, ppt: sulfate reducers compete for the substrate."""
    return 1 / (1 + (salinity / SALINITY_HALF) ** 2)


def temperature_factor(soil: np.ndarray, parameters: Parameters) -> np.ndarray:
    """Production at a soil temperature, degC, relative to that at the reference."""
    # Day first, sites last: constants given as (site,) broadcast.
    factor = np.exp(np.log(parameters.q10) * (soil - parameters.reference_temperature) / 10)
    return np.where(soil <= 0, FROZEN_PRODUCTION * factor, factor)


def production(substrate: np.ndarray, potential: np.ndarray, parameters: Parameters) -> np.ndarray:
    """Methane made in a day, gC m-2: Michaelis-Menten in the substrate, and never more of it than 90 %.

    Args:
        substrate: gC m-2.
        potential: product of the factors of temperature, redox, salinity and pH.
    """
    made = parameters.vmax * potential * substrate / (parameters.half_saturation + substrate)
    return np.minimum(made, MOST_OF_SUBSTRATE * substrate)


def survival(water_table: np.ndarray, parameters: Parameters) -> np.ndarray:
    """Share of what diffuses that passes the oxic layer above the water table (cm)."""
    return np.exp(-np.maximum(-water_table, 0) / parameters.oxic_depth)


def run(
    drivers: Drivers, parameters: Parameters, start: State | None = None, *, oxidation: str = "water_table"
) -> Result:
    """Run the model over all days of the drivers.

    Its memory is that of some fifteen arrays like `drivers.air_temperature`.

    Args:
        drivers: finite series.
        parameters: numbers or (site,).
        start: before the first day; that of `start_of` if None.
        oxidation: `water_table`, a share by the depth of the oxic layer; or `michaelis_menten`, by the methane in the
            pore water, at a rate that the oxic layer's share scales, and no more than diffuses.

    Raises:
        ValueError: a driver that is not finite, or an unknown oxidation: faults of the caller.
    """
    if oxidation not in OXIDATIONS:
        raise ValueError(f"oxidation {oxidation!r}: one of {', '.join(OXIDATIONS)}")
    given = {name: value for name, value in vars(drivers).items() if value is not None}
    for name, value in given.items():
        if not np.isfinite(value).all():
            raise ValueError(f"driver {name} is not finite at {int((~np.isfinite(value)).sum())} places")
    state = start_of(drivers) if start is None else start
    # (day, site) from here on, so that each day is one stretch of memory.
    series = {name: np.ascontiguousarray(np.asarray(value, float).T) for name, value in given.items()}
    soil, soil_end = _soil(series["air_temperature"], parameters, state.soil_temperature)
    redox = _redox(series["water_table"], parameters, state.redox)
    warmth = temperature_factor(soil, parameters)
    potential = redox * warmth
    if "salinity" in series:
        potential = potential * salinity_factor(series["salinity"])
    if "soil_ph" in series:
        least, optimum, most = parameters.ph_least, parameters.ph_optimum, parameters.ph_most
        potential = potential * ph_factor(series["soil_ph"], least, optimum, most)
    inflow = parameters.exudation * series["npp"] + parameters.soil_carbon * warmth
    decay = parameters.aerobic_decay * warmth * (1 - redox)
    substrate, made = _substrate(inflow, decay, potential, parameters, state.substrate)
    ways = _transport(made, soil, series, parameters, state.methane)
    lost = _oxidised(ways, soil, series["water_table"], parameters, oxidation)
    out = {way: ways[way] - lost[way] for way in ("diffusion", "plants", "bubbles")}
    flux = MG_PER_GC * (out["diffusion"] + out["plants"] + out["bubbles"])
    oxidised = lost["diffusion"] + lost["plants"] + lost["bubbles"]
    return Result(
        flux=flux.T,
        production=made.T,
        oxidised=oxidised.T,
        **{way: values.T for way, values in out.items()},
        methane=ways["methane"].T,
        substrate=substrate.T,
        redox=redox.T,
        soil_temperature=soil.T,
        end=State(substrate[-1], ways["methane"][-1], redox[-1], soil_end),
    )


def _soil(air: np.ndarray, parameters: Parameters, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(day, site) soil temperature held at -2 degC, and (site,) that of the last day without that."""
    found, soil = np.empty_like(air), start
    open_share = 1 / np.broadcast_to(np.asarray(parameters.soil_time, float), air.shape[1:])
    snow_share = open_share / SNOW_FACTOR
    for day, warmth in enumerate(air):
        soil = soil + (warmth - soil) * np.where((warmth < 0) & (soil <= 1), snow_share, open_share)
        found[day] = soil
    return np.maximum(found, COLDEST_SOIL), soil


def _redox(water_table: np.ndarray, parameters: Parameters, start: np.ndarray) -> np.ndarray:
    """(day, site) anoxia, which follows the saturation of the soil slowly when wetting and fast when drying."""
    # Far below the surface the exponential would overflow; 1 / (1 + e^700) is 0 to every digit that counts.
    above = np.clip((water_table + parameters.redox_depth) / parameters.redox_width, -700, 700)
    saturation = 1 / (1 + np.exp(-above))
    found, redox = np.empty_like(water_table), start
    wetting = 1 / np.broadcast_to(np.asarray(parameters.wetting_time, float), water_table.shape[1:])
    for day, wet in enumerate(saturation):
        change = wet - redox
        redox = redox + change * np.where(change > 0, wetting, 1 / DRYING_DAYS)
        found[day] = redox
    return found


def _substrate(
    inflow: np.ndarray, decay: np.ndarray, potential: np.ndarray, parameters: Parameters, start: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(day, site) pool of substrate and production; aerobic decay takes no more than is left."""
    pool, made, substrate = np.empty_like(inflow), np.empty_like(inflow), start
    for day in range(len(inflow)):
        made[day] = production(substrate, potential[day], parameters)
        substrate = np.maximum(substrate - made[day] - decay[day] * substrate, 0) + inflow[day]
        pool[day] = substrate
    return pool, made


def _transport(
    made: np.ndarray,
    soil: np.ndarray,
    series: dict[str, np.ndarray],
    parameters: Parameters,
    start: np.ndarray,
) -> dict[str, np.ndarray]:
    """(day, site) methane that leaves the pore water by each way, before oxidation, and the pool `methane`."""
    plant_rate = parameters.plant_rate * series["season"] * np.clip(soil / 10, 0, 1.5)
    thawed = np.where(soil <= 0, FROZEN_TRANSPORT, 1.0)
    diffusion_rate = thawed * parameters.diffusion_rate
    both = plant_rate + diffusion_rate
    share = -np.expm1(-both)
    rising = -np.expm1(-np.asarray(parameters.bubble_rate, float))
    freed = np.zeros_like(made)
    if "pressure" in series:
        pressure = series["pressure"]
        drop = np.maximum(-np.diff(pressure, axis=0, prepend=pressure[:1]) - PRESSURE_DROP, 0)
        freed = -np.expm1(-parameters.pressure_rate * thawed * drop)
    pool, left, bubbles, methane = np.empty_like(made), np.empty_like(made), np.empty_like(made), start
    for day in range(len(made)):
        methane = methane + made[day]
        left[day] = methane * share[day]
        methane = methane - left[day]
        bubbles[day] = np.maximum(methane - parameters.bubble_threshold, 0) * rising
        methane = methane - bubbles[day]
        if "pressure" in series:
            bubbles[day] += methane * freed[day]
            methane = methane * (1 - freed[day])
        pool[day] = methane
    plants = left * plant_rate / both
    return {"plants": plants, "diffusion": left - plants, "bubbles": bubbles, "methane": pool}


def _oxidised(
    ways: dict[str, np.ndarray], soil: np.ndarray, water_table: np.ndarray, parameters: Parameters, oxidation: str
) -> dict[str, np.ndarray]:
    """(day, site) what is oxidised on each way; bubbles pass open water whole, and lose less than what diffuses."""
    passing = survival(water_table, parameters)
    if oxidation == "michaelis_menten":
        warmth = OXIDATION_Q10 ** ((soil - parameters.reference_temperature) / 10)
        kinetics = ways["methane"] / (parameters.oxidation_half_saturation + ways["methane"])
        most = parameters.oxidation_vmax * kinetics * warmth * (1 - passing)
        lost = np.minimum(most, ways["diffusion"])
        passing = 1 - np.divide(lost, ways["diffusion"], out=np.zeros_like(lost), where=ways["diffusion"] > 0)
    return {
        "diffusion": ways["diffusion"] * (1 - passing),
        "plants": ways["plants"] * parameters.plant_oxidation,
        "bubbles": ways["bubbles"] * np.where(water_table >= 0, 0.0, 1 - np.sqrt(passing)),
    }
