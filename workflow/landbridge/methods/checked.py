"""Settings of recipes that must be numbers of a certain range."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from landbridge.stage import StageError


def number(settings: Mapping[str, Any], name: str, recipe: str, least: float = 0.0, most: float = np.inf) -> float:
    """The setting `name` as a finite number from `least` to `most`.

    Raises:
        StageError: it is none.
    """
    given = settings[name]
    fits = isinstance(given, int | float) and not isinstance(given, bool) and np.isfinite(given)
    if not fits or not least <= given <= most:
        most_words = "" if most == np.inf else f" to {most:g}"
        raise StageError(
            f"recipe_settings.{recipe}: {name} is {given!r}; write a number from {least:g}{most_words or ' up'}"
        )
    return float(given)
