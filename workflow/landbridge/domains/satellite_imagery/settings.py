"""Settings of the readers of this domain, checked, and what they have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from landbridge.domains.satellite_imagery.bands import ALIASES, NAMES, SENSORS, stack_of
from landbridge.domains.satellite_imagery.reading import Reading
from landbridge.domains.satellite_imagery.reflectance import AUTO, PRODUCTS
from landbridge.domains.satellite_imagery.scenes import LEVELS, Cut
from landbridge.kinds import SHARE, TRUTH_VALUE, Kind, number, one_of, texts, whole
from landbridge.reader_settings import unusable

# How scenes are cut, and how pixels are read: what readers of scenes share, with their defaults.
CUT: dict[str, Any] = {"size": 64, "least_valid": 0.5}
PIXELS: dict[str, Any] = {
    **CUT,
    "stack": "burn6",
    "product": AUTO,
    "offset": AUTO,
    "aliases": {},
    "ignore_boundary": 0,
}


# What values must be; settings that are not here are checked where they are used.
KINDS: dict[str, Kind] = {
    "size": whole(4, "pixels along a side of a chip, 4 or more"),
    "least_valid": SHARE,
    "ignore_boundary": whole(0, "whole pixels, 0 or more"),
    "block": whole(1, "whole pixels, 1 or more"),
    "gutter_m": number("m, 0 or more", least=0),
    "pixel_m": number("m, such as 20", above=0),
    "pre": TRUTH_VALUE,
    "align": TRUTH_VALUE,
    "single_scene": TRUTH_VALUE,
    "bands": texts("a list with one name for each layer of the file"),
    "sensor": one_of(*SENSORS),
    "level": one_of(*LEVELS),
    "product": one_of(*PRODUCTS, AUTO),
    "region": Kind(lambda value: isinstance(value, str), "a name"),
    "west_share": SHARE,
    "gap_degrees": number("degrees, 0 or more", least=0),
    "block_degrees": number("degrees, such as 0.5", above=0),
}


def cut_of(own: Mapping[str, Any]) -> Cut:
    """How scenes are cut, from settings."""
    return Cut(own["size"], own["least_valid"])


def reading_of(own: Mapping[str, Any], **fixed: Any) -> Reading:
    """How files are read, from settings and from what the reader knows of its files.

    Raises:
        StageError: a stack or an alias that can't be used.
    """
    aliases = own["aliases"]
    if not isinstance(aliases, Mapping) or any(name not in NAMES for name in aliases):
        raise unusable("aliases", aliases, "such as {nir: [water_vapour]}")
    merged = {**ALIASES, **{name: _stand_ins(name, words) for name, words in aliases.items()}}
    values = {
        "stack": stack_of(own["stack"], pre=own.get("pre", False)),
        "product": own["product"],
        "offset": own["offset"],
        "aliases": merged,
        "ignore_boundary": own["ignore_boundary"],
    }
    return Reading(**{**values, **fixed})


def _stand_ins(name: str, words: object) -> tuple[str, ...]:
    listed = [words] if isinstance(words, str) else words
    if not isinstance(listed, list) or any(word not in NAMES for word in listed):
        raise unusable(f"aliases: {name}", words, f"a list of {', '.join(NAMES)}")
    return tuple(listed)
