"""Label budgets: how much labelled target data a recipe may see, nested and paired across recipes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from landbridge.contract import Dataset, time_unit
from landbridge.prepare import ragged
from landbridge.prepare.streams import hash_order, majority, stratified_order
from landbridge.stage import StageError

AXES = {"groups": "groups", "units": "units", "time": "days"}  # budget axis, and the unit that tables print
SELECTION_FROM = 8  # labelled groups from which a quarter may be kept for choosing the number of steps
SELECTION_SHARE = 4


class TooSmallError(StageError):
    """A budget of which a quarter is less than one group."""


@dataclass(frozen=True)
class Budget:
    """What one budget holds.

    Attributes:
        label: as the configuration writes it: "0", "4", "all".
        size: groups, units or days that it really holds, those kept for selection included.
        train: labelled data to fit on; None at size 0.
        selection: labelled data to choose the number of steps by; None unless a quarter is kept for that.
        selection_size: groups or units in `selection`.
        rows: hash of the labelled rows, where it was checked.
    """

    label: str
    size: int
    train: Dataset | None
    selection: Dataset | None = None
    selection_size: int = 0
    rows: str = ""


def _members(pool: Dataset, axis: str) -> np.ndarray:
    """(unit,) what is counted: the group of each unit, or its own name."""
    return np.asarray(pool["group"] if axis == "groups" else pool["unit_name"]).astype(str)


def order(pool: Dataset, axis: str, scenario: str, seed: int, *, stratify: bool = False) -> list[str]:
    """Groups of the pool, or its units, in the order in which growing budgets take them.

    Every recipe sees the same order; another seed gives another, and neither touches the initialisation.

    Args:
        pool: the whole pool.
        axis: `groups` or `units`.
        scenario: a key of the stream.
        seed: a key of the stream.
        stratify: hold the classes (`class_of`, of a group the most frequent one) in proportion at every size. Few who
            label data can do so, which is why budgets are drawn without.
    """
    members = _members(pool, axis)
    if not stratify:
        return hash_order(sorted(set(members.tolist())), "subset", scenario, seed)
    classes = majority(zip(members.tolist(), np.asarray(pool["class_of"]).astype(str).tolist(), strict=True))
    return stratified_order(classes, "subset", scenario, seed)


def cut(
    pool: Dataset,
    axis: str,
    label: str,
    *,
    scenario: str,
    seed: int,
    keep_for_selection: bool | None = None,
    stratify: bool = False,
    selection_from: int = SELECTION_FROM,
) -> Budget | None:
    """One budget of a pool. A smaller budget lies inside a larger one, up to the quarter that is kept for selection.

    Args:
        pool: the whole pool; on a time axis the pool of one target group, or of all.
        axis: `groups`, `units` or `time`.
        label: a number, or "all".
        scenario: a key of the stream that orders the pool.
        seed: a key of that stream.
        keep_for_selection: whether the last quarter is kept to choose the number of steps by; None: from
            `selection_from` on. Not on a time axis, where what follows the labelled days is too short to hold windows
            of its own.
        stratify: as of `order`.
        selection_from: see `keep_for_selection`.

    Returns:
        None where the pool holds fewer than `label`.

    Raises:
        StageError: an unknown axis, or a quarter to be kept on a time axis.
        TooSmallError: a budget that is too small to keep a quarter of it.
    """
    if axis not in AXES:
        raise StageError(f"budget_axis '{axis}' is not known; write {', '.join(AXES)}")
    if axis == "time":
        if keep_for_selection:
            raise StageError(
                "selection target_val_k keeps labelled groups or units, and this budget is counted in days; write fixed"
            )
        return _leading_days(pool, label)
    ranked = order(pool, axis, scenario, seed, stratify=stratify)
    size = len(ranked) if label == "all" else int(label)
    if size > len(ranked):
        return None
    if size == 0:
        return Budget(label, 0, None)
    kept = (
        size // SELECTION_SHARE if (size >= selection_from if keep_for_selection is None else keep_for_selection) else 0
    )
    if keep_for_selection and kept == 0:
        raise TooSmallError(
            f"selection target_val_k takes a quarter of the budget, and {size} {axis} leave none for it; use it with "
            f"budgets of {SELECTION_SHARE} and more"
        )
    members = _members(pool, axis)
    train = ragged.select_units(pool, np.isin(members, ranked[: size - kept]))
    selection = ragged.select_units(pool, np.isin(members, ranked[size - kept : size])) if kept else None
    return Budget(label, size, train, selection, kept)


def _leading_days(pool: Dataset, label: str) -> Budget | None:
    """The first days of each unit of a pool that was cut in time, counted from the unit's own first observation."""
    day = time_unit(pool)[1]
    pool = ragged.select_units(pool, pool["row_size"] > 0)
    offsets = ragged.offsets(pool["row_size"])
    starts = pool["time"][offsets[:-1]]
    spans = (pool["time"][offsets[1:] - 1] - starts) // day + 1
    longest = int(spans.min()) if len(spans) else 0
    size = longest if label == "all" else int(label)
    if size > longest:
        return None
    if size == 0:
        return Budget(label, 0, None)
    ends = starts + size * day
    stops = [
        int(np.searchsorted(pool["time"][offsets[i] : offsets[i + 1]], ends[i]) + offsets[i])
        for i in range(len(starts))
    ]
    return Budget(label, size, ragged.cut(pool, np.arange(len(starts)), offsets[:-1], np.asarray(stops)))
