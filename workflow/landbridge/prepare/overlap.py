"""What source and target have in common and must not share: groups, and places that a simulator was run at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from landbridge.contract import Dataset
from landbridge.prepare import ragged
from landbridge.prepare.columns import column, groups_of
from landbridge.prepare.population import Stretch
from landbridge.prepare.streams import hash_order
from landbridge.stage import StageError


def without_common_groups(
    source: Dataset, target: Dataset, settings: Mapping[str, Any], left_out: list[dict[str, Any]]
) -> tuple[Dataset, Dataset]:
    """Two populations without a common group: it is the target's, or a share of them is the source's."""
    groups = {"source": groups_of(source, settings), "target": groups_of(target, settings)}
    common = sorted(set(groups["source"]) & set(groups["target"]))
    share = settings["split"].get("source_share") or 0.0
    of_source = set(hash_order(common, "split common groups", settings["split"]["seed"])[: round(share * len(common))])
    found = []
    for side, dataset, others in (
        ("source", source, set(common) - of_source),
        ("target", target, of_source),
    ):
        lost = np.isin(groups[side], sorted(others))
        if lost.any():
            other = "target" if side == "source" else "source"
            names = np.asarray(dataset["unit_name"])[lost].tolist()
            left_out.append({"reason": f"{side} unit in a group of the {other}", "units": names})
            dataset = ragged.select_units(dataset, ~lost)
        if len(dataset["unit_name"]) == 0:
            raise StageError(
                f"split: source and target have the same groups, and the {side} keeps none of them; write "
                f"source_share: 0.5, or another group column"
            )
        found.append(dataset)
    return found[0], found[1]


def without_simulated_tests(
    both: Dataset, stretches: list[Stretch], settings: Mapping[str, Any], left_out: list[dict[str, Any]]
) -> list[Stretch]:
    """Without what a simulator computed at the places of the test: its drivers are the test's own inputs.

    Raises:
        StageError: nothing is left to train on, or to validate with.
    """
    name = settings["split"]["simulated_at"]
    places = column(both, name, "split: simulated_at")
    tested = {places[stretch.unit] for stretch in stretches if stretch.part == "target_test"}
    kept = [
        stretch for stretch in stretches if not (stretch.part.startswith("source") and places[stretch.unit] in tested)
    ]
    lost = sorted(_names(both, stretches) - _names(both, kept))
    if lost:
        left_out.append({"reason": f"simulated at the {name} of a test unit", "units": lost})
    missing = {"source_train", "source_val"} - {stretch.part for stretch in kept}
    if missing:
        raise StageError(
            f"split: every unit of {' and of '.join(sorted(missing))} was simulated at the {name} of a test unit; "
            f"simulate more places, or write a smaller target_test or more folds"
        )
    return kept


def _names(both: Dataset, stretches: Sequence[Stretch]) -> set[str]:
    return {str(both["unit_name"][stretch.unit]) for stretch in stretches}
