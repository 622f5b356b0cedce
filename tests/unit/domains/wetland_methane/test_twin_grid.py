"""The simulation's files: names, dimensions, dates that do not exist, coordinates, plausible drivers."""

import calendar

import numpy as np
import pytest
from landbridge.domains.wetland_methane.twin_grid import by_month_and_day

from tests.unit.domains.wetland_methane.files import dimensions, field, write

STATICS = (
    *("clelev", "clfaotxt", "cltveg", "vegetation_type_11"),
    *("phh2o", "topsoil_bulk_density", "wetlandtype", "climatetype"),
)
DAILY = {f"daily_ecmwf_{name}": name for name in ("PREC", "SOLR", "TAIR", "VAPR")}
DAILY["CH4_emission_intensity"] = "CH4_emission"
PLAUSIBLE = {"PREC": (0, 300), "SOLR": (0, 450), "TAIR": (-60, 50), "VAPR": (0, 60), "CH4_emission": (0, 2000)}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write(tmp_path_factory.mktemp("grid") / "twin", years=2)


def test_every_file_of_the_layout_and_no_other(written):
    names = {f"{name}.nc" for name in STATICS} | {"ch4-1979-2018.txt", "kco21979-2018.txt"}
    for year in (2016, 2017):
        names |= {f"{name}_{year}.nc" for name in (*DAILY, "monthly_NPP")}
    assert {path.name for path in (written / "simulation").iterdir()} == names


def test_dimensions_and_coordinates(written):
    for name in STATICS:
        assert dimensions(written, name, name) == ("lat", "lon")
    for name, variable in DAILY.items():
        assert dimensions(written, f"{name}_2016", variable) == ("lat", "lon", "month", "day")
        found = field(written, f"{name}_2016")
        assert found[variable].shape == (12, 24, 12, 31)
        assert found[variable].dtype == np.float32
        assert (np.diff(found["lat"]) > 0).all() and (np.diff(found["lon"]) > 0).all()
    assert dimensions(written, "monthly_NPP_2016", "NPP") == ("lat", "lon", "month")


@pytest.mark.parametrize("name", DAILY)
@pytest.mark.parametrize("year", [2016, 2017])
def test_impossible_dates_and_the_leap_day_are_missing(written, name, year):
    values = field(written, f"{name}_{year}")[DAILY[name]]
    known = np.isfinite(values).any(axis=(0, 1))
    for month in range(12):
        days = 28 if month == 1 else calendar.monthrange(year, month + 1)[1]
        assert known[month].tolist() == [True] * days + [False] * (31 - days)
    wet = np.isfinite(values).any(axis=(2, 3))
    assert (np.isfinite(values).sum(axis=(2, 3))[wet] == 365).all()


def test_values_are_plausible_and_land_is_the_same_everywhere(written):
    land = np.isfinite(field(written, "clelev")["clelev"])
    for name, variable in DAILY.items():
        values = field(written, f"{name}_2017")[variable]
        assert np.nanmin(values) >= PLAUSIBLE[variable][0]
        assert np.nanmax(values) <= PLAUSIBLE[variable][1]
        if variable != "CH4_emission":
            np.testing.assert_array_equal(np.isfinite(values[..., 0, 0]), land)
    wet = np.isfinite(field(written, "CH4_emission_intensity_2017")["CH4_emission"][..., 0, 0])
    assert wet.sum() == 30
    kinds = field(written, "wetlandtype")["wetlandtype"]
    assert set(np.unique(kinds[wet])) <= {1, 2, 3, 4, 5}
    assert (kinds[land & ~wet] == 0).all()
    np.testing.assert_array_equal(np.isfinite(field(written, "monthly_NPP_2017")["NPP"][..., 0]), land)


def test_global_means_are_two_columns_of_forty_years(written):
    for name in ("ch4-1979-2018.txt", "kco21979-2018.txt"):
        rows = np.loadtxt(written / "simulation" / name)
        np.testing.assert_array_equal(rows[:, 0], np.arange(1979, 2019))
        assert (np.diff(rows[:, 1]) > 0).all()


def test_days_stand_at_their_month_and_day():
    dates = np.arange(np.datetime64("2016-01-01"), np.datetime64("2017-01-01"))
    field = by_month_and_day(np.arange(366.0)[None], dates)[0]
    assert field[0, 0] == 0
    assert np.isnan(field[1, 28])
    assert field[2, 0] == 60
    assert field[11, 30] == 365
