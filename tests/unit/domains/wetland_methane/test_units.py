"""Factors and vapour pressure: the known answers of the field."""

import numpy as np
import pytest
from landbridge.domains.wetland_methane import units
from landbridge.stage import StageError


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("nmol m-2 s-1", 1.3861152),
        ("mol m-2 s-1", 1.3861152e9),
        ("mmol m-2 min-1", 23101.92),
        ("umol m-2 d-1", 0.016043),
        ("g m-2 d-1 of carbon", 1335.692),
        ("mg m-2 d-1", 1.0),
    ],
)
def test_factors_to_milligrams(unit, expected):
    assert units.factor(unit) == pytest.approx(expected, rel=1e-6)


def test_facts_of_the_canonical_unit():
    nmol = units.factor("nmol m-2 s-1")
    assert 100 / nmol == pytest.approx(72.144, abs=5e-4)
    assert 23 / nmol == pytest.approx(16.5931, abs=5e-5)
    carbon = units.CARBON_MILLIGRAMS
    assert carbon == pytest.approx(1.03775, abs=5e-6)
    assert carbon * units.factor("mg m-2 d-1 of carbon") == pytest.approx(nmol)


def test_deviations_are_accepted_by_name_alone():
    assert units.factor("nmol m-2 s-1", "1.38") / units.factor("nmol m-2 s-1") - 1 == pytest.approx(-0.0044, abs=5e-5)
    assert units.factor("nmol m-2 s-1", "100/72.2") / units.factor("nmol m-2 s-1") - 1 == pytest.approx(-8e-4, abs=5e-5)
    with pytest.raises(StageError, match=r"conversion '1.4' .*write exact"):
        units.factor("nmol m-2 s-1", "1.4")
    with pytest.raises(StageError, match=r"conversion '1.38' of mol m-2 s-1"):
        units.factor("mol m-2 s-1", "1.38")
    with pytest.raises(StageError, match=r"unit 'furlong' .*write nmol"):
        units.factor("furlong")


def test_vapour_pressure():
    assert units.vapour_pressure(np.array([15.0]), np.array([5.0])) == pytest.approx([12.0535], abs=5e-5)
    np.testing.assert_array_equal(units.vapour_pressure(np.array([0.0, np.nan]), np.array([50.0, 1.0])), [0, np.nan])
