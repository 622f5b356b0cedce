"""Places on a page that would hide each other, moved apart, and labels beside them; all in points, 1/72 inch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

ROOM = 9.0  # between the middles of two dots, at least
ARC = 17.0  # between neighbours on a circle, so that a label finds room beside each
CIRCLE = 12  # most dots on a circle
TURNS = 500  # of pushing, at most
GOLDEN = np.pi * (3 - 5**0.5)  # angle that parts the directions of dots at one place
HEIGHT, LETTER = 7.0, 4.6  # of a label's text, and width of one letter
BESIDE, HALF = 5.0, 3.0  # from the middle of a dot to its label, and to the edge of what hides others


def moved_apart(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Dots at least `ROOM` apart: a few that are too near each other on a circle, many of them pushed apart.

    Args:
        places: (n, 2) where the dots belong.

    Returns:
        (n, 2) where to draw them, and (n, 2) the middle of those that each was too near to; its own place if of none.
    """
    cluster = _clusters(places)
    drawn, middles = places.astype(float), places.astype(float)
    for number in np.unique(cluster):
        own = np.flatnonzero(cluster == number)
        middles[own] = places[own].mean(axis=0)
        if 1 < len(own) <= CIRCLE:
            drawn[own] = middles[own] + _around(places[own] - middles[own])
    return _pushed(drawn), middles


def _clusters(places: np.ndarray) -> np.ndarray:
    """(n,) number of the cluster of each dot; a chain of dots nearer than `ROOM` is one."""
    near = _distances(places) < ROOM
    cluster = np.arange(len(places))
    while True:
        lowest = np.where(near, cluster, len(places)).min(axis=1, initial=len(places))
        if (lowest == cluster).all():
            return cluster
        cluster = lowest


def _distances(places: np.ndarray) -> np.ndarray:
    return np.hypot(*(places[:, None] - places).transpose(2, 0, 1))


def _around(own: np.ndarray) -> np.ndarray:
    """(k, 2) on a circle around nought, in the order of their directions, the first in its own."""
    bearings = np.arctan2(own[:, 1], own[:, 0])
    order = np.argsort(bearings, kind="stable")
    angles = bearings[order[0]] + 2 * np.pi * np.arange(len(own)) / len(own)
    radius = max(len(own) * ARC / (2 * np.pi), ROOM / 2)
    places = np.empty_like(own, dtype=float)
    places[order] = radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return places


def _pushed(places: np.ndarray) -> np.ndarray:
    """Dots pushed from each other, each of two by as much, until all have room."""
    angles = GOLDEN * np.arange(len(places))
    near = (_distances(places) < ROOM).sum(axis=1, keepdims=True) > 1
    places = places + 1e-3 * near * np.stack([np.cos(angles), np.sin(angles)], axis=1)  # one place has no directions
    for _ in range(TURNS):
        between = places[:, None] - places  # (n, n, 2)
        distance = np.hypot(between[..., 0], between[..., 1])
        lacking = np.clip(ROOM + 0.1 - distance, 0, None)
        np.fill_diagonal(lacking, 0.0)
        if lacking.max(initial=0.0) <= 0.1:
            break
        places = places + 0.5 * (between * (lacking / np.maximum(distance, 1e-9))[..., None]).sum(axis=1)
    return places


def label_places(
    dots: np.ndarray, outward: np.ndarray, texts: Sequence[str], page: tuple[float, float, float, float]
) -> list[tuple[float, float] | None]:
    """Lower left corner of each label, where it hides neither a dot nor another label; None where there is no room.

    Args:
        dots: (n, 2).
        outward: (n, 2) the direction in which each label is tried first; up and to the right if it is short.
        texts: of the labels.
        page: left, bottom, right and top of what labels may cover.
    """
    taken = [(x - HALF, y - HALF, x + HALF, y + HALF) for x, y in dots.tolist()]
    found: list[tuple[float, float] | None] = []
    for (x, y), direction, text in zip(dots.tolist(), outward, texts, strict=True):
        width = LETTER * len(text)
        first = float(np.arctan2(direction[1], direction[0])) if np.hypot(*direction) > HALF else np.pi / 6
        place = None
        for turn in (0, 1, -1, 2, -2, 3, -3, 4):
            across, up = np.cos(first + turn * np.pi / 4), np.sin(first + turn * np.pi / 4)
            left = float(x + BESIDE * across + (across - 1) / 2 * width)
            bottom = float(y + BESIDE * up + (up - 1) / 2 * HEIGHT)
            box = (left, bottom, left + width, bottom + HEIGHT)
            inside = page[0] <= box[0] and page[1] <= box[1] and box[2] <= page[2] and box[3] <= page[3]
            if inside and not any(_meet(box, other) for other in taken):
                place = (left, bottom)
                taken.append(box)
                break
        found.append(place)
    return found


def _meet(one: Sequence[float], other: Sequence[float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
