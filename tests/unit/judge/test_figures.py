"""Figures: equal bytes, and the words that a reader needs."""

from types import SimpleNamespace

import pytest
from landbridge.judge import canvas, figures

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
    figures.overview(tmp_path / "b.svg", [])
    assert (tmp_path / "a.svg").exists()
    assert (tmp_path / "b.svg").exists()
