"""Who is beaten by nobody, who is cheap, and equal bytes of the figures of coverage and cost."""

from types import SimpleNamespace

import numpy as np
import pytest
from landbridge.judge.figures_of_cost import _as_named, cheap, front, pareto
from landbridge.judge.figures_of_coverage import coverage
from landbridge.judge.metrics import intervals
from landbridge.judge.scores import Run, Scores
from landbridge.stage import StageError

HEADLINE = {"target": "y", "metric": "rmse", "statistic": "mean"}
SETTINGS = {
    "title": "From here to there",
    "headline": HEADLINE,
    "budgets": ["0", "4"],
    "budget_unit": "groups",
    "bootstrap": {"replicates": 40, "level": 0.95},
    "targets": {"y": {"long_name": "flux", "units": "g m-2 d-1"}},
    "metric_titles": {"rmse": "RMSE"},
    "metric_units": {"rmse": "target"},
    "metric_better": {"rmse": "lower"},
}
RUN = {"model": "m", "variant": "", "selection": "fixed"}
ABOUT = {"groups": "6", "seeds": "2", "interval": "groups", "status": "ok"}


def board(recipe, budget, value, metric="rmse"):
    numbers = {"value": str(value), "low": str(value - 0.1), "high": str(value + 0.1)}
    return {**RUN, **ABOUT, **HEADLINE, "metric": metric, "recipe": recipe, "budget": budget, **numbers}


def price(recipe, stage="transfer", **changes):
    numbers = {"seconds": "10", "bytes_to_ship": "100", "labels_used": "4", "objective": "", "shared": "no", **changes}
    return {**RUN, "recipe": recipe, "stage": stage, **numbers}


def test_the_front_is_beaten_by_none():
    """Of (1, 5), (2, 3), (2, 4), (3, 3), (4, 1) the third loses to the second, and the fourth costs more than it."""
    assert front(np.array([4.0, 2, 1, 3, 2]), np.array([1.0, 3, 5, 3, 4])) == [2, 1, 0]


def test_cheap_is_within_one_per_cent_of_the_best():
    values = np.array([1.0, 1.008, 1.011, 0.999])
    prices = np.array([50.0, 3.0, 1.0, 100.0])
    assert cheap(prices, values, values, "lower") == [0, 1]
    assert cheap(prices, -values, values, "higher") == []  # the best one costs least
    assert cheap(prices[:0], values[:0], values[:0], "lower") == []


def test_jobs_of_runs_that_stand_apart_cost_the_others_nothing():
    rows = [board("full_finetune", "4", 1.0), {**board("pooled", "4", 1.0), "variant": "unsup_iw"}]
    costs = [{**price("full_finetune"), "selection": rule} for rule in ("", "oracle", "target_val_large")]
    costs += [{**price("pooled"), "selection": "unsup_iw"}, {**price("erm", "pretrain"), "selection": ""}]
    found = _as_named(costs, rows)
    assert [(row["recipe"], row["variant"]) for row in found] == [
        ("full_finetune", ""),
        ("pooled", "unsup_iw"),
        ("erm", ""),
    ]


@pytest.fixture
def material():
    """The checkpoint of a recipe costs 30 seconds more than its job."""
    rows = [board("source_only", budget, 1.0) for budget in ("0", "4")]
    rows += [board("naive", "0", 2.0), board("full_finetune", "4", 0.995)]
    costs = [price("source_only", labels_used="0", bytes_to_ship="0", objective="erm"), price("naive", labels_used="0")]
    costs += [price("full_finetune", objective="erm", shared="yes"), price("erm", "pretrain", seconds="30")]
    return SimpleNamespace(leaderboard=rows, cost=costs)


def test_pareto_says_who_is_cheap_and_that_jobs_shared_cores(tmp_path, material, monkeypatch):
    told = {}

    def keep(drawn, row, text):
        legend = drawn.legends[0].get_texts()
        told.update(note=text, bold=[own.get_text() for own in legend if own.get_fontweight() == "bold"])
        told["seconds"] = [line.get_xdata()[0] for line in drawn.axes[1].lines if line.get_linestyle() == "None"]

    monkeypatch.setattr("landbridge.judge.figures_of_cost.note", keep)
    pareto(tmp_path / "a.svg", material, SETTINGS)
    assert told["bold"] == ["source only\n(cheap: bytes, labels)"]
    assert "some jobs shared their cores" in told["note"]
    assert sorted(told["seconds"]) == [10, 40, 40]


def test_equal_bytes(tmp_path, material):
    for name in ("one", "two"):
        pareto(tmp_path / f"{name}.svg", material, SETTINGS)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    pareto(tmp_path / "empty.svg", SimpleNamespace(leaderboard=[], cost=[]), SETTINGS)
    assert (tmp_path / "empty.svg").exists()


def scores_of(task="regression"):
    """One recipe with intervals and one without; half of the labels of each group are covered."""
    names = ("n", *intervals.SUMS)
    sums = np.zeros((2, 2, 6, len(names)))
    for name, value in {"n": 8, "rows50": 8, "rows90": 8, "covered50": 4, "covered90": 4, "width50": 8}.items():
        sums[..., names.index(name)] = value
    sums[..., names.index("pit_0")] = 8
    none = np.zeros_like(sums)
    none[..., 0] = 8
    texts = [["conformal: 9 groups"] * 2, ["none: no labels"] * 2]
    runs = [
        Run("m", recipe, "", {"y": own}, ["", ""], ["ok", "ok"], [0, 4], text)
        for recipe, own, text in zip(("source_only", "target_only"), (sums, none), texts, strict=True)
    ]
    groups = [f"g{number}" for number in range(6)]
    where = {"class_of_group": [""] * 6, "group_of_cell": np.arange(6)}
    return Scores(runs, names, ["y"], ["0", "4"], groups=groups, seeds=[0, 1], task=task, **where)


def test_coverage_shows_groups_and_says_where_there_is_no_interval(tmp_path, monkeypatch):
    rows = [board("source_only", "4", 0.5, name) for name in ("coverage50", "coverage90")]
    material = SimpleNamespace(scores=scores_of(), leaderboard=rows)
    shown = []
    monkeypatch.setattr(
        "landbridge.judge.figures_of_coverage._covered", lambda axis, place, row, groups: shown.append((row, groups))
    )
    coverage(tmp_path / "a.svg", material, SETTINGS)
    assert [groups.tolist() for _, groups in shown] == [[0.5] * 6] * 2  # of both levels; the other recipe has none
    monkeypatch.undo()
    for name in ("one", "two"):
        coverage(tmp_path / f"{name}.svg", material, SETTINGS)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_coverage_asks_for_its_metrics_and_for_numbers(tmp_path):
    with pytest.raises(StageError, match="write coverage50 and coverage90 in `metrics:`"):
        coverage(tmp_path / "a.svg", SimpleNamespace(scores=scores_of(), leaderboard=[]), SETTINGS)
    with pytest.raises(StageError, match="take it out of `figures:`"):
        coverage(tmp_path / "a.svg", SimpleNamespace(scores=scores_of("classification"), leaderboard=[]), SETTINGS)
