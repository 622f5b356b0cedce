"""Settings of a reader over its defaults, checked, and the one wording of what is wrong with one.

A reader names its settings by their defaults. `own_settings` refuses other names and, by a table of `Kind`, values that
can't be used; what depends on files is checked by the reader, which says so through `unusable`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

from landbridge.stage import StageError


@dataclass(frozen=True)
class Kind:
    """What a value may be.

    Attributes:
        fits: whether a value is such.
        wanted: what to write, in words.
    """

    fits: Callable[[Any], bool]
    wanted: str


def is_number(value: object) -> bool:
    """Whether a value is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_whole(value: object) -> bool:
    """Whether a value is a whole number; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def whole(least: int, wanted: str) -> Kind:
    """A whole number from `least` on."""
    return Kind(lambda value: is_whole(value) and value >= least, wanted)


def number(wanted: str, *, above: float = -inf, least: float = -inf, most: float = inf) -> Kind:
    """A number above one, not below another, and not above a third."""
    return Kind(lambda value: is_number(value) and value > above and least <= value <= most, wanted)


def one_of(*words: str) -> Kind:
    """One of some words."""
    listed = " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
    return Kind(lambda value: isinstance(value, str) and value in words, listed)


def text(wanted: str) -> Kind:
    """Text that is not empty."""
    return Kind(lambda value: isinstance(value, str) and bool(value), wanted)


def texts(wanted: str) -> Kind:
    """A list of texts that is not empty."""
    return Kind(
        lambda value: isinstance(value, list) and bool(value) and all(isinstance(word, str) for word in value), wanted
    )


SHARE = number("a share from 0 to 1", least=0, most=1)
TRUTH_VALUE = Kind(lambda value: isinstance(value, bool), "true or false")


def own_settings(
    settings: Mapping[str, Any], defaults: Mapping[str, Any], kinds: Mapping[str, Kind] | None = None
) -> dict[str, Any]:
    """Settings of a reader over their defaults.

    Args:
        settings: as `reader_settings:` has them; None stands for a default.
        defaults: every setting of the reader.
        kinds: what values may be, by setting; those that are not here are checked where they are used, and a default of
            None stands for itself.

    Raises:
        StageError: a name that is not known, or a value that can't be used.
    """
    unknown = [name for name in settings if name not in defaults]
    if unknown:
        raise StageError(f"reader_settings: {', '.join(unknown)} is not known; write {', '.join(defaults)}")
    own = {**defaults, **{name: value for name, value in settings.items() if value is not None}}
    for name, kind in (kinds or {}).items():
        if name in own and own[name] is not None and not kind.fits(own[name]):
            raise unusable(name, own[name], kind.wanted)
    return own


def unusable(name: str, value: object, wanted: str) -> StageError:
    """The error of a setting whose value can't be used."""
    return StageError(f"reader_settings: {name} is {value!r}; write {wanted}")
