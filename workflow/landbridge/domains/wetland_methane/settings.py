"""Settings of this domain's readers, checked one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from landbridge.kinds import is_number, is_whole
from landbridge.reader_settings import own_settings, unusable


class Given:
    """The settings of a reader over their defaults.

    Args:
        settings: as `reader_settings:` has them.
        defaults: every setting of the reader.

    Raises:
        StageError: a name that is not among the defaults.
    """

    def __init__(self, settings: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
        self.values = own_settings(settings, defaults)

    def word(self, name: str, words: Sequence[str]) -> str:
        """One of some words."""
        if self.values[name] not in words:
            raise unusable(name, self.values[name], " or ".join(words))
        return str(self.values[name])

    def number(self, name: str, above: float, most: float) -> float:
        """A number above one and not above another."""
        value = self.values[name]
        if not is_number(value) or not above < value <= most:
            raise unusable(name, value, f"a number above {above:g} and up to {most:g}")
        return float(value)

    def whole(self, name: str) -> int:
        """A whole number from 0 on."""
        value = self.values[name]
        if not is_whole(value) or value < 0:
            raise unusable(name, value, "a whole number such as 0")
        return int(value)

    def text(self, name: str) -> str:
        """A text, which may be empty."""
        if not isinstance(self.values[name], str):
            raise unusable(name, self.values[name], "text")
        return str(self.values[name])

    def years(self, name: str) -> list[int]:
        """The first and the last year, or none."""
        value = self.values[name]
        fits = isinstance(value, list) and all(type(year) is int for year in value)
        if not fits or len(value) not in (0, 2) or (value and value[0] > value[1]):
            raise unusable(name, value, "the first and the last, such as [1979, 1998]")
        return list(value)

    def mapping(self, name: str) -> dict[str, Any]:
        """A mapping by id or by name."""
        value = self.values[name]
        if not isinstance(value, Mapping):
            raise unusable(name, value, "a mapping such as {FI-Lom: ...}")
        return dict(value)

    def factors(self, name: str) -> dict[str, float]:
        """Factors by name."""
        return factors(self.mapping(name), name)


def factors(value: Any, where: str) -> dict[str, float]:
    """A mapping of factors above 0.

    Raises:
        StageError: something else; `where` names the setting.
    """
    if not isinstance(value, Mapping):
        raise unusable(where, value, "factors by name, such as {P_F: 0.1}")
    for name, one in value.items():
        if not is_number(one) or not one > 0:
            raise unusable(f"{where}: {name}", one, "a factor above 0, such as 0.1")
    return {str(name): float(one) for name, one in value.items()}
