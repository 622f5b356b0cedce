"""Independent random streams, each derived by hashing a name and its keys, never by adding to a seed."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping

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


def stratified_order(items: Mapping[str, str], name: str, *keys: object) -> list[str]:
    """Items in a hashed order in which every stretch holds the strata in their proportions.

    Member k of a stratum of n stands at (k + 1/2) / n of the whole, so that a cut by shares gives each side its share
    of the items, whatever the sizes of the strata.

    Args:
        items: stratum of each item.
        name: of the stream that orders them.
        *keys: keys of that stream.
    """
    position: dict[str, tuple[float, int]] = {}
    sizes = Counter(items.values())
    seen: Counter[str] = Counter()
    for rank, item in enumerate(hash_order(items, name, *keys)):
        stratum = items[item]
        position[item] = ((seen[stratum] + 0.5) / sizes[stratum], rank)
        seen[stratum] += 1
    return sorted(items, key=position.__getitem__)


def majority(items: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Most frequent class of each group, in the order of the alphabet; the alphabet also settles a tie.

    Args:
        items: group and class of each unit.
    """
    found: dict[str, Counter[str]] = {}
    for group, own in items:
        found.setdefault(group, Counter())[own] += 1
    return {group: min(count, key=lambda own: (-count[own], own)) for group, count in sorted(found.items())}
