"""Cells of 0.5 degree and blocks of 10 degrees, and what they are called."""

from __future__ import annotations

import numpy as np


def cell_of(lat: float, lon: float) -> tuple[int, int]:
    """Row and column of the 0.5 degree cell that holds a place; rows from the south, columns from 180 W.

    Cells are registered at their centres, so the index is the floor; rounding gives a neighbour for half of all places.
    """
    return min(int(np.floor((lat + 90) * 2)), 359), min(int(np.floor((lon + 180) * 2)), 719)


def cell_name(lat: float, lon: float) -> str:
    """The cell that holds a place, as the text `row,column`."""
    row, column = cell_of(lat, lon)
    return f"{row},{column}"


def block_name(lat: float, lon: float) -> str:
    """The block of 10 x 10 degrees that holds a place, by its south-western corner: `60,20`."""
    south, west = (min(int(np.floor(degrees / 10)) * 10, end - 10) for degrees, end in ((lat, 90), (lon, 180)))
    return f"{south},{west}"
