"""CarbonFluxBench's layout: units, gaps, networks and broken files."""

import json
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from landbridge.domains.flux_towers import parquet
from landbridge.domains.flux_towers.carbonfluxbench import WEATHER, interpolate, read_carbonfluxbench
from landbridge.stage import StageError

DAYS = 40


def tables(**changes):
    """Two towers for forty days, with round numbers."""
    dates = np.datetime64("2010-01-01") + np.arange(DAYS)
    stamp = np.array([int(str(date).replace("-", "")) for date in dates])
    two = np.repeat(["XX-Aaa", "XX-Bbb"], DAYS)
    target = {
        "TIMESTAMP": np.tile(stamp, 2),
        "GPP_NT_VUT_USTAR50": np.full(2 * DAYS, 3.0),
        "RECO_NT_VUT_USTAR50": np.full(2 * DAYS, 2.0),
        "NEE_VUT_USTAR50": np.full(2 * DAYS, -1.0),
        "NEE_VUT_USTAR50_QC": np.ones(2 * DAYS),
        "site": two,
        "lat": np.repeat([50.0, 60.0], DAYS),
        "lon": np.repeat([6.0, 20.0], DAYS),
        "IGBP": np.repeat(["ENF", "GRA"], DAYS),
        "network": np.full(2 * DAYS, "FLX"),
    }
    keys = {"site": np.char.add("FLX_", two), "date": np.tile(dates.astype(str), 2)}
    era5 = {
        **keys,
        "temperature_2m": np.full(2 * DAYS, 283.15),
        "total_precipitation_sum": np.full(2 * DAYS, 0.002),
        "surface_net_solar_radiation_sum": np.full(2 * DAYS, 8.64e6),
        "total_evaporation_sum": np.full(2 * DAYS, -0.001),
        "leaf_area_index_high_vegetation": np.full(2 * DAYS, 2.0),
        "leaf_area_index_low_vegetation": np.full(2 * DAYS, 1.0),
    }
    names = [f"sur_refl_b{band:02d}" for band in range(1, 8)]
    names += ["SensorZenith", "SensorAzimuth", "SolarZenith", "SolarAzimuth", "clouds"]
    modis = {**keys, **{name: np.linspace(0, 1, 2 * DAYS) for name in names}}
    found = {"target_fluxes_v2": target, "ERA5": era5, "MOD09GA": modis}
    for name, columns in changes.items():
        found[name] = {**found[name], **columns}
    return found


def write(folder, found):
    for name, columns in found.items():
        pq.write_table(pa.table({key: pa.array(values) for key, values in columns.items()}), folder / f"{name}.parquet")


def read(folder):
    return {unit.name: unit for unit in read_carbonfluxbench(folder, {}, counts=Counter())}


def test_units_are_canonical(tmp_path):
    write(tmp_path, tables())
    unit = read(tmp_path)["XX-Aaa"]
    for name, expected in {"temperature": 10, "precipitation": 2, "net_shortwave": 100, "evaporation": 1}.items():
        np.testing.assert_allclose(unit.values[name], expected, rtol=1e-5)
    assert unit.static["igbp"] == "ENF"
    assert unit.static["driver_cell"] == "50.0,6.0"


def test_a_missing_target_drops_the_row_and_leaves_the_day(tmp_path):
    gpp = np.full(2 * DAYS, 3.0)
    gpp[[3, 4]] = -9999, np.nan
    write(tmp_path, tables(target_fluxes_v2={"GPP_NT_VUT_USTAR50": gpp}))
    unit = read(tmp_path)["XX-Aaa"]
    for name in ("gpp", "reco", "nee", "qc"):
        assert np.isnan(unit.values[name][[3, 4]]).all()
        assert np.isfinite(np.delete(unit.values[name], [3, 4])).all()
    assert len(unit.time) == DAYS


def test_satellite_channels_are_interpolated_and_flagged(tmp_path):
    found = tables()
    keep = np.ones(2 * DAYS, bool)
    keep[[0, 5, 6]] = False
    found["MOD09GA"] = {name: values[keep] for name, values in found["MOD09GA"].items()}
    write(tmp_path, found)
    unit = read(tmp_path)["XX-Aaa"]
    full = np.linspace(0, 1, 2 * DAYS)
    np.testing.assert_allclose(unit.values["reflectance_red"][5:7], full[5:7], rtol=1e-5)
    assert unit.values["reflectance_red"][0] == pytest.approx(full[1])
    np.testing.assert_array_equal(np.flatnonzero(unit.values["reflectance_filled"]), [0, 5, 6])


def test_weather_is_never_filled(tmp_path):
    warm = np.full(2 * DAYS, 283.15)
    warm[7] = np.nan
    write(tmp_path, tables(ERA5={"temperature_2m": warm}))
    assert np.isnan(read(tmp_path)["XX-Aaa"].values["temperature"][7])


def test_the_network_of_higher_quality_stands_for_a_year(tmp_path):
    found = tables()
    target = {name: np.concatenate([values, values[:DAYS]]) for name, values in found["target_fluxes_v2"].items()}
    target["network"] = np.concatenate([np.full(2 * DAYS, "FLX"), np.full(DAYS, "AMF")])
    target["NEE_VUT_USTAR50_QC"] = np.concatenate([np.full(2 * DAYS, 0.5), np.full(DAYS, 0.9)])
    target["GPP_NT_VUT_USTAR50"] = np.concatenate([np.full(2 * DAYS, 3.0), np.full(DAYS, 4.0)])
    target["NEE_VUT_USTAR50"] = 2.0 - target["GPP_NT_VUT_USTAR50"]
    found["target_fluxes_v2"] = target
    write(tmp_path, found)
    unit = read(tmp_path)["XX-Aaa"]
    np.testing.assert_allclose(unit.values["gpp"], 4.0)
    assert unit.static["network"] == "AMF FLX"


def test_ids_that_differ_in_case_are_one_tower(tmp_path):
    found = tables()
    found["target_fluxes_v2"]["site"] = np.where(np.arange(2 * DAYS) < 20, "XX-AAA", found["target_fluxes_v2"]["site"])
    write(tmp_path, found)
    units = read(tmp_path)
    assert set(units) == {"XX-Aaa", "XX-Bbb"}
    assert np.isfinite(units["XX-Aaa"].values["gpp"]).all()


def test_rows_in_any_order(tmp_path):
    write(tmp_path, tables())
    expected = read(tmp_path)["XX-Bbb"].values
    order = np.random.default_rng(0).permutation(2 * DAYS)
    write(tmp_path, {name: {key: v[order] for key, v in columns.items()} for name, columns in tables().items()})
    for name, values in read(tmp_path)["XX-Bbb"].values.items():
        np.testing.assert_array_equal(values, expected[name])


def test_a_missing_file_or_column_is_named(tmp_path):
    with pytest.raises(StageError, match=r"target_fluxes_v2\.parquet: not there"):
        read(tmp_path)
    found = tables()
    del found["ERA5"]["temperature_2m"]
    write(tmp_path, found)
    with pytest.raises(StageError, match=r"ERA5\.parquet: no column temperature_2m"):
        read(tmp_path)


def test_interpolation_leaves_what_is_wholly_missing():
    np.testing.assert_array_equal(interpolate(np.array([np.nan, np.nan], np.float32)), [np.nan, np.nan])
    np.testing.assert_allclose(interpolate(np.array([np.nan, 1, np.nan, 3, np.nan])), [1, 1, 2, 3, 3])


# -- the rest of the benchmark ------------------------------------------------------------------------------------


def test_feature_sets_name_the_bands_of_a_weather_setting(tmp_path):
    found = tables()
    found["ERA5"]["dewpoint_temperature_2m"] = np.full(2 * DAYS, 275.0)
    write(tmp_path, found)
    minimal = [column for column, _, _ in WEATHER.values()]
    sets = {"minimal": minimal, "standard": [*minimal, "dewpoint_temperature_2m"], "full": [*minimal, "absent_band"]}
    (tmp_path / "feature_sets.json").write_text(json.dumps(sets))
    unit = next(read_carbonfluxbench(tmp_path, {"weather": "standard"}, counts=Counter()))
    np.testing.assert_allclose(unit.values["era5_dewpoint_temperature_2m"], 275.0)
    assert "era5_dewpoint_temperature_2m" not in read(tmp_path)["XX-Aaa"].values
    with pytest.raises(StageError, match=r"ERA5\.parquet: no column absent_band"):
        list(read_carbonfluxbench(tmp_path, {"weather": "full"}, counts=Counter()))
    with pytest.raises(StageError, match="weather is 'big'; write minimal, standard or full"):
        list(read_carbonfluxbench(tmp_path, {"weather": "big"}, counts=Counter()))
    (tmp_path / "feature_sets.json").write_text("{}")
    with pytest.raises(StageError, match="holds no list 'standard'"):
        list(read_carbonfluxbench(tmp_path, {"weather": "standard"}, counts=Counter()))
    (tmp_path / "feature_sets.json").unlink()
    with pytest.raises(StageError, match=r"feature_sets\.json: not there; it lists the bands"):
        list(read_carbonfluxbench(tmp_path, {"weather": "standard"}, counts=Counter()))


def test_koeppen_classes_and_the_product_are_read_where_they_are(tmp_path):
    found = tables()
    write(tmp_path, found)
    (tmp_path / "koppen_sites.json").write_text(json.dumps({"FLX_XX-AAA": "C", "XX-Bbb": "D"}))
    (tmp_path / "koppen_sites_short.json").write_text(json.dumps({"XX-Aaa": "Cfb"}))
    target = found["target_fluxes_v2"]
    micasa = {"TIMESTAMP": target["TIMESTAMP"], "site": target["site"], "NPP": np.arange(2 * DAYS, dtype=float)}
    write(tmp_path, {"MiCASA": {**micasa, "Rh": np.ones(2 * DAYS), "NEE": -np.ones(2 * DAYS)}})
    units = read(tmp_path)
    assert [units[name].static["koppen"] for name in ("XX-Aaa", "XX-Bbb")] == ["C", "D"]
    assert [units[name].static["koppen_short"] for name in ("XX-Aaa", "XX-Bbb")] == ["Cfb", ""]
    np.testing.assert_allclose(units["XX-Bbb"].values["gpp_micasa"], DAYS + np.arange(DAYS))
    np.testing.assert_allclose(units["XX-Aaa"].values["nee_micasa"], -1)


def test_a_feature_file_is_read_tower_by_tower_where_it_is_large(tmp_path, monkeypatch):
    write(tmp_path, tables())
    expected = read(tmp_path)
    monkeypatch.setattr(parquet, "VALUES_IN_MEMORY", 10)
    for name, unit in read(tmp_path).items():
        for variable, values in unit.values.items():
            np.testing.assert_array_equal(values, expected[name].values[variable])


def test_text_in_place_of_numbers_and_half_hours_are_refused(tmp_path):
    write(tmp_path, tables(target_fluxes_v2={"GPP_NT_VUT_USTAR50": np.full(2 * DAYS, "3.0")}))
    with pytest.raises(StageError, match=r"GPP_NT_VUT_USTAR50 \(.*string\) must hold numbers"):
        read(tmp_path)
    stamps = tables()["target_fluxes_v2"]["TIMESTAMP"]
    write(tmp_path, tables(target_fluxes_v2={"TIMESTAMP": stamps * 10000 + 30}))
    with pytest.raises(StageError, match="a stamp of a part of a day: hand in the daily file"):
        read(tmp_path)
    write(tmp_path, tables(target_fluxes_v2={"TIMESTAMP": stamps + 90}))
    with pytest.raises(StageError, match="dates are written YYYYMMDD"):
        read(tmp_path)
    (tmp_path / "ERA5.parquet").write_bytes(b"not parquet")
    write(tmp_path, {"target_fluxes_v2": tables()["target_fluxes_v2"]})
    with pytest.raises(StageError, match=r"ERA5\.parquet: not a parquet file"):
        read(tmp_path)


def test_minus_9999_as_text_is_no_number(tmp_path):
    gpp = np.full(2 * DAYS, 3.0).astype(str)
    gpp[0] = "-9999"
    write(tmp_path, tables(target_fluxes_v2={"GPP_NT_VUT_USTAR50": gpp}))
    with pytest.raises(StageError, match="write the file again with float columns"):
        read(tmp_path)


def test_repeated_rows_count_once(tmp_path, caplog):
    found = tables()
    expected = None
    for turn in range(2):
        write(tmp_path, found)
        unit = read(tmp_path)["XX-Bbb"]
        if turn == 0:
            expected = unit
        found = {
            name: {key: np.concatenate([v, v[-3:]]) for key, v in columns.items()} for name, columns in found.items()
        }
    assert "3 rows repeat a day of the same network" in caplog.text
    for name, values in unit.values.items():
        np.testing.assert_array_equal(values, expected.values[name])
