"""What a setting may be, and how to say so: for settings that the configuration leaves to readers and recipes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any


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
    """Whether a value is a finite number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def is_whole(value: object) -> bool:
    """Whether a value is a whole number; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def whole(least: int, wanted: str) -> Kind:
    """A whole number from `least` on."""
    return Kind(lambda value: is_whole(value) and value >= least, wanted)


def number(wanted: str, *, above: float = -inf, least: float = -inf, most: float = inf, below: float = inf) -> Kind:
    """A number above one, not below another, not above a third and below a fourth."""
    return Kind(lambda value: is_number(value) and above < value < below and least <= value <= most, wanted)


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
