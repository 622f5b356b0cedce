"""Settings of recipes, checked by their kinds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from landbridge.kinds import Kind, number
from landbridge.stage import StageError

POSITIVE = number("a number above 0", above=0)
NOT_NEGATIVE = number("a number from 0 on", least=0)
SHARE = number("a number from 0 to 1", least=0, most=1)


def check(settings: Mapping[str, Any], recipe: str, **kinds: Kind) -> None:
    """Refuse settings that are not of the kinds given by name.

    Raises:
        StageError: the text names recipe, setting and what to write.
    """
    for name, kind in kinds.items():
        if not kind.fits(settings[name]):
            raise StageError(f"recipe_settings.{recipe}: {name} is {settings[name]!r}; write {kind.wanted}")
