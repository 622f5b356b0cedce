"""Settings of the readers of this domain, checked, and what they have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from landbridge.domains.satellite_imagery.bands import ALIASES, NAMES, SENSORS, stack_of
from landbridge.domains.satellite_imagery.reading import Reading
from landbridge.domains.satellite_imagery.reflectance import AUTO, PRODUCTS
from landbridge.domains.satellite_imagery.scenes import LEVELS, Cut
from landbridge.stage import StageError

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


def _whole(least: int) -> Callable[[object], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= least


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _texts(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(word, str) for word in value)


def _truth_value(value: object) -> bool:
    return isinstance(value, bool)


def _positive(value: object) -> bool:
    return _number(value) and float(value) > 0  # type: ignore[arg-type]


def _not_negative(value: object) -> bool:
    return _number(value) and float(value) >= 0  # type: ignore[arg-type]


def _share(value: object) -> bool:
    return _number(value) and 0 <= float(value) <= 1  # type: ignore[arg-type]


def _one_of(*words: str) -> Callable[[object], bool]:
    return lambda value: value in words


def _text(value: object) -> bool:
    return isinstance(value, str)


# What a value must be, and how to say so; settings that are not here are checked where they are used.
CHECKS: dict[str, tuple[Callable[[object], bool], str]] = {
    "size": (_whole(4), "pixels along a side of a chip, 4 or more"),
    "least_valid": (_share, "a share from 0 to 1"),
    "ignore_boundary": (_whole(0), "whole pixels, 0 or more"),
    "block": (_whole(1), "whole pixels, 1 or more"),
    "gutter_m": (_not_negative, "m, 0 or more"),
    "pixel_m": (_positive, "m, such as 20"),
    "pre": (_truth_value, "true or false"),
    "align": (_truth_value, "true or false"),
    "single_scene": (_truth_value, "true or false"),
    "bands": (_texts, "a list with one name for each layer of the file"),
    "sensor": (_one_of(*SENSORS), " or ".join(SENSORS)),
    "level": (_one_of(*LEVELS), " or ".join(LEVELS)),
    "product": (_one_of(*PRODUCTS, AUTO), " or ".join((*PRODUCTS, AUTO))),
    "region": (_text, "a name"),
    "west_share": (_share, "a share from 0 to 1"),
    "gap_degrees": (_not_negative, "degrees, 0 or more"),
    "block_degrees": (_positive, "degrees, such as 0.5"),
}


def own_settings(settings: Mapping[str, Any], defaults: Mapping[str, Any], reader: str) -> dict[str, Any]:
    """Settings of a reader over its defaults; None stands for a default.

    Raises:
        StageError: a name that is not known, or a value that can't be used.
    """
    unknown = [name for name in settings if name not in defaults]
    if unknown:
        raise StageError(
            f"reader_settings: {', '.join(unknown)} is not known to the reader {reader}; write {', '.join(defaults)}"
        )
    own = {**defaults, **{name: value for name, value in settings.items() if value is not None}}
    for name, value in own.items():
        check, wanted = CHECKS.get(name, (None, ""))
        if check is not None and value is not None and not check(value):
            raise StageError(f"reader_settings: {name} is {value!r}; write {wanted}")
    return own


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
        raise StageError(f"reader_settings: aliases is {aliases!r}; write such as {{nir: [water_vapour]}}")
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
        raise StageError(f"reader_settings: aliases: {name} is {words!r}; write a list of {', '.join(NAMES)}")
    return tuple(listed)
