"""Whole runs of smart meters: the twin with an embedding for each home, and real homes of three datasets."""

import json

import numpy as np
from landbridge.domains.smart_meters.twin import write_twin
from landbridge.io import netcdf

from tests.workflow.conftest import copy_project, rows

SMALL = """
domains: [smart_meters]
seeds: 1
bootstrap: {replicates: 50}
smart_meters:
  datasets:
    twin_homes_us: {twin: {homes: 3, days: 4}}
    twin_homes_uk: {twin: {homes: 2, days: 10}}
  twin:
    twin_homes: {budgets: [0, 1]}
    twin_homes_kettle: {budgets: [0, 1]}
  real:
    devicescope: {budgets: [0, 7]}
    redd_homes: {budgets: [0, 1]}
    refit_homes: {budgets: [0, 1]}
  models: {refquery: {hidden: 4, blocks: 2, trunk: 4, training: {epochs: 2, epoch_steps: 5, fixed_steps: 20}}}
  recipes: [naive.zero, naive.mean, source_only, target_only, full_finetune, gradient_boosted_trees.target]
  recipe_settings: {gradient_boosted_trees: {rounds: 10, max_rows: 3000}}
  figures: [days, pareto, learning_curve, effects]
  training: {epochs: 2, fixed_steps: 20, epoch_steps: 5}
"""


def test_from_one_country_to_another(tmp_path):
    project = copy_project(tmp_path / "project", config=SMALL)
    project.snakemake("smart_meters", "--config", "scenarios=[twin_homes,twin_homes_kettle]")
    results = project.folder / "results" / "smart_meters"
    compared = results / "compare" / "twin_homes"
    board = rows(compared / "leaderboard.csv", metric="mae", statistic="mean")
    found = {(row["recipe"], row["variant"], row["target"], row["budget"]): row for row in board}
    assert {row["interval"] for row in board} == {"blocks"}  # two homes
    assert {row["budget_unit"] for row in board} == {"days"}
    targets = ("microwave", "fridge", "dishwasher", "washing_machine")
    for recipe in (("naive", "zero"), ("naive", "mean"), ("source_only", ""), ("gradient_boosted_trees", "target")):
        each = [float(found[(*recipe, target, "1")]["value"]) for target in targets]
        assert np.isclose(float(found[(*recipe, "macro", "1")]["value"]), np.mean(each), rtol=1e-4)
    assert found["full_finetune", "", "macro", "1"]["status"] == "ok"
    assert float(found["truth", "", "macro", "0"]["value"]) < 5  # W: the noise of the meters
    fridge = float(found["gradient_boosted_trees", "target", "fridge", "1"]["value"])
    assert fridge < float(found["naive", "zero", "fridge", "1"]["value"])
    for metric, least in (("f1", 0.9), ("sae", 0.0)):
        own = rows(compared / "leaderboard.csv", metric=metric, recipe="truth", target="fridge", statistic="mean")
        assert float(own[0]["value"]) >= least
    truth = netcdf.read(results / "split" / "twin_homes" / "fold0" / "answers.nc")
    assert "mains" not in truth
    for figure in ("days", "pareto", "learning_curve", "effects"):
        assert (compared / f"{figure}.svg").stat().st_size > 5000
    # What no source home has is predicted once a day of the new home is labelled, and nothing but embeddings is sent.
    board = rows(results / "compare" / "twin_homes_kettle" / "leaderboard.csv", metric="mae", target="kettle")
    assert {row["status"] for row in board if row["recipe"] == "embedding_only" and row["budget"] == "1"} == {"ok"}
    cost = rows(results / "compare" / "twin_homes_kettle" / "cost.csv", recipe="embedding_only", stage="transfer")
    assert cost[0]["trained_parameters"] == str(5 * 16)
    assert cost[0]["bytes_to_ship"] == str(5 * 16 * 4)
    assert cost[0]["fits"] == "3"  # both homes together, then each


def test_real_homes_of_three_datasets(tmp_path, mirror):
    project = copy_project(tmp_path / "project", config=SMALL)
    project.snakemake("smart_meters", "--config", "tier=real", f"mirror={mirror}")
    results = project.folder / "results" / "smart_meters"
    counts = json.loads((results / "harmonise" / "devicescope.json").read_text())
    assert counts["units"] == 3
    board = rows(results / "compare" / "devicescope" / "leaderboard.csv", metric="mae", statistic="mean")
    assert {row["target"] for row in board} == {"kettle", "dishwasher", "washing_machine", "microwave", "macro"}
    assert {row["groups"] for row in board} == {"1"}
    assert {row["interval"] for row in board} == {"blocks"}
    verdicts = {row["verdict"] for row in rows(results / "compare" / "devicescope" / "effects.csv")}
    assert verdicts <= {"helps_here", "harms_here", "unclear", "not_applicable"}
    parts = rows(results / "split" / "devicescope" / "fold0" / "split.csv")
    assert {row["group"] for row in parts if row["part"].startswith("target")} == {"ukdale_2"}
    assert {row["part"] for row in parts if row["group"] == "refit_20"} == {"source_train", "source_val"}


def test_files_in_the_published_layouts_run_by_their_place_alone(tmp_path):
    project = copy_project(tmp_path / "project", config=SMALL)
    for dataset, country, homes in (("redd", "a", 6), ("refit", "b", 7)):
        folder = tmp_path / "mirror" / "smart_meters" / dataset
        folder.mkdir(parents=True)
        write_twin(folder, dataset, 1, country=country, homes=homes, days=6, truth=False)
    project.snakemake("smart_meters", "--config", "tier=real", f"mirror={tmp_path / 'mirror'}")
    results = project.folder / "results" / "smart_meters"
    assert {path.name for path in (results / "compare").iterdir()} == {"redd_homes", "refit_homes"}
    counts = json.loads((results / "harmonise" / "redd.json").read_text())
    assert counts["units"] == 6
    assert counts["counts"]["averaged: readings of a time that repeats"] > 0
    for scenario in ("redd_homes", "refit_homes"):
        board = rows(results / "compare" / scenario / "leaderboard.csv", metric="mae", target="macro")
        assert {row["status"] for row in board if row["recipe"] == "full_finetune" and row["budget"] == "1"} == {"ok"}
        assert "truth" not in {row["recipe"] for row in board}
