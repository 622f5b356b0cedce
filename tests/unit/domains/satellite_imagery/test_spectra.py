"""Pure surfaces: their order, and burn ratios that follow from the table by hand."""

import numpy as np
import pytest
from landbridge.domains.satellite_imagery.spectra import bands, endmembers, positions, spectra, spectrum, wavelengths

from tests.unit.domains.satellite_imagery.twins import burn_ratio


def test_bands_are_in_the_order_of_their_wavelengths():
    assert bands()[7:10] == ("B08", "B8A", "B09") and len(bands()) == 13
    assert np.all(np.diff(wavelengths()) > 0)
    assert positions(["B12", "B01"]) == [12, 0]


@pytest.mark.parametrize(
    ("surface", "expected"),
    [("tropical_forest", 0.692), ("char_mineral", -0.385), ("char_peat", -0.333), ("wet_peat_soil", 0.053)],
)
def test_burn_ratio_of_a_surface(surface, expected):
    near, short_wave = spectrum(surface)[positions(["B8A", "B12"])]
    assert burn_ratio(near, short_wave) == pytest.approx(expected, abs=5e-4)


def test_every_surface_reflects_between_nothing_and_all():
    assert len(endmembers()) == 15 and "wavelength_nm" not in endmembers()
    assert np.all((spectra(endmembers()) > 0) & (spectra(endmembers()) < 1))
    with pytest.raises(KeyError):
        spectrum("wavelength_nm")
