"""Whole runs of wetland methane: the twin, real towers under this project's process model, TEM-MDM's layout."""

import json

import numpy as np
from landbridge.domains.wetland_methane.twin import write_twin
from landbridge.io import netcdf

from tests.workflow.conftest import copy_project, rows

SMALL = """
domains: [wetland_methane]
seeds: 1
bootstrap: {replicates: 50}
wetland_methane:
  datasets:
    twin_wetlands: {twin: {towers: 18, years: 2, wetland_cells: 30}}
    tem_mdm: {reader_settings: {share: 1.0}}
  twin:
    twin_wetlands: {budgets: [0, 1, all]}
  real:
    process_model_to_towers: {budgets: [0, all], split: {folds: 2}}
    tem_to_towers: {budgets: [0, all], split: {folds: 1}}
  models: {lstm: {hidden: 4}}
  recipes:
    [naive, product, source_only, target_only, simulate_then_finetune, residual_over_simulator, stacking_on_surrogate]
  training: {epochs: 2, epoch_steps: 3, fixed_steps: 3}
  figures: [map, classes, examples, audit]
"""
RECIPES = {"naive", "product", "source_only", "target_only", "simulate_then_finetune", "residual_over_simulator"}
STRADDLING = ("FI-Si2 and FI-Sii (0.5 km)", "DE-Hte and DE-Zrk (59.6 km)")


def statuses(compared, budget):
    return {row["recipe"]: row["status"] for row in rows(compared / "leaderboard.csv", metric="rmse", budget=budget)}


def test_from_a_simulation_to_towers(tmp_path):
    project = copy_project(tmp_path / "project", config=SMALL)
    project.snakemake("wetland_methane")
    results = project.folder / "results" / "wetland_methane"
    compared = results / "compare" / "twin_wetlands"
    assert set(statuses(compared, "all").values()) == {"ok"}
    assert RECIPES | {"stacking_on_surrogate", "truth"} == set(statuses(compared, "all"))
    board = rows(compared / "leaderboard.csv", metric="rmse", statistic="median", target="ch4_flux")
    found = {(row["recipe"], row["budget"]): float(row["value"]) for row in board if row["value"]}
    assert found["residual_over_simulator", "0"] == found["source_only", "0"]
    assert found["truth", "0"] < min(value for (recipe, _), value in found.items() if recipe != "truth")
    assert rows(compared / "effects.csv", reference="product", recipe="residual_over_simulator")
    split = results / "split" / "twin_wetlands" / "fold0"
    answers, source = netcdf.read(split / "answers.nc"), netcdf.read(split / "source.nc")
    tested = set(netcdf.read(split / "test_inputs.nc")["cell"].tolist())
    assert tested and not tested & set(source["cell"].tolist())
    assert not {"water_table", "ch4_flux_filled"} & set(answers.variables)
    labels = rows(split / "split.csv", part="target_test")
    assert not [row["unit"] for row in labels if row["unit"].startswith("TW-D")]  # drained, and so not IGBP WET
    for figure in ("map", "classes", "examples", "audit"):
        assert (compared / f"{figure}.svg").stat().st_size > 5000


def test_real_towers_under_the_process_model(tmp_path, mirror):
    project = copy_project(tmp_path / "project", config=SMALL)
    scenario = "scenarios=[process_model_to_towers]"
    project.snakemake("wetland_methane", "--config", "tier=real", f"mirror={mirror}", scenario)
    results = project.folder / "results" / "wetland_methane"
    counts = json.loads((results / "harmonise" / "fluxnet_ch4.json").read_text())
    assert counts["units"] == 10 and counts["counts"]["days with a measured flux"] == 10302
    source = netcdf.read(results / "simulate" / "process_model_to_towers" / "source.nc")
    assert len(source["unit_name"]) == 40 and set(source["origin"].tolist()) == {"simulation"}
    compared = results / "compare" / "process_model_to_towers"
    assert set(statuses(compared, "all").values()) == {"ok"}
    groups = [
        {
            row["group"]
            for row in rows(
                results / "split" / "process_model_to_towers" / f"fold{fold}" / "split.csv", part="target_test"
            )
        }
        for fold in range(2)
    ]
    assert len(groups[0] | groups[1]) == 8 and not groups[0] & groups[1]  # towers within 50 km are one group
    units = {row["unit"] for row in rows(compared / "units.csv")}
    assert {"FI-Sii", "FI-Si2", "BW-Gum"} <= units


def test_the_audit_names_pairs_that_straddle_the_published_folds(tmp_path, mirror):
    project = copy_project(tmp_path / "project", config=SMALL)
    place = "results/wetland_methane/split/process_model_published_folds/fold4/audit.json"
    project.snakemake(place, "--config", "tier=real", f"mirror={mirror}", "scenarios=[process_model_published_folds]")
    report = json.loads((project.folder / place).read_text())
    checks = {check["check"]: check for check in report["checks"]}
    assert all(pair in checks["neighbours"]["text"] for pair in STRADDLING)
    assert checks["same coordinates"]["level"] == "failure"
    assert "FI-Si2 (target_test) and FI-Sii (target_pool)" in checks["same coordinates"]["text"]
    assert report["leakage"] == "same coordinates"


def test_a_simulation_in_the_layout_of_tem_mdm_with_towers_beside_it(tmp_path):
    made = tmp_path / "made"
    made.mkdir()
    write_twin(made, "twin_wetlands", 1, towers=12, years=2, wetland_cells=30)
    folder = tmp_path / "mirror" / "wetland_methane" / "tem_mdm"
    folder.parent.mkdir(parents=True)
    (made / "simulation").rename(folder)
    (made / "towers" / "truth.csv").unlink()
    (made / "towers").rename(folder / "towers")
    project = copy_project(tmp_path / "project", config=SMALL)
    project.snakemake("wetland_methane", "--config", "tier=real", f"mirror={tmp_path / 'mirror'}")
    results = project.folder / "results" / "wetland_methane"
    assert {path.name for path in (results / "compare").iterdir()} == {"tem_to_towers"}
    towers = json.loads((results / "harmonise" / "fluxnet_ch4_grid.json").read_text())
    assert towers["units"] == 14
    compared = results / "compare" / "tem_to_towers"
    assert set(statuses(compared, "all").values()) == {"ok"}
    source = netcdf.read(results / "split" / "tem_to_towers" / "fold0" / "source.nc")
    assert np.isfinite(source["ch4_flux"]).any() and source["npp"].max() > 0
