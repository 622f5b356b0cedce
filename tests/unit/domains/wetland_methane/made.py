"""Drivers of the wetland types, and a small harmonised file of towers, for the tests of this folder."""

import numpy as np
from landbridge.contract import CONVENTIONS, Dataset, Variable
from landbridge.domains.wetland_methane import wetlands
from landbridge.domains.wetland_methane.quantities import Drivers
from landbridge.prepare.weather import autoregressive

TYPES = ("fen", "bog", "marsh", "swamp", "wet tundra", "drained")


def type_drivers(years=6, seed=0, types=TYPES):
    """(type, day) drivers of northern sites with weather of their own."""
    random = np.random.default_rng(seed)
    day = np.arange(365 * years) % 365 + 1.0
    shape = (len(types), len(day))
    mean, amplitude = np.array([wetlands.read_numbers()["types"][name]["air_temperature"] for name in types], float).T[
        ..., None
    ]
    sd = np.full((len(types), 1), 4.0)
    air = mean + amplitude * np.cos(2 * np.pi * (day - 200) / 365) + autoregressive(shape, 0.75, sd, random)
    water = wetlands.usual_water_table(types, np.broadcast_to(day, shape)) + autoregressive(shape, 0.97, sd, random)
    grown = np.broadcast_to(wetlands.growth(day), shape)
    return Drivers(air, water, grown, wetlands.npp(types, grown, air))


def one_site(days, *, air=20.0, water=10.0, season=1.0, npp=0.0):
    """Constant drivers of one site."""
    return Drivers(*(np.full((1, days), value) for value in (air, water, season, npp)))


def parameters(wetland="fen", **changes):
    """Reference parameters of one site with some changed."""
    return wetlands.stacked([wetlands.values_of(wetland) | changes])


NAMES = ("TW-F01", "TW-M01", "TW-S01")
STATIC = {
    "lat": np.array([60.0, -35.0, 5.0]),
    "wetland_class": np.array(["Fen", "salt marsh", "swamp"]),
    "origin": np.array(["observation"] * 3),
    "fold_published": np.array(["0", "", "1"]),
}
GROUPS = {"tower_group": np.array(NAMES), "cell": np.array(["300,1", "110,2", "190,3"])}
LABELS = {"ch4_flux": "target", "ch4_flux_filled": "target", "ch4_filled": "quality", "ch4_flux_truth": "truth"}
DAYS = (730, 400, 500)


def towers(days=DAYS, first="2017-01-01", seed=0, **changes):
    """Three towers of different length; `changes` replace values of variables or, if None, leave them out."""
    random = np.random.default_rng(seed)
    rows = sum(days)
    dates = np.concatenate([np.datetime64(first) + np.arange(count) for count in days])
    of_year = (dates - dates.astype("datetime64[Y]")).astype(int) + 1
    values = {
        "air_temperature": 8 + 12 * np.cos(2 * np.pi * (of_year - 200) / 365) + random.normal(0, 2, rows),
        "water_table": np.full(rows, np.nan),
        "gpp": random.uniform(0, 5, rows),
        **{name: random.uniform(0, 50, rows) for name in LABELS},
    } | {name: value for name, value in changes.items() if name not in (*STATIC, *GROUPS)}
    numbers = {"units": "1", "long_name": "made"}
    index = {"role": "index", "long_name": "made"}
    found = {
        "unit_name": Variable(("unit",), np.array(NAMES), index),
        "row_size": Variable(("unit",), np.array(days, np.int32), index),
        "time": Variable(("obs",), dates.astype(np.int64), {"units": "days since 1970-01-01"}),
    }
    for name, value in (STATIC | {name: value for name, value in changes.items() if name in STATIC}).items():
        found[name] = Variable(("unit",), value, {"role": "static", **numbers})
    for name, value in GROUPS.items():
        found[name] = Variable(("unit",), value, {"role": "group", "long_name": "made"})
    for name, value in values.items():
        if value is not None:
            role = LABELS.get(name, "input")
            found[name] = Variable(("obs",), np.asarray(value, np.float32), {"role": role, **numbers})
    attributes = {"Conventions": CONVENTIONS, "kind": "series", "featureType": "timeSeries", "step": "day"}
    return Dataset(found, attributes)
