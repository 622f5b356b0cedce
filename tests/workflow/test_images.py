"""Whole runs of satellite imagery: fires and tiles of the twin, and the published files."""

import json
import os
import re
from types import SimpleNamespace

import numpy as np
import rasterio
import torch
import yaml
from landbridge.io import netcdf
from landbridge.io.weights import checksum
from landbridge.models import resnet
from landbridge.models.network import initialise
from landbridge.models.shape import Shape
from landbridge.offered import read_config
from landbridge.plan import Plan
from landbridge.train.progress import load_tensors

from tests.workflow.conftest import copy_project, rows
from tests.workflow.test_sealed import replay

SMALL = """
domains: [satellite_imagery]
seeds: 1
bootstrap: {replicates: 50}
satellite_imagery:
  datasets:
    twin_fires: {twin: {size: 64, north: 3, med: 2, peat: 6}}
    twin_landcover: {twin: {size: 16, tiles_per_class: 30}}
  twin:
    twin_fires: {budgets: [0, 1]}
    twin_landcover: {budgets: [0, 10]}
  real:
    bc_west_east: {budgets: [0, 1]}
    landcover_west_east: {budgets: [0, 4]}
  models: {unet: {widths: [2, 2, 4, 4]}, resnet: {widths: [4, 4, 8, 8]}}
  recipes: [naive, index_threshold.source, index_threshold.target, source_only, adabn, target_only, full_finetune]
  recipe_settings: {gradient_boosted_trees: {rounds: 5, max_rows: 2000}}
  figures: [panels, reliability, learning_curve, effects]
  training: {epochs: 2, fixed_steps: 5, epoch_steps: 5}
"""


def statuses(board, budget):
    return {(row["recipe"], row["variant"]): row["status"] for row in board if row["budget"] == budget}


def save_weights(path, seed):
    """A file as a user may bring it, for three bands."""
    network = resnet.build(Shape(3, 0, 2, 64), {"widths": [4, 4, 8, 8]})
    initialise(network, seed)
    torch.save(network.state_dict(), path)


def test_fires_and_tiles_from_files_to_maps(tmp_path, monkeypatch):
    begun = SMALL.replace("[4, 4, 8, 8]}", "[4, 4, 8, 8], weights: rgb.pth, weights_exposure: unknown}")
    project = copy_project(tmp_path / "project", config=begun)
    file = tmp_path / "mirror" / "satellite_imagery" / "weights" / "rgb.pth"
    file.parent.mkdir(parents=True)
    save_weights(file, 1)
    wanted = ("satellite_imagery", "--config", "scenarios=[twin_fires,twin_landcover]", f"mirror={tmp_path / 'mirror'}")
    project.snakemake(*wanted)
    results = project.folder / "results" / "satellite_imagery"
    compared = results / "compare" / "twin_fires"
    board = rows(compared / "leaderboard.csv", metric="iou", statistic="pooled")
    assert set(statuses(board, "1").values()) == {"ok"}
    assert float(next(row["value"] for row in board if row["recipe"] == "truth")) == 1
    for figure in ("panels", "learning_curve", "effects"):
        assert (compared / f"{figure}.svg").stat().st_size > 5000
    parts = rows(results / "split" / "twin_fires" / "fold0" / "split.csv")
    assert {row["group"][:4] for row in parts if row["part"].startswith("target")} == {"peat"}

    folder = results / "maps" / "twin_fires" / "unet-full_finetune" / "seed0"
    told = json.loads((folder / "maps.json").read_text())
    test = netcdf.read(results / "split" / "twin_fires" / "fold0" / "test_inputs.nc")
    assert [own["scene"] for own in told["scenes"]] == sorted(set(np.asarray(test["scene"]).astype(str).tolist()))
    predicted = netcdf.read(results / "transfer" / "twin_fires" / "unet-full_finetune" / "fold0-seed0.nc")
    for own in told["scenes"]:
        raw = next((project.folder / "data").rglob(f"{own['scene']}/post.tif"))
        with rasterio.open(folder / own["files"]["probability"]) as made, rasterio.open(raw) as scene:
            assert (made.crs, made.transform, made.shape) == (scene.crs, scene.transform, scene.shape)
            assert np.isnan(made.nodata) and made.tags()["recipe"] == "full_finetune"
            whole = made.read(1)
        with rasterio.open(folder / own["files"]["class"]) as made:
            assert made.nodata == 255 and made.colormap(1)[1][:3] == (215, 60, 30)
            assert set(np.unique(made.read(1))) <= {0, 1, 255}
        assert np.isfinite(whole).sum() == own["pixels"]
    chip = int(np.flatnonzero(np.asarray(test["scene"]).astype(str) == own["scene"])[0])
    row, col = int(test["row"][chip]), int(test["col"][chip])
    seen = test["valid"][chip] > 0
    expected = predicted["probability"][-1, chip, 1] / 254
    np.testing.assert_allclose(whole[row : row + 32, col : col + 32][seen], expected[seen], atol=1e-6)

    board = rows(results / "compare" / "twin_landcover" / "leaderboard.csv", metric="macro_f1", statistic="pooled")
    assert {"source_only", "full_finetune"} <= {row["recipe"] for row in board if row["status"] == "ok"}
    assert not (results / "maps" / "twin_landcover").exists()

    monkeypatch.chdir(project.folder)
    plan = Plan(read_config(yaml.safe_load(begun), []))
    panels = SimpleNamespace(domain="satellite_imagery", scenario="twin_fires", figure="panels")
    links = re.findall(r"<([^>]*)>`__", plan.caption(panels, None))
    assert sum(link.endswith(".tif") for link in links) == 2 * 2 * len(told["scenes"])
    assert all((project.folder / "results" / link).exists() for link in links)  # relative to the report in results/

    begins = {"file": "rgb.pth", "sha256": checksum(file)}
    _, notes = load_tensors(results / "pretrain" / "twin_landcover" / "resnet-erm" / "fold0-seed0.safetensors")
    assert notes["weights"] == begins
    for rule, named in (("pretrain", {"model": "resnet"}), ("transfer", {"recipe": "target_only", "model": "resnet"})):
        (record,) = project.record(rule, scenario="twin_landcover", **named)
        told = json.loads((project.folder / record).read_text())
        assert told["settings"]["weights"] == begins
        assert told["inputs"]["weights"] == str(file)
    again = replay(project, record, "--sealed", "--folder", str(tmp_path / "sealed"))
    assert again.returncode == 0 and "DIFFERENT" not in again.stdout, again.stdout + again.stderr
    state = file.stat()
    assert project.planned(*wanted) == set()
    save_weights(file, 2)
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))  # other bytes of the same age
    planned = {
        rule: {words for other, words in project.planned(*wanted) if other == rule} for rule in ("pretrain", "transfer")
    }
    assert len(planned["pretrain"]) == 1 and all("twin_landcover" in words for words in planned["pretrain"])
    recipes = {re.search(r"recipe=([a-z_.]+)", words).group(1) for words in planned["transfer"]}
    assert recipes == {"source_only", "adabn", "target_only", "linear_probe", "full_finetune"}
    file.unlink()
    assert "there is no file rgb.pth" in project.snakemake(*wanted, "--dry-run", check=False).stderr


def test_published_tiles_and_a_published_fire(tmp_path, mirror):
    project = copy_project(tmp_path / "project", config=SMALL)
    project.snakemake("satellite_imagery", "--config", "tier=real", f"mirror={mirror}")
    results = project.folder / "results" / "satellite_imagery"
    board = rows(results / "compare" / "landcover_west_east" / "leaderboard.csv", metric="macro_f1", statistic="pooled")
    assert statuses(board, "4")["full_finetune", ""] == "ok"
    effects = rows(results / "compare" / "bc_west_east" / "effects.csv")
    assert {row["verdict"] for row in effects} <= {"helps_here", "harms_here", "unclear", "not_applicable"}
    (made,) = (results / "maps" / "bc_west_east" / "unet-source_only" / "seed0").glob("*_probability.tif")
    with rasterio.open(made) as mapped:
        assert mapped.crs.to_epsg() == 3005 and mapped.shape == (429, 712)
