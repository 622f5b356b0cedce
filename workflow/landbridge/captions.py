"""Words below the figures of a report, from the files that draw them, and links to what it does not hold."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from landbridge import registry
from landbridge.registry import ROOT

CLASS_MAP, PROBABILITY_MAP = "_class.tif", "_probability.tif"  # end the names that `judge.maps` gives
LINKED_SCENES = 12  # of each recipe; the folder has the others


def caption(domain: str, figure: str, **words: Any) -> str:
    """Caption of a figure of a domain, with the words that it asks for filled in."""
    return _captions(domain).get(figure, figure).format(**words)


@cache
def _captions(domain: str) -> dict[str, str]:
    """Captions of all figures that a domain may draw."""
    found: dict[str, str] = {}
    for path in (ROOT / "judge" / "figures.py", ROOT / "domains" / domain / "figures.py"):
        found |= registry.literals(path).get("CAPTIONS", {}) if path.is_file() else {}
    return found


def links_to_maps(folders: Sequence[str]) -> str:
    """Links to the GeoTIFFs that stand, as a list in reStructuredText, relative to the report beside them.

    The report does not hold the files: those of a published scenario may be hundreds of megabytes.

    Args:
        folders: `results/{domain}/maps/{scenario}/{model}-{recipe}/seed0`.
    """
    lines = []
    for folder in map(Path, folders):
        inside = folder.relative_to("results").as_posix()
        model, _, recipe = folder.parent.name.partition("-")
        scenes = sorted(path.name.removesuffix(CLASS_MAP) for path in folder.glob(f"*{CLASS_MAP}"))
        shown = [
            f"``{scene}`` (`classes <{inside}/{scene}{CLASS_MAP}>`__, "
            f"`probability <{inside}/{scene}{PROBABILITY_MAP}>`__)"
            for scene in scenes[:LINKED_SCENES]
        ]
        more = [f"and {len(scenes) - LINKED_SCENES} more"] if len(scenes) > LINKED_SCENES else []
        if scenes:
            whole = f"- {model}, {recipe.replace('_', ' ')} (`folder <{inside}/>`__): "
            lines.append(whole + ", ".join([*shown, *more]) + ".")
    return "\n\n" + "\n".join(lines) + "\n\n" if lines else ""
