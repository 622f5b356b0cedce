"""Independent random streams, each derived by hashing a name and its keys, never by adding to a seed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np

from landbridge.stage import canonical


def stream(name: str, *keys: object) -> int:
    """Seed of the stream `name` for `keys`: 63 bits of a SHA-256, equal on every machine."""
    digest = hashlib.sha256(canonical([name, *keys]).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator(name: str, *keys: object) -> np.random.Generator:
    """A numpy generator at the start of the stream `name` for `keys`."""
    return np.random.default_rng(stream(name, *keys))


def hash_order(items: Iterable[str], name: str, *keys: object) -> list[str]:
    """`items` in an order that looks random and depends on nothing but each item, `name` and `keys`.

    An item that is added or removed leaves the order of the others as it was.
    """
    return sorted(items, key=lambda item: (hashlib.sha256(canonical([name, *keys, item]).encode()).digest(), item))
