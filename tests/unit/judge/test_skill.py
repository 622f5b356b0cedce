"""Skill and ranks over domains."""

import numpy as np
import pytest
from landbridge.judge import skill


def test_skill_of_errors_and_of_scores():
    assert skill.skill(2.0, 4.0, "lower") == pytest.approx(0.5)
    assert skill.skill(6.0, 4.0, "lower") == pytest.approx(-0.5)
    assert skill.skill(0.6, 0.2, "higher") == pytest.approx(0.5)
    assert skill.skill(-1.0, 2.0, "zero") == pytest.approx(0.5)  # a bias of -1 where the naive one is 2
    assert skill.skill(0.7, 0.7, "higher") == 0
    assert np.isnan(skill.skill(0.5, 1.0, "higher")) and np.isnan(skill.skill(0.5, 0.0, "lower"))


def row(domain, recipe, budgets, scenario="s", model="m"):
    head = {"domain": domain, "scenario": scenario, "model": model, "recipe": recipe, "variant": ""}
    return [{**head, "budget": budget, "skill": value} for budget, value in budgets.items()]


def test_a_scenario_is_the_mean_over_labelled_budgets_and_a_domain_the_median_over_scenarios():
    rows = row("a", "x", {"0": 9.0, "1": 0.2, "4": 0.4})
    rows += row("a", "y", {"0": 0.1, "1": 0.5, "4": None})  # not applicable at one of them
    rows += row("a", "x", {"1": 0.5}, "t") + row("a", "x", {"1": 0.9}, "u") + row("a", "truth", {"1": 1.0}, "u")
    rows += row("b", "x", {"0": 0.7}) + row("b", "y", {"0": 0.6})
    assert skill.by_domain(rows) == {"a": {("x", ""): 0.5}, "b": {("x", ""): 0.7, ("y", ""): 0.6}}


def test_recipes_that_stand_everywhere_are_ranked_among_themselves():
    skills = {
        "a": {("x", ""): 0.9, ("y", ""): 0.5, ("own", ""): 0.95},
        "b": {("x", ""): 0.2, ("y", ""): 0.3},
        "c": {("x", ""): 0.6, ("y", ""): 0.1},
    }
    rows = skill.rank_rows(skills)
    assert [own["recipe"] for own in rows] == ["x", "y", "own"]
    assert [own["mean_rank"] for own in rows[:2]] == pytest.approx([4 / 3, 5 / 3])
    assert np.isnan(rows[2]["mean_rank"]) and np.isnan(rows[2]["b"]) and rows[2]["domains"] == 1
    assert (rows[0]["median_skill"], rows[0]["mean_skill"]) == (0.6, pytest.approx(1.7 / 3))
    assert set(rows[0]) == set(skill.columns(list(skills)))
