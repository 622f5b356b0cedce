"""Thresholds on NBR in the real fire of British Columbia: best inside its halves, and used in the other one.

The scene has 945 nm in the place of the near infrared and the offset of +1000 still in. Published with the brief:
0.790 whole, 0.827 west, 0.779 east; west used in the east 0.731, east in the west 0.794, of thresholds on a grid. The
exact optimum of one half need not be better in the other one, so the last two agree to half a hundredth.
"""

import numpy as np
import pytest
from landbridge.domains.satellite_imagery.indices import nbr
from landbridge.methods.index_threshold import best_threshold

ROWS, COLUMNS = 429, 712
PARTS = {"whole": slice(None), "west": slice(0, COLUMNS // 2), "east": slice(COLUMNS // 2, None)}


@pytest.fixture(scope="module")
def fire(mirror):
    """Minus NBR and the perimeter, (y, x)."""
    folder = mirror / "satellite_imagery" / "bc_fire"
    swir2, _, nir = np.fromfile(folder / "C50929_mrap_prepost.bin", "<f4").reshape(3, ROWS, COLUMNS)
    burned = np.fromfile(folder / "C50929_hint_bcws_perimeter.bin", "<f4").reshape(ROWS, COLUMNS) > 0
    return -nbr((nir - 1000) / 10_000, (swir2 - 1000) / 10_000), burned


@pytest.mark.parametrize(
    ("learned", "used", "expected", "tolerance"),
    [
        ("whole", "whole", 0.790, 1e-3),
        ("west", "west", 0.827, 1e-3),
        ("east", "east", 0.779, 1e-3),
        ("west", "east", 0.731, 5e-3),
        ("east", "west", 0.794, 5e-3),
    ],
)
def test_intersection_over_union(fire, learned, used, expected, tolerance):
    index, burned = fire
    own = PARTS[learned]
    least = best_threshold(index[:, own].ravel(), burned[:, own].ravel())
    called, true = index[:, PARTS[used]] > least, burned[:, PARTS[used]]
    assert (called & true).sum() / (called | true).sum() == pytest.approx(expected, abs=tolerance)
