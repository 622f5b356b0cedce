"""Files of this domain's layouts, made by hand: a small simulation and small towers."""

import csv

import netCDF4
import numpy as np
from landbridge.domains.wetland_methane.simulation import DAILY, DAYS, MONTHLY, STATICS

LAT, LON = np.arange(50.25, 52.5, 0.5), np.arange(10.25, 13.5, 0.5)  # 5 x 7 cells
AXES = ("lat", "lon", "month", "day")
STATIC_VALUES = {
    "clelev": 100.0,
    "clfaotxt": 3.0,
    "cltveg": 5.0,
    "phh2o": 6.5,
    "topsoil_bulk_density": 1.1,
    "vegetation_type_11": 2.0,
    "wetlandtype": 2.0,
    "climatetype": 4.0,
}
LEVELS = {"PREC": 2.0, "SOLR": 120.0, "TAIR": 5.0, "VAPR": 8.0, "CH4_emission": 30.0}
POSSIBLE = np.arange(31)[None, :] < DAYS[:, None]  # (month, day) of a year of 365 days


def day_numbers():
    """(month, day) of the day of the year 1..365; 0 on dates that no month has."""
    numbers = np.zeros((12, 31))
    numbers[POSSIBLE] = np.arange(1, 366)
    return numbers


def field(name, lat, lon):
    """(lat, lon, month, day) float32: the level of the variable, and small parts that tell row, column and day."""
    rows, columns = (lat - LAT[0]) / 0.5, (lon - LON[0]) / 0.5
    place = rows[:, None] * 0.1 + columns[None, :] * 0.01
    values = LEVELS[name] + place[:, :, None, None] + day_numbers() * 0.001
    return np.where(POSSIBLE, values, np.nan).astype(np.float32)


def write_grid(path, name, values, lat=LAT, lon=LON, axes=None, coordinates=True, names=None, **options):
    """One variable. `axes` is the order of the dimensions in the file, `names` what they are called."""
    own = AXES[: values.ndim]
    axes = own if axes is None else axes
    with netCDF4.Dataset(path, "w") as handle:
        called = dict(zip(own, own if names is None else names, strict=True))
        for axis, size in zip(own, values.shape, strict=True):
            handle.createDimension(called[axis], size)
        variable = handle.createVariable(
            name, "f4", tuple(called[axis] for axis in axes), fill_value=-999999.0, **options
        )
        variable[:] = np.ma.masked_invalid(values.transpose([own.index(axis) for axis in axes]))
        if coordinates:
            for axis, centres in (("lat", lat), ("lon", lon)):
                handle.createVariable(axis, "f8", (called[axis],))[:] = centres


def write_simulation(folder, years=(2001,), lat=LAT, lon=LON, changed=None, **form):
    """A folder of the simulation; `changed` are fields that replace the usual, by variable or (variable, year)."""
    folder.mkdir(parents=True, exist_ok=True)
    changed = changed or {}
    statics = {name: np.full((len(lat), len(lon)), STATIC_VALUES[name], np.float32) for name in STATICS.values()}
    for name, values in {**statics, **{k: v for k, v in changed.items() if isinstance(k, str)}}.items():
        form_ = {key: value for key, value in form.items() if key not in ("axes", "names")}
        write_grid(folder / f"{name}.nc", name, values, lat, lon, **form_)
    for year in years:
        for name, pattern in DAILY.values():
            write_grid(
                folder / pattern.format(year), name, changed.get((name, year), field(name, lat, lon)), lat, lon, **form
            )
        for name, pattern in MONTHLY.values():
            npp = np.full((len(lat), len(lon), 12), 31.0, np.float32)
            form_ = {key: value for key, value in form.items() if key not in ("axes", "names")}
            write_grid(folder / pattern.format(year), name, changed.get((name, year), npp), lat, lon, **form_)
    (folder / "ch4-1979-2018.txt").write_text("".join(f"{year} {1600 + year - 1979}\n" for year in range(1979, 2019)))
    (folder / "kco21979-2018.txt").write_text("".join(f"{year}\t{337 + year - 1979}\n" for year in range(1979, 2019)))


def tower(first="2001-01-01", days=400, seed=0, **columns):
    """Columns of a small daily file of FLUXNET-CH4; every third day has no measured flux."""
    random = np.random.default_rng(seed)
    dates = np.datetime64(first) + np.arange(days)
    flux = random.normal(50, 5, days)
    found = {
        "TIMESTAMP": [str(date).replace("-", "") for date in dates],
        "FCH4": np.where(np.arange(days) % 3 == 0, -9999, flux),
        "FCH4_F": flux + 1,
        "FCH4_F_ANNOPTLM": flux + 2,
        "TA_F": random.normal(8, 3, days),
        "P_F": random.gamma(1, 2, days),
        "VPD_F": random.uniform(1, 5, days),
        "SW_IN_F": random.uniform(50, 200, days),
        "TS_1": random.normal(7, 2, days),
        "WTD": random.normal(-0.1, 0.05, days),
    }
    return {**found, **columns}


def write_table(path, columns):
    """A CSV of columns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


def write_tower(folder, site="FI-Sii", columns=None):
    """A daily file of one tower."""
    write_table(folder / f"FLX_{site}_FLUXNET-CH4_DD_2001-2002_1-1.csv", tower() if columns is None else columns)
