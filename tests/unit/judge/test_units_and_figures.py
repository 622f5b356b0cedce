"""The table of units, and the figures that look behind the mean."""

from types import SimpleNamespace

import numpy as np
import pytest
from landbridge.contract import Dataset, Variable
from landbridge.judge import figures_of_units, tables
from landbridge.judge.metrics import regression
from landbridge.judge.metrics.tasks import find_metric
from landbridge.judge.scores import Run, Scores
from landbridge.judge.units import write_units

BOOTSTRAP = {"replicates": 300, "level": 0.95}
SETTINGS = {
    "product": {"y": "y_model"},
    "scenario": "s",
    "title": "Here to there",
    "headline": {"target": "y", "metric": "rmse", "statistic": "mean"},
    "targets": {"y": {"units": "g m-2 d-1", "long_name": "uptake"}},
    "metric_titles": {"rmse": "RMSE"},
    "metric_units": {"rmse": "target"},
    "metrics": ["rmse", "bias", "rmse.monthly"],
    "bootstrap": BOOTSTRAP,
    "budget_unit": "groups",
    "budgets": ["0"],
}


def scores(errors, classes, recipe="source_only"):
    """One run with the RMSE (seed, group) that is given, one unit a group."""
    errors = np.asarray(errors, float)
    sums = np.zeros((1, *errors.shape, len(regression.SUMS)))
    sums[..., 0] = 4
    sums[..., regression.SUMS.index("sum_sq_error")] = 4 * errors**2
    run = Run("lstm", recipe, "", {"y": sums}, ["fixed"], ["ok"], [0])
    groups = [f"g{i:02d}" for i in range(errors.shape[1])]
    return Scores(
        [run],
        regression.SUMS,
        ["y"],
        ["0"],
        groups,
        list(classes),
        np.arange(len(groups)),
        [0, 1],
        "regression",
        unit_of_cell=[f"u{i:02d}" for i in range(len(groups))],
    )


def units_file(count, **columns):
    text = {name: Variable(("unit",), np.asarray(values)) for name, values in columns.items()}
    names = np.array([f"u{i:02d}" for i in range(count)])
    return Dataset({"unit_name": Variable(("unit",), names), **text})


def test_units_stand_in_the_columns_that_the_domain_names(tmp_path):
    own = scores([[1, 2, 3], [3, 2, 1]], ["a", "b", "c"])
    columns = {"site": "unit_name", "IGBP": "igbp", "RMSE": "rmse"}
    settings = {**SETTINGS, "unit_columns": columns}
    write_units(tmp_path / "u.csv", own, [units_file(3, igbp=["ENF", "GRA", "WET"])], settings)
    rows = tables.read(tmp_path / "u.csv")
    assert [row["site"] for row in rows] == ["u00", "u01", "u02"]
    assert [float(row["RMSE"]) for row in rows] == [2, 2, 2]  # mean over seeds
    assert [row["IGBP"] for row in rows] == ["ENF", "GRA", "WET"]
    assert rows[0]["n"] == "4"
    assert (rows[0]["n_seeds"], rows[0]["seeds"], rows[0]["group"]) == ("1", "2", "g00")
    write_units(tmp_path / "u.csv", own, [units_file(3)], settings)  # a dataset of the domain without classes
    assert [row["IGBP"] for row in tables.read(tmp_path / "u.csv")] == ["", "", ""]


def test_a_class_has_the_mean_of_its_groups_and_an_interval_from_five_on():
    values = np.array([[1.0, 2, 3, 4, 5], [1, 2, 3, 4, 5]])
    mean, low, high = figures_of_units.class_interval(values, BOOTSTRAP, "s")
    assert mean == 3
    assert 1.5 < low < 2.4 < 3.6 < high < 4.5
    mean, low, _ = figures_of_units.class_interval(values[:, :4], BOOTSTRAP, "s")
    assert mean == 2.5
    assert np.isnan(low)
    assert np.isnan(figures_of_units.class_interval(np.full((2, 5), np.nan), BOOTSTRAP, "s")[0])


def leaderboard():
    row = {"model": "lstm", "recipe": "source_only", "variant": "", "budget": "0", "interval": "groups", "groups": "6"}
    row |= {"target": "y", "metric": "rmse", "seeds": "2", "status": "ok", "value": "2", "low": "1.5", "high": "2.5"}
    return [{**row, "statistic": statistic} for statistic in ("mean", "median", "q10", "q90")]


def material(tmp_path, **more):
    errors = np.linspace(1, 4, 12).reshape(2, 6)
    own = scores(errors, ["a", "a", "b", "b", "b", "b"])
    checks = [{"check": "shared groups", "level": "ok", "text": "no group stands in two parts", "groups": []}]
    audit = {"fold": 0, "checks": checks, "counts": {"source_train": {"groups": 3, "units": 4, "rows": 5}}}
    audit |= {"left_out": [{"reason": "too short", "units": ["x"]}], "rows": {"scored": 7}}
    index = {"role": "index"}
    rows = 12
    example = Dataset(
        {
            "rank": Variable(("row",), np.repeat(["best", "median", "worst"], 4), index),
            "unit_name": Variable(("row",), np.repeat(["u0", "u1", "u2"], 4), index),
            "time": Variable(("row",), np.arange(rows), {"units": "days since 1970-01-01"}),
            "label": Variable(("row",), np.arange(rows, dtype=float)),
            "prediction": Variable(("row",), np.arange(rows) + 0.5),
        },
        {"budget": "4", "target": "y"},
    )
    tested = Dataset(
        {
            "unit_name": Variable(("unit",), np.array(["u0", "u2"]), index),
            "row_size": Variable(("unit",), np.array([4, 4], np.int32), index),
            "time": Variable(("obs",), np.array([0, 1, 2, 3, 8, 9, 10, 11]), {"units": "days since 1970-01-01"}),
            "y_model": Variable(("obs",), np.arange(8.0), {"role": "product"}),
        }
    )
    return SimpleNamespace(
        **{
            "scores": own,
            "metric": find_metric("regression", "rmse"),
            "leaderboard": leaderboard(),
            "audits": [audit],
            "example": lambda: ("lstm: full_finetune", example),
            "tests": [tested],
            **more,
        }
    )


@pytest.mark.parametrize("name", ["tails", "classes", "examples", "audit"])
def test_equal_bytes(tmp_path, name):
    for turn in ("a", "b"):
        getattr(figures_of_units, name)(tmp_path / f"{turn}.svg", material(tmp_path), SETTINGS)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert (tmp_path / "a.svg").stat().st_size > 3000


def test_without_examples_the_figure_says_so(tmp_path):
    figures_of_units.examples(tmp_path / "a.svg", material(tmp_path, example=lambda: ("", None)), SETTINGS)
    assert (tmp_path / "a.svg").exists()


def test_a_figure_shows_few_recipes_and_never_the_truth():
    own = scores([[1, 2]], ["a", "b"])
    runs = [
        Run("none", f"r{i}", "", own.runs[0].sums, ["fixed"], ["ok" if i else "not_applicable: x"], [0])
        for i in range(12)
    ]
    truth = Run("none", "truth", "", own.runs[0].sums, ["fixed"], ["ok"], [0])
    many = Scores(**{**vars(own), "runs": [*runs, truth, own.runs[0]]})
    found = [run.recipe for _, run, _ in figures_of_units.shown_runs(many, 7)]
    assert len(found) == 7
    assert "source_only" in found
    assert not {"truth", "r0"} & set(found)


def test_a_product_is_drawn_where_the_test_has_it(tmp_path):
    made = material(tmp_path)
    time = np.array([8, 10, 99]).astype("datetime64[D]")
    name, values = figures_of_units._product(made, SETTINGS, "u2", time)
    assert name == "y model"
    np.testing.assert_array_equal(values, [4, 6, np.nan])
    assert figures_of_units._product(made, SETTINGS, "u1", time) is None
    assert figures_of_units._product(made, {**SETTINGS, "product": {}}, "u2", time) is None


def test_a_spike_is_left_outside_of_the_axis_and_counted():
    axis = SimpleNamespace(set_ylim=lambda low, high: limits.append((low, high)))
    limits = []
    observed = np.append(np.sin(np.arange(1000)), [50.0, -40.0])
    assert figures_of_units._leave_outliers_outside(axis, observed, np.zeros(1002)) == 2
    assert figures_of_units._leave_outliers_outside(axis, np.sin(np.arange(1000)), np.zeros(1000)) == 0
    ((low, high),) = limits  # a year without spikes keeps its own
    assert -1.5 < low < -1 < 1 < high < 1.5
