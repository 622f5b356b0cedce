"""Places on the Earth and what belongs together: great-circle distance, connected components, names of groups."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

EARTH_RADIUS_KM = 6371.0088  # mean radius of the GRS 80 ellipsoid (IUGG)


def central_angle(lat_1: np.ndarray, lon_1: np.ndarray, lat_2: np.ndarray, lon_2: np.ndarray) -> np.ndarray:
    """Angle in radians between places in degrees as seen from the centre, by the haversine formula.

    Arguments broadcast. Equal places give exactly 0.
    """
    phi_1, phi_2 = np.radians(np.asarray(lat_1, float)), np.radians(np.asarray(lat_2, float))
    half_lat = (phi_2 - phi_1) / 2
    half_lon = np.radians(np.asarray(lon_2, float) - np.asarray(lon_1, float)) / 2
    chord = np.sin(half_lat) ** 2 + np.cos(phi_1) * np.cos(phi_2) * np.sin(half_lon) ** 2
    return 2 * np.arcsin(np.sqrt(np.clip(chord, 0, 1)))


def distance_km(lat_1: np.ndarray, lon_1: np.ndarray, lat_2: np.ndarray, lon_2: np.ndarray) -> np.ndarray:
    """Great-circle distance in km between places in degrees; arguments broadcast."""
    return EARTH_RADIUS_KM * central_angle(lat_1, lon_1, lat_2, lon_2)


def pairwise_km(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """(n, n) great-circle distances in km."""
    lat, lon = np.asarray(lat, float), np.asarray(lon, float)
    return distance_km(lat[:, None], lon[:, None], lat[None, :], lon[None, :])


def components(linked: np.ndarray) -> np.ndarray:
    """Connected components of an undirected graph (single linkage).

    Args:
        linked: (n, n) bool, of which a link in either direction counts.

    Returns:
        (n,) index of the first member of each one's component.
    """
    linked = np.asarray(linked) | np.asarray(linked).T
    label = np.arange(len(linked))
    while True:
        neighbours = np.where(linked, label[None, :], len(label)).min(axis=1, initial=len(label))
        smaller = np.minimum(label, neighbours)
        smaller = smaller[smaller]  # follow the chain, so that long ones need few rounds
        if (smaller == label).all():
            return label
        label = smaller


def group_names(linked: np.ndarray, names: Sequence[str]) -> list[str]:
    """Name of each one's component: that of its first member in the order of the alphabet."""
    label = components(linked)
    first = {int(index): min(np.asarray(names, object)[label == index]) for index in np.unique(label)}
    return [first[int(index)] for index in label]
