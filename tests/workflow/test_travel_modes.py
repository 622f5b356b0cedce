"""Whole runs of GPS traces: the twin, real phones, and a tree in Geolife's own layout."""

import json
import shutil
import subprocess
import sys

from tests.workflow.conftest import copy_project, rows

SMALL = """
domains: [gps_traces]
seeds: 1
bootstrap: {replicates: 50}
gps_traces:
  datasets:
    twin_city_a: {twin: {users: 6, trips_per_user: 16}}
    twin_city_b: {twin: {phones: 2, runs: 12}}
  twin:
    twin_cities:
      budgets: [0, 10]
      recipes: [naive, rules, source_only, target_only, full_finetune, gradient_boosted_trees.source, shuffled_labels]
    twin_users: {recipes: [gradient_boosted_trees.source], split: {folds: 2}}
  models: {speed_transformer: {hidden: 8}}
  recipes: &few [naive, rules, source_only, target_only, full_finetune, gradient_boosted_trees.source]
  real:
    ios_to_android: {recipes: *few}
  recipe_settings: {gradient_boosted_trees: {rounds: 5}}
  figures: [confusion, traces, learning_curve]
  training: {epochs: 2, fixed_steps: 10, epoch_steps: 5}
  contrasts:
    honesty: {model: none, recipe: gradient_boosted_trees.source}
    split_alone: {model: none, recipe: gradient_boosted_trees.source}
    filter_alone: {model: none, recipe: gradient_boosted_trees.source}
"""


HEADLINE = {"metric": "macro_f1.unit", "statistic": "pooled"}


def test_from_one_city_to_another_and_the_honesty_page(tmp_path):
    project = copy_project(tmp_path / "project", config=SMALL)
    scenarios = "scenarios=[twin_cities,twin_users,twin_trips_paper]"
    project.snakemake("gps_traces", "--config", scenarios)
    results = project.folder / "results" / "gps_traces"
    board = rows(results / "compare" / "twin_cities" / "leaderboard.csv", **HEADLINE)
    assert {row["budget"] for row in board} == {"0", "10"}
    assert {row["budget_unit"] for row in board} == {"units"}
    assert {row["leakage"] for row in board} == {""}
    found = {(row["recipe"], row["budget"]): row for row in board}
    assert float(found["truth", "0"]["value"]) == 1
    assert found["full_finetune", "10"]["status"] == found["rules", "0"]["status"] == "ok"
    assert found["shuffled_labels", "10"]["status"] == "ok"
    assert found["shuffled_labels", "10"]["pretraining_exposure"] == "none"
    assert float(found["gradient_boosted_trees", "0"]["value"]) > float(found["naive", "0"]["value"])
    flattering = rows(results / "compare" / "twin_trips_paper" / "leaderboard.csv", **HEADLINE)
    assert {row["leakage"] for row in flattering} == {"label_filter; prepared by label, target; shared journeys"}
    assert {row["leakage"] for row in rows(results / "compare" / "twin_users" / "effects.csv")} <= {""}
    page = rows(results / "contrast" / "honesty.csv", metric="macro_f1.unit", statistic="pooled", subset="all")
    assert float(page[0]["flattering"]) > float(page[0]["honest"])
    counts = json.loads((results / "harmonise" / "twin_city_a.json").read_text())
    assert counts["counts"]["trips"] == counts["units"]
    # One download for the two ways to clean one city.
    assert not (results / "download" / "twin_city_a_paper.json").exists()
    for figure in ("confusion", "traces", "learning_curve"):
        assert (results / "compare" / "twin_cities" / f"{figure}.svg").stat().st_size > 5000


def test_real_phones_end_to_end(tmp_path, mirror):
    project = copy_project(tmp_path / "project", config=SMALL)
    project.snakemake("gps_traces", "--config", "tier=real", "folds=2", f"mirror={mirror}")
    results = project.folder / "results" / "gps_traces"
    counts = json.loads((results / "harmonise" / "mobilitynet.json").read_text())
    assert counts["units"] == 141  # 77 of the iPhone and 64 of the Android phone
    board = rows(results / "compare" / "ios_to_android" / "leaderboard.csv", **HEADLINE)
    assert {row["budget"] for row in board} == {"0", "5", "10", "all"}
    assert all(row["status"] == "ok" for row in board if row["recipe"] == "source_only")
    parts = rows(results / "split" / "ios_to_android" / "fold0" / "split.csv")
    runs = {side: {row["group"] for row in parts if row["part"].startswith(side)} for side in ("source", "target")}
    assert runs["source"] and runs["target"] and not runs["source"] & runs["target"]
    assert all("android" in row["unit"] for row in parts if row["part"].startswith("target"))


def test_a_tree_in_geolifes_layout_needs_its_place_alone(tmp_path):
    project = copy_project(tmp_path / "project", config=SMALL)
    mirror = tmp_path / "mirror" / "gps_traces" / "geolife"
    mirror.mkdir(parents=True)
    code = (
        "import sys; from pathlib import Path; from landbridge.domains.gps_traces.twin import write_twin; "
        "write_twin(Path(sys.argv[1]), 'geolife', 3, users=4, trips_per_user=6)"
    )
    subprocess.run([sys.executable, "-c", code, mirror], check=True, env={"PYTHONPATH": "workflow"}, cwd=project.folder)
    for name in ("truth.csv", "truth_parameters.csv"):
        (mirror / name).unlink()
    wanted = ("results/gps_traces/harmonise/geolife.nc", "--config", "tier=real", f"mirror={tmp_path / 'mirror'}")
    project.snakemake(*wanted)
    place = project.folder / "results" / "gps_traces" / "harmonise"
    tree = json.loads((place / "geolife.json").read_text())
    assert {"trips", "points", "label rows"} <= tree["counts"].keys()
    assert tree["units"] > 10
    # The same files as one archive.
    shutil.make_archive(str(tmp_path / "geolife"), "zip", mirror.parent, "geolife")
    shutil.rmtree(mirror)
    mirror.mkdir()
    shutil.move(tmp_path / "geolife.zip", mirror / "geolife.zip")
    shutil.rmtree(project.folder / "data" / "gps_traces" / "geolife")
    shutil.rmtree(project.folder / "results")
    project.snakemake(*wanted)
    assert json.loads((place / "geolife.json").read_text())["counts"] == tree["counts"]
