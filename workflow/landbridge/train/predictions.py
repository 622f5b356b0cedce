"""The file of predictions that a transfer writes, from what each budget gave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from landbridge.contract import CONVENTIONS, PROBABILITY_SCALE, Dataset, Variable
from landbridge.prepare import budgets
from landbridge.stage import Job
from landbridge.train.fitting import Result
from landbridge.train.layout import Layout
from landbridge.train.spread import variables

MISSING_PROBABILITY = 255


def predictions(job: Job, layout: Layout, test: Dataset, results: Sequence[Result]) -> Dataset:
    """The predictions file: budgets that gave nothing are NaN, or 255.

    Where the job does not choose among trials, a budget stands there once for each, with its number as `trial`.
    """
    rows = len(test["row_unit"])
    shape = next((result.values.shape for result in results if result.values is not None), None)
    name, dimensions, dtype, missing = {
        "regression": ("prediction", ("budget", "row", "target"), np.float32, np.nan),
        "classification": ("log_probability", ("budget", "row", "class"), np.float32, np.nan),
        "segmentation": ("probability", ("budget", "row", "class", "y", "x"), np.uint8, MISSING_PROBABILITY),
    }[layout.task]
    if shape is None:
        pixels = test["reflectance"].shape[2:] if layout.task == "segmentation" else ()
        shape = (rows, layout.outputs, *pixels)
    values = np.full((len(results), *shape), missing, dtype)
    for number, result in enumerate(results):
        if result.values is not None:
            scaled = np.rint(result.values * PROBABILITY_SCALE) if layout.task == "segmentation" else result.values
            values[number] = scaled.astype(dtype)
    members = layout.targets if layout.task == "regression" else layout.classes
    attributes: dict[str, Any] = {"long_name": name.replace("_", " ")}
    if layout.task == "segmentation":
        attributes |= {"scale_factor": 1 / PROBABILITY_SCALE, "missing_value": np.uint8(MISSING_PROBABILITY)}
    ints = np.int32

    def per_budget(values: list[Any], dtype: Any = None) -> Variable:
        return Variable(("budget",), np.asarray(values, dtype))

    numbers = [result.trial for result in results]
    return Dataset(
        {
            "budget": per_budget([result.budget.label for result in results]),
            **({"trial": per_budget(numbers, ints)} if None not in numbers else {}),
            "budget_size": per_budget([result.budget.size for result in results], ints),
            "selection": per_budget([result.selection for result in results]),
            "status": per_budget([result.status for result in results]),
            "labels_used": per_budget([result.labels_used for result in results], ints),
            "labels_hash": per_budget([result.budget.rows if result.labels_used else "" for result in results]),
            "labels_for_selection": per_budget([result.budget.selection_size for result in results], ints),
            "target_name" if layout.task == "regression" else "class_name": Variable(
                (dimensions[2],), np.asarray(members)
            ),
            name: Variable(dimensions, values, attributes),
            **variables([result.spread for result in results], layout.task),
        },
        {
            "Conventions": CONVENTIONS,
            "kind": "predictions",
            "task": layout.task,
            "row_of": test.attributes["row_of"],
            "rows_table_hash": test.attributes["rows_table_hash"],
            "budget_unit": budgets.AXES[job.settings["budget_axis"]],
            "model": job.wildcards.get("model", ""),
            "recipe": job.settings["recipe"],
            "variant": job.settings["variant"],
            "place": job.settings["place"],
        },
    )
