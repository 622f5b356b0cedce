"""One scene parted inside, where there is no other: west and east halves with a gutter, and blocks inside them."""

from __future__ import annotations

import math

from landbridge.domains.satellite_imagery.scenes import Place
from landbridge.io.grids import Grid

APART_M = 1000.0  # m that centres of chips in different blocks lie apart, as the audit asks


def halves_and_blocks(name: str, grid: Grid, size: int, *, block: int, gutter_m: float) -> Place:
    """Region and block of each chip of one scene; chips in gutters are left out.

    The middle column lies in a gutter `gutter_m` wide that no chip touches; what lies west of it is the region `west`,
    what lies east the region `east`. Blocks are squares of `block` pixels, counted from the north-west. Where chips
    are so small that neighbours in two blocks have centres under a kilometre apart, each block ends in a gutter.

    Args:
        name: of the scene; begins the names of blocks.
        grid: of the scene, in m, with rows from north to south.
        size: pixels along a side of a chip.
        block: pixels along a side of a block.
        gutter_m: m between the halves.
    """
    half = gutter_m / grid.pixel_size / 2
    first, last = grid.width / 2 - half, grid.width / 2 + half
    empty = max(math.ceil(APART_M / (size * grid.pixel_size)) - 1, 0)  # chips at the end of a block
    chips = max(block // size, empty + 1)  # along a side of a block, gutter included

    def place(row: int, col: int) -> tuple[str, str] | None:
        if col + size > first and col < last:
            return None
        down, right = row // size, col // size
        if down % chips >= chips - empty or right % chips >= chips - empty:
            return None
        region = "west" if col < first else "east"
        return region, f"{name} {region} {down // chips:02d}-{right // chips:02d}"

    return place
