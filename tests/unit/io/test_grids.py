"""Grids: known corners, chips that are found again, chips off the lattice."""

from dataclasses import replace

import pytest
from landbridge.io.grids import Grid, windows
from landbridge.stage import StageError

SCENE = Grid("EPSG:32633", (20.0, 0.0, 500_000.0, 0.0, -20.0, 4_600_000.0), 256, 320)
TURNED = replace(SCENE, transform=(16.0, 12.0, 500_000.0, 12.0, -16.0, 4_600_000.0))


def test_known_corners():
    assert SCENE.part(64, 128, 64, 64).transform == (20.0, 0.0, 502_560.0, 0.0, -20.0, 4_598_720.0)
    assert SCENE.corner(0.5, 0.5) == (500_010.0, 4_599_990.0)
    assert SCENE.pixel_size == TURNED.pixel_size == 20.0


@pytest.mark.parametrize("scene", [SCENE, TURNED])
def test_chips_are_found_again(scene):
    cells = windows(scene.shape, 64)
    assert len(cells) == 20
    assert [scene.place(scene.part(*cell, 64, 64), "chip") for cell in cells] == cells


def test_what_is_left_over_is_no_chip():
    assert windows((130, 64), 64) == [(0, 0), (64, 0)]
    assert windows((63, 64), 64) == []


def test_chips_elsewhere_are_refused():
    chip = SCENE.part(64, 64, 64, 64)
    a, b, x, d, e, y = chip.transform
    for wrong, words in (
        (replace(chip, transform=(a, b, x + 7, d, e, y)), "off the lattice"),
        (replace(chip, transform=(a, b, x, d, -e, y)), "its pixels"),
        (replace(chip, transform=(10.0, b, x, d, -10.0, y)), "its pixels"),
        (replace(chip, transform=(a, b, x + 20 * 256, d, e, y)), "beyond its scene"),
        (replace(chip, crs="EPSG:32634"), "reference system"),
    ):
        with pytest.raises(StageError, match=words):
            SCENE.place(wrong, "chip")
