"""Figures: equal bytes, and the words that a reader needs."""

from types import SimpleNamespace

import numpy as np
import pytest
from landbridge.judge import canvas, figures, figures_of_ranks
from landbridge.judge.metrics import regression
from landbridge.judge.scores import Run, Scores
from matplotlib.axes import Axes
from matplotlib.figure import Figure

HEADLINE = {"target": "gpp", "metric": "rmse", "statistic": "mean"}
SETTINGS = {
    "title": "Here to there",
    "headline": HEADLINE,
    "budgets": ["0", "1"],
    "targets": {"gpp": {"units": "g m-2 d-1", "long_name": "gross primary production"}},
    "metric_titles": {"rmse": "RMSE"},
    "metric_units": {"rmse": "target"},
    "metric_better": {"rmse": "lower"},
    "bootstrap": {"level": 0.95, "replicates": 100},
}
ROW = {
    **HEADLINE,
    "model": "lstm",
    "variant": "",
    "budget_unit": "groups",
    "interval": "groups",
    "groups": "8",
    "seeds": "3",
    "status": "ok",
}


def leaderboard():
    return [
        {
            **ROW,
            "recipe": recipe,
            "budget": budget,
            "value": str(value),
            "low": str(value - 0.1),
            "high": str(value + 0.1),
        }
        for recipe, value in (("source_only", 1.0), ("full_finetune", 0.7), ("truth", 0.2))
        for budget in ("0", "1")
    ]


def effect_table():
    return [
        {
            **ROW,
            "recipe": "full_finetune",
            "reference": reference,
            "budget": "1",
            "delta": "0.3",
            "low": "0.1",
            "high": "0.5",
            "verdict": "helps",
        }
        for reference in ("target_only", "source_only")
    ]


@pytest.mark.parametrize(
    ("draw", "table"), [(figures.learning_curve, leaderboard()), (figures.effects, effect_table())]
)
def test_equal_bytes(tmp_path, draw, table):
    material = SimpleNamespace(leaderboard=table, effects=table)
    for name in ("a", "b"):
        draw(tmp_path / f"{name}.svg", material, SETTINGS)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert b"<dc:date>" not in (tmp_path / "a.svg").read_bytes()


@pytest.mark.parametrize("budgets", [["0", "1"], ["1"]])
def test_what_the_test_would_have_chosen_is_a_dotted_line_or_a_hollow_mark(tmp_path, monkeypatch, budgets):
    lines, plot = {}, Axes.plot

    def seen(axis, places, values, **how):
        lines[how.get("label"), how.get("fillstyle")] = list(places), list(values), how["color"], how.get("linestyle")
        return plot(axis, places, values, **how)

    monkeypatch.setattr(Axes, "plot", seen)
    table = [row for row in leaderboard() if row["budget"] in budgets]
    bounds = [{**row, "value": "0.5", "selection": "oracle"} for row in table if row["recipe"] == "full_finetune"]
    bounds += [{**row, "selection": "target_val_large"} for row in bounds]
    material = SimpleNamespace(leaderboard=table, large=bounds)
    figures.learning_curve(tmp_path / "a.svg", material, {**SETTINGS, "trials": 8})
    if len(budgets) == 1:
        assert lines[None, "none"] == ([0.5], [0], "black", None)  # beside its recipe, which stands last
        return
    places, _, colour, _ = lines["full finetune", None]
    assert lines["full finetune, oracle: best of 8 trials by the test", None] == (places, [0.5, 0.5], colour, ":")
    lines.clear()
    figures.learning_curve(tmp_path / "b.svg", material, SETTINGS)  # where nobody asked for it
    assert not [label for label, _ in lines if "oracle" in str(label)]


def test_units_stand_in_words():
    assert canvas.what_is_measured(HEADLINE, SETTINGS) == "RMSE of gross primary production [g\u00a0m-2\u00a0d-1]"


def test_every_figure_has_a_caption_that_names_its_interval():
    assert set(figures.CAPTIONS) == set(figures.FIGURES)
    for text in figures.CAPTIONS.values():
        filled = text.format(scenario="s", level="95", replicates=100, budget_unit="groups")
        assert "95 % interval" in filled
        assert "bootstrap" in filled


def test_nothing_to_compare_is_said(tmp_path):
    figures.effects(tmp_path / "a.svg", SimpleNamespace(effects=[]), SETTINGS)
    assert (tmp_path / "a.svg").exists()


def rank_material(groups=12, spread=0.0):
    """Scores of four runs, of which one has none at the largest budget."""
    level = np.linspace(1, 2, 4)[:, None] + spread * np.random.default_rng(1).normal(size=(4, groups))
    runs = []
    for number, name in enumerate(("a", "b", "c", "late")):
        sums = np.zeros((2, 2, groups, len(regression.SUMS)))
        sums[..., regression.SUMS.index("n")] = 1
        sums[..., regression.SUMS.index("sum_sq_error")] = level[number] ** 2
        status = ["ok", "ok" if name != "late" else "not_applicable: none"]
        runs.append(Run("m", name, "", {"y": sums}, ["fixed"] * 2, status, [1, 4]))
    names = [f"g{number}" for number in range(groups)]
    scores = Scores(
        runs, tuple(regression.SUMS), ["y"], ["1", "4"], names, names, np.arange(groups), [0, 1], "regression"
    )
    return SimpleNamespace(scores=scores, metric=regression.METRICS["rmse"])


def test_recipes_are_ranked_where_all_have_a_score():
    number, runs = figures_of_ranks.largest_common_budget(rank_material().scores)
    assert (number, len(runs)) == (0, 4)


def test_a_diagram_or_the_sentence_in_its_place(tmp_path, monkeypatch):
    texts = []
    written = Figure.text
    monkeypatch.setattr(Figure, "text", lambda self, x, y, s, **how: texts.append(s) or written(self, x, y, s, **how))
    settings = {**SETTINGS, "headline": {"target": "y", "metric": "rmse", "statistic": "mean"}}
    for name, groups in (("few", 9), ("many", 12)):
        figures_of_ranks.critical_difference(tmp_path / f"{name}.svg", rank_material(groups), settings)
    refusals = [text.replace("\n", " ") for text in texts if "No critical-difference diagram" in text]
    assert len(refusals) == 1 and "at least 10 independent tasks, and there are 9 test groups" in refusals[0]
    assert any(text.startswith("12 test groups; budget 1, 2 seeds averaged") for text in texts)
