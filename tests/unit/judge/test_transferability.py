"""How well a distance ranks gains: correlations against scipy, and the tables of made-up scores."""

from pathlib import Path

import numpy as np
import pytest
from landbridge.judge import tables, transferability, transferability_of_all
from landbridge.judge.figures_of_transferability import TITLES, _in_words
from landbridge.judge.transferability import mean_over_folds, rank_correlation, spearman
from landbridge.stage import Job
from scipy.stats import spearmanr

from tests.unit.judge import test_compare as made

FILES = {"measures": "measures.csv", "ranks": "ranks.csv", "figure": "figure.svg"}
BOOTSTRAP = {"bootstrap": {"replicates": 200, "level": 0.95}}
SETTINGS = {
    **{name: made.SETTINGS[name] for name in ("scenario", "headline", "bootstrap", "budgets", "budget_axis")},
    "title": "Here to there",
    "targets": {"y": {"units": "g m-2 d-1", "long_name": "flux"}},
}


def test_rank_correlations_are_those_of_scipy_and_weights_repeat_pairs():
    random = np.random.default_rng(1)
    x, y = random.integers(0, 4, size=(2, 9)).astype(float)  # with ties
    weights = np.stack([np.ones(9), random.multinomial(9, np.full(9, 1 / 9)), np.eye(9)[0] * 9])
    found = spearman(x[None], y[None], weights)
    times = weights[1].astype(int)
    assert found[:2] == pytest.approx(
        [spearmanr(x, y).statistic, spearmanr(x.repeat(times), y.repeat(times)).statistic]
    )
    assert np.isnan(found[2])  # one pair alone has no order


def correlation(x, y, clusters=None):
    own = np.arange(len(x)) if clusters is None else np.array(clusters)
    return rank_correlation(np.array(x, float), np.array(y, float), own, "groups", BOOTSTRAP, ["test"])


def test_intervals_and_what_has_none():
    found = correlation(range(8), [-1, -2, -3, -5, -4, -6, -7, -8])
    assert found["spearman"] == pytest.approx(-0.976, abs=1e-3)
    assert -1 <= found["low"] <= found["high"] < 0 and found["groups"] == 8
    for alone in (
        correlation(range(8), [1, 0, 2, 3, 4, 5, 6, 7], [0, 0, 0, 1, 1, 2, 3, 4]),  # five clusters
        correlation(range(8), range(8)),  # the order of every draw is perfect, too
    ):
        assert alone["spearman"] > 0.9 and np.isnan(alone["low"]) and alone["status"] == "ok"
    few = correlation([1, 2, 3, np.nan], [1, 2, 3, 4])
    assert few["status"] == "not_applicable: 3 groups, and 4 are the fewest" and np.isnan(few["spearman"])
    assert correlation([1] * 5, range(5))["status"] == "not_applicable: all distances are equal"
    assert correlation(range(5), [1] * 5)["status"] == "not_applicable: all gains are equal"


def test_words_tell_a_clear_order_from_none():
    clear, none = correlation(range(8), [8, 7, 6, 5, 3, 4, 2, 1]), correlation(range(8), [3, 1, 2, 4, 1, 2, 4, 3])
    assert "farther groups gain less; 8 groups" in _in_words(clear)
    assert "no order shown" in _in_words(none)


def measures(path, offset=0.0):
    whole = [{"measure": "mmd", "group": "", "value": 0.5 + offset, "low": 0.4, "high": 0.8}]
    whole.append({"measure": "leep", "group": "", **dict.fromkeys(("value", "low", "high"), float("nan"))})
    whole += [
        {"measure": name, "group": f"g{number}", "value": float(number), "low": float("nan"), "high": float("nan")}
        for name in TITLES
        for number in range(made.GROUPS)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = ("measure", "group", "value", "low", "high", "n", "groups", "status")
    status = {"leep": "not_applicable: no classes"}
    tables.write(
        path, columns, [{**row, "n": 9, "groups": 3, "status": status.get(row["measure"], "ok")} for row in whole]
    )
    return str(path)


def test_means_over_folds(tmp_path):
    files = [("m", tables.read(Path(measures(tmp_path / f"{number}.csv", number)))) for number in range(2)]
    found = mean_over_folds(files)
    assert found["m", "mmd", ""] | {"low": 0.4} == found["m", "mmd", ""]
    assert (found["m", "mmd", ""]["value"], found["m", "mmd", ""]["n"], found["m", "mmd", ""]["folds"]) == (1.0, 18, 2)
    assert found["m", "leep", ""]["status"] == "not_applicable: no classes" and not found["m", "leep", ""]["folds"]


def test_ranks_of_a_scenario(tmp_path):
    """Errors grow with the group's spread, alike for both recipes, so gains have the order of the spreads."""
    made.write(tmp_path, "naive", {"0": 3.0, "1": 3.0, "4": 3.0}, model="none")
    made.write(tmp_path, "source_only", {"0": 1.5, "1": 1.5, "4": 1.5})
    made.write(tmp_path, "target_only", {"0": "not_applicable: no labels", "1": 2.0, "4": 1.0})
    measure = measures(tmp_path / "m" / "fold0-seed0.csv")
    outputs = {name: tmp_path / file for name, file in FILES.items()}
    scores = [str(path) for path in sorted(tmp_path.glob("*.parquet"))]
    transferability.run(Job("rank", {"measures": [measure], "scores": scores}, outputs, SETTINGS, {}))
    ranks = [row for row in tables.read(outputs["ranks"]) if row["measure"] == "mmd"]
    assert [(row["recipe"], row["budget"], row["measure"]) for row in ranks] == [
        ("source_only", budget, "mmd") for budget in ("0", "1", "4")
    ]
    assert ranks[0]["status"] == "not_applicable: target_only has no score at this budget" and not ranks[0]["spearman"]
    spread = np.random.default_rng(7).uniform(0.9, 1.1, made.GROUPS)
    order = spearmanr(np.arange(made.GROUPS), spread).statistic
    assert float(ranks[1]["spearman"]) == pytest.approx(order, abs=1e-5)  # better than from scratch
    assert float(ranks[2]["spearman"]) == pytest.approx(-order, abs=1e-5)  # worse, the more so the larger errors are
    assert all(float(row["low"]) <= float(row["spearman"]) <= float(row["high"]) for row in ranks[1:])
    assert len(tables.read(outputs["measures"])) == made.GROUPS * len(TITLES) + 2
    drawn = outputs["figure"].read_bytes()
    transferability.run(Job("rank", {"measures": [measure], "scores": scores}, outputs, SETTINGS, {}))
    assert outputs["figure"].read_bytes() == drawn


def test_pairs_are_ranked_from_four_on(tmp_path):
    columns = ("domain", "scenario", "model", "recipe", "variant", "budget", "relative_gain")
    pairs = [("towers", f"s{number}", "m") for number in range(4)]
    gains = {
        ("lp_ft", "4"): (0.4, 0.3, 0.2, 0.1),
        ("lp_ft", "1"): (0.0, 0.0, 0.0, 1.0),
        ("coral", "4"): (0.4, 0.3, 0.2),
    }
    rows = [
        dict(zip(columns, (*pair, recipe, "", budget, gain), strict=True))
        for (recipe, budget), own in sorted(gains.items(), key=lambda item: item[0][1])
        for pair, gain in zip(pairs, own, strict=False)
    ]
    tables.write(tmp_path / "summary.csv", columns, rows)
    of_scenarios = [
        measures(tmp_path / pair[0] / "transferability" / f"{pair[1]}.csv", number) for number, pair in enumerate(pairs)
    ]
    for path in map(Path, of_scenarios):
        own = [{**row, "model": "m"} for row in tables.read(path)]
        tables.write(path, tuple(own[0]), own)
    inputs = {"summary": str(tmp_path / "summary.csv"), "measures": of_scenarios}
    scenarios = [{"domain": a, "scenario": b, "target": f"t{n // 2}"} for n, (a, b, _) in enumerate(pairs)]
    settings = {"tier": "twin", "scenarios": scenarios, **BOOTSTRAP}
    transferability_of_all.run(Job("rank", inputs, {"table": tmp_path / "all.csv"}, settings, {}))
    found = {(row["measure"], row["recipe"]): row for row in tables.read(tmp_path / "all.csv")}
    ranked = found["mmd", "lp_ft"]
    assert [ranked[key] for key in ("spearman", "low", "pairs", "targets", "domains")] == ["-1", "", "4", "2", "1"]
    assert found["mmd", "coral"]["status"] == "not_applicable: 3 pairs, and 4 are the fewest"
    assert found["leep", "lp_ft"]["expected"] == "+" and found["leep", "lp_ft"]["pairs"] == "0"
