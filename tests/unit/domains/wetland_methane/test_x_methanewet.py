"""The towers' table of X-MethaneWet, made by hand from its documentation."""

from collections import Counter

import numpy as np
import pytest
from landbridge.domains.wetland_methane.x_methanewet import read_x_methanewet
from landbridge.stage import StageError

from tests.unit.domains.wetland_methane.written import tower, write_simulation, write_table


def read(folder, counts=None, **settings):
    counts = Counter() if counts is None else counts
    return {unit.name: unit for unit in read_x_methanewet(folder, settings, counts=counts)}


def write(folder, **changed):
    columns = {
        name: np.tile(values, 2) for name, values in tower().items() if name not in ("FCH4", "SW_IN_F", "TS_1", "WTD")
    }
    columns = {"": np.arange(800), **columns, "Site": ["FI.Sii"] * 400 + ["US.Srr"] * 400, **changed}
    write_table(folder / "FLUXNET_T1_DD.csv", columns)


def test_towers_by_their_site_and_labels_that_are_filled(tmp_path):
    write(tmp_path)
    (tmp_path / "FLUXNET_CH4_2024.csv").write_text(
        "SITE_ID,SITE_NAME,LOCATION_LAT,LOCATION_LONG,LOCATION_ELEV,IGBP,MAT,MAP\nFI-Sii,Siikaneva,61.8,24.2,160,WET,,\n"
    )
    found = read(tmp_path)
    assert list(found) == ["FI-Sii", "US-Srr"]
    values = found["FI-Sii"].values
    assert "ch4_flux" not in values and np.isnan(values["ch4_filled"]).all()
    np.testing.assert_allclose(values["ch4_flux_filled"], tower()["FCH4_F"] * 1.3861152, rtol=1e-6)
    assert np.isnan(values["shortwave"]).all()
    assert found["FI-Sii"].static["elevation"] == 160 and found["FI-Sii"].static["wetland_class"] == "fen"


def test_published_conversions_are_reproduced_by_name(tmp_path):
    write(tmp_path)
    values = read(tmp_path, conversion="1.38")["FI-Sii"].values["ch4_flux_filled"]
    np.testing.assert_allclose(values, tower()["FCH4_F"] * 1.38, rtol=1e-6)
    with pytest.raises(StageError, match=r"conversion is '1.4'; write exact or 1.38 or 100/72.2"):
        read(tmp_path, conversion="1.4")


def test_published_drivers_take_the_rest_from_the_grid(tmp_path):
    write(tmp_path)
    write_simulation(tmp_path / "simulation", years=(2001,))
    places = {"FI-Sii": {"lat": 51.4, "lon": 11.1}, "US-Srr": {"lat": 50.6, "lon": 12.1}}
    found = read(tmp_path, drivers="published", grid="simulation", sites=places)
    assert np.isfinite(found["US-Srr"].values["shortwave"][:365]).all()
    np.testing.assert_allclose(found["US-Srr"].values["air_temperature"], tower()["TA_F"], rtol=1e-5)


def test_a_table_without_a_column_or_a_label_is_told(tmp_path):
    with pytest.raises(StageError, match=r"FLUXNET_T1_DD.csv: not there"):
        read(tmp_path)
    none = np.full(800, -9999)
    none[400:] = 10
    write(tmp_path, FCH4_F=none, FCH4_F_ANNOPTLM=none)
    counts = Counter()
    assert list(read(tmp_path, counts)) == ["US-Srr"]
    assert counts["dropped: towers without one flux"] == 1
    write_table(tmp_path / "FLUXNET_T1_DD.csv", {"TIMESTAMP": ["20010101"], "Site": ["FI.Sii"]})
    with pytest.raises(StageError, match="no column FCH4_F, FCH4_F_ANNOPTLM, TA_F, VPD_F, P_F"):
        read(tmp_path)
