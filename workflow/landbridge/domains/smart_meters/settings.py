"""Settings of the readers of this domain, checked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from landbridge.kinds import TRUTH_VALUE, Kind, is_whole, number, text, whole
from landbridge.reader_settings import own_settings, unusable
from landbridge.stage import StageError

DAY = 86_400  # s
KINDS = {
    "step": whole(1, "whole seconds"),
    "fine": whole(1, "whole seconds"),
    "fill": whole(0, "whole seconds"),
    "clip_mains": number("W, such as 6000", above=0),
    "keep_shared": TRUTH_VALUE,
    "homes": Kind(
        lambda value: isinstance(value, list) and bool(value) and all(map(is_whole, value)),
        "a list of numbers such as [1, 2], or leave it out",
    ),
}


@dataclass(frozen=True)
class Settings:
    """What the readers of raw meters share.

    Attributes:
        prefix: of the names of homes.
        step: s, of the grid that units are on.
        fine: s, of the grid on which readings are filled and appliances are found to be on.
        fill: s, longest gap that the last reading fills.
        clip_mains: W at which the mains are cut.
        keep_shared: give appliances on shared meters labels.
        homes: numbers of the homes to read; None for all.
    """

    prefix: str
    step: int = 60
    fine: int = 10
    fill: int = 60
    clip_mains: float = 6000
    keep_shared: bool = False
    homes: tuple[int, ...] | None = None


def settings_of_meters(settings: Mapping[str, Any], prefix: str) -> Settings:
    """Settings of a reader over their defaults.

    Raises:
        StageError: a name or a value that can't be used.
    """
    kinds = {**KINDS, "prefix": text(f"a word such as {prefix}")}
    values = own_settings(settings, vars(Settings(prefix)), kinds)
    homes = values.pop("homes")
    own = Settings(**values, homes=None if homes is None else tuple(sorted(set(homes))))
    if own.step % own.fine or DAY % own.step:
        raise StageError(
            f"reader_settings: step is {own.step} and fine is {own.fine}; write a step that holds whole fine bins and "
            f"of which a day holds a whole number, such as step 60 and fine 10"
        )
    if own.fill > DAY:
        raise unusable("fill", own.fill, f"at most {DAY} s")
    return own


def by_number(paths: Iterable[Path], pattern: re.Pattern[str]) -> dict[int, Path]:
    """Files or folders of houses by the number in their names; those of other names are passed over.

    Raises:
        StageError: two of one number.
    """
    found: dict[int, Path] = {}
    for path in sorted(paths):
        match = pattern.fullmatch(path.name)
        if match is None:
            continue
        number = int(match.group(1))
        if number in found:
            raise StageError(f"{path}: house {number} is in {found[number].name} too; keep one of them")
        found[number] = path
    return found


def chosen(there: Mapping[int, Any], homes: tuple[int, ...] | None, where: object) -> list[int]:
    """Numbers of the homes to read, sorted.

    Raises:
        StageError: a home that is not there.
    """
    if homes is None:
        return sorted(there)
    absent = [number for number in homes if number not in there]
    if absent:
        raise StageError(f"reader_settings: homes {absent} are not in {where}; write some of {sorted(there)}")
    return list(homes)
