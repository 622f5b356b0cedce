"""Bands by name: codes of sensors, stacks, stand-ins, and what is refused."""

import pytest
from landbridge.domains.satellite_imagery import bands
from landbridge.stage import StageError


@pytest.mark.parametrize(
    ("text", "sensor", "name"),
    [
        ("B8A", "sentinel2", "nir_narrow"),
        ("B8", "sentinel2", "nir"),
        ("b08", "sentinel2", "nir"),
        ("pst 20260810 20m: B12 2190nm MRAP", "sentinel2", "swir2"),
        ("pst 20260810 20m: B9 945nm MRAP", "sentinel2", "water_vapour"),
        ("B5", "landsat89", "nir_narrow"),
        ("B5", "landsat57", "swir1"),
        ("B06", "hls_l30", "swir1"),
        ("B06", "hls_s30", "rededge2"),
        ("B6", "landsat57", "b6"),  # thermal: no reflectance, so it has no name
        ("SWIR1", "sentinel2", "swir1"),
        ("nir_pre", "sentinel2", "nir_pre"),
        ("B12_pre", "sentinel2", "swir2_pre"),
        ("SCL", "sentinel2", "scl"),
        ("", "sentinel2", ""),
    ],
)
def test_names_of_bands(text, sensor, name):
    assert bands.name_of(text, sensor) == name


def test_stacks_and_wavelengths():
    assert bands.stack_of("burn3") == ("nir", "swir1", "swir2")
    assert bands.stack_of("burn3", pre=True) == ("nir", "swir1", "swir2", "nir_pre", "swir1_pre", "swir2_pre")
    assert len(bands.stack_of("full12")) == 12 and "cirrus" not in bands.stack_of("full12")
    assert bands.stack_of(["red", "nir"]) == ("red", "nir")
    assert bands.EUROSAT.index("B8A") == 12 and bands.EUROSAT.index("B11") == 10
    for table in bands.SENSORS.values():
        assert [nm for name, nm in table.values() if name == "swir2"] and "B06" not in bands.LANDSAT57
    for wrong in ("burn4", [], ["purple"], None):
        with pytest.raises(StageError, match="stack is"):
            bands.stack_of(wrong)


def test_bands_are_matched_by_name_in_any_order():
    matched = bands.match_bands(["swir2", "skip", "nir", "swir1"], bands.STACKS["burn3"], bands.ALIASES, "file")
    assert matched.index == (2, 3, 0) and matched.stand_ins == {}


def test_only_near_infrared_has_a_stand_in_by_itself():
    matched = bands.match_bands(["nir_narrow", "swir1", "swir2"], bands.STACKS["burn3"], bands.ALIASES, "file")
    assert matched.index == (0, 1, 2) and matched.stand_ins == {"nir": "nir_narrow"}
    there = ["swir2", "swir1", "water_vapour"]
    with pytest.raises(StageError, match="no band nir, and a missing band is not filled"):
        bands.match_bands(there, bands.STACKS["burn3"], bands.ALIASES, "file")
    own = {"nir": ("nir_narrow", "water_vapour")}
    assert bands.match_bands(there, bands.STACKS["burn3"], own, "file").stand_ins == {"nir": "water_vapour"}
    pre = ["nir_narrow_pre", "nir_narrow"]
    assert bands.match_bands(pre, ("nir", "nir_pre"), bands.ALIASES, "file").index == (1, 0)


def test_a_band_that_comes_twice_is_refused():
    with pytest.raises(StageError, match="red comes twice"):
        bands.match_bands(["red", "red", "nir"], ("red",), {}, "file")
