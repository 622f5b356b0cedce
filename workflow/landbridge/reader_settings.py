"""Settings of a reader over its defaults, checked, and the one wording of what is wrong with one.

A reader names its settings by their defaults. `own_settings` refuses other names and, by a table of `Kind`, values that
can't be used; what depends on files is checked by the reader, which says so through `unusable`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from landbridge.kinds import Kind
from landbridge.stage import StageError


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
