"""Confusion matrices: which counts they show, and equal bytes."""

from types import SimpleNamespace

import numpy as np
from landbridge.judge import figures_of_classes
from landbridge.judge.metrics import confusion
from landbridge.judge.scores import Run, Scores

CLASSES = ["bike", "walk"]
NAMES = confusion.sum_names(2)
SETTINGS = {
    "title": "From here to there",
    "headline": {"target": "label", "metric": "macro_f1.unit", "statistic": "pooled"},
    "budget_unit": "units",
    "bootstrap": {"replicates": 20, "level": 0.95},
}


def scores(windows, votes):
    """One recipe at two budgets, two seeds and two cells; counts (true, predicted) of the second budget, per cell."""
    names = (*NAMES, *(f"{name}.unit" for name in NAMES))
    sums = np.zeros((2, 2, 2, len(names)))
    for matrix, suffix in ((windows, ""), (votes, ".unit")):
        for (i, j), count in np.ndenumerate(np.array(matrix)):
            sums[1, :, :, names.index(f"confusion_{i}_{j}{suffix}")] = count
    runs = [
        Run(
            "m",
            recipe,
            "",
            {"label": sums if recipe == "full_finetune" else sums[::-1]},
            ["", ""],
            ["ok", "ok"],
            [0, 5],
        )
        for recipe in ("source_only", "full_finetune")
    ]
    groups = {"groups": ["a", "b"], "class_of_group": ["", ""], "group_of_cell": np.array([0, 1])}
    return Scores(runs, names, ["label"], ["0", "5"], seeds=[0, 1], task="classification", classes=CLASSES, **groups)


def test_counts_are_summed_over_cells_and_meant_over_seeds():
    own = scores([[3, 1], [0, 2]], [[1, 0], [1, 0]])
    assert figures_of_classes.matrix_of(own.runs[1], 1, own, votes=False).tolist() == [[6, 2], [0, 4]]
    assert figures_of_classes.matrix_of(own.runs[1], 1, own, votes=True).tolist() == [[2, 0], [2, 0]]


def test_before_and_after_stand_side_by_side_in_equal_bytes(tmp_path):
    material = SimpleNamespace(scores=scores([[3, 1], [0, 2]], [[1, 0], [1, 0]]), leaderboard=[])
    texts = []
    for name in ("one", "two"):
        figures_of_classes.confusions(tmp_path / f"{name}.svg", material, SETTINGS)
        texts.append((tmp_path / f"{name}.svg").read_bytes())
    assert texts[0] == texts[1]
