"""The physical-tower rule: prefixes, spellings, former ids, places and correlation."""

import numpy as np
import pytest
from landbridge.domains.flux_towers import towers


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("FLX_US-Ha1_FLUXNET2015", "US-Ha1"),
        ("AMF_US-Ha1", "US-Ha1"),
        ("ICOSETC_BE-Vie_FLUXNET", "BE-Vie"),
        ("JPX_JP-Tak", "JP-Tak"),
        ("US-Ha1", "US-Ha1"),
        ("DK-ZaF", "GL-ZaF"),
        ("NO-ADV", "SJ-Adv"),
    ],
)
def test_site_ids(name, expected):
    assert towers.site_id(name) == expected


def test_one_spelling_for_ids_that_differ_in_case():
    assert towers.one_spelling(["US-STJ", "US-StJ", "US-Ha1"]) == {
        "US-STJ": "US-StJ",
        "US-StJ": "US-StJ",
        "US-Ha1": "US-Ha1",
    }


def series(noise=0.0, days=200, seed=0):
    random = np.random.default_rng(seed)
    base = np.sin(np.arange(days) / 30)
    return np.arange(days), base + noise * random.normal(size=days)


def test_same_place_and_same_flux_are_one_tower():
    lat, lon = np.array([50.0, 50.001, 50.001, 60.0]), np.array([6.0, 6.0, 6.0, 6.0])
    nee = {
        "A": series(),
        "B": series(0.05),
        "C": (np.arange(200), np.random.default_rng(4).normal(size=200)),
        "D": series(),
    }
    found = towers.same_tower(["A", "B", "C", "D"], lat, lon, nee)
    assert found == {"A": "A", "B": "A", "C": "C", "D": "D"}


def test_few_shared_days_do_not_merge():
    lat, lon = np.array([50.0, 50.0]), np.array([6.0, 6.0])
    nee = {"A": series(days=99), "B": series(days=99)}
    assert towers.same_tower(["A", "B"], lat, lon, nee) == {"A": "A", "B": "B"}


def test_groups_by_distance_and_by_driver_cell():
    lat, lon = np.array([50.0, 50.004, 50.03, 51.0]), np.array([6.0] * 4)  # 0.4 km, 3.3 km, 111 km
    found = towers.tower_groups(["A", "B", "C", "D"], lat, lon, ["x", "x", "y", "y"])
    assert found["group_1km"] == ["A", "A", "C", "D"]
    assert found["tower_group"] == ["A", "A", "A", "D"]
    assert found["group_50km"] == ["A", "A", "A", "D"]
    assert found["driver_group"] == ["A", "A", "A", "A"]
