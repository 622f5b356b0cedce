"""`replay --sealed` gives the bytes of a job with nothing but its declared inputs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


def replay(project, record, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "landbridge", "replay", str(record), *arguments],
        cwd=project.folder,
        env={"PYTHONPATH": str(project.folder / "workflow"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=120,
    )


RECIPES = [
    "naive",
    "source_only",
    "target_only",
    "pooled",
    "gradient_boosted_trees.source",
    "linear_probe",
    "full_finetune",
    "lp_ft",
]


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_makes_do_with_its_declared_inputs(finished, tmp_path, recipe):
    record = finished.record("transfer", recipe=recipe, seed="0")[0]
    done = replay(finished, record, "--sealed", "--folder", str(tmp_path / "sealed"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "identical" in done.stdout
    assert "DIFFERENT" not in done.stdout


def test_the_tested_recipes_are_all_there_are(finished):
    ran = {path.parent.name.split("-")[1] for path in finished.record("transfer")}
    assert ran == set(RECIPES)


SEALED = ("answers.nc", "truth.nc")  # labels of the test, and what they were made of


def stages_that_read(records):
    """Stages of recorded jobs whose inputs hold labels of the test."""
    return {
        record["stage"]
        for record in records
        if any(Path(path).name in SEALED for paths in record["inputs"].values() for path in paths)
    }


def test_the_answers_are_an_input_of_evaluate_alone(finished):
    paths = sorted((finished.folder / "results" / "logs").rglob("*.job.json"))
    records = [json.loads(path.read_text()) for path in paths]
    assert {record["stage"] for record in records} >= {"split", "pretrain", "transfer", "evaluate", "compare", "draw"}
    assert stages_that_read(records) == {"evaluate"}
    planted = next(record for record in records if record["stage"] == "transfer")
    planted["inputs"]["more"] = ["results/flux_towers/split/twin_towers/fold0/answers.nc"]
    assert stages_that_read(records) == {"evaluate", "transfer"}


def test_a_recipe_that_opens_the_answers_by_their_path_fails(project, tmp_path):
    project.edit(
        "workflow/landbridge/methods/source_only.py",
        "    return given.pretrained()",
        "    import pathlib\n\n"
        '    place = "results/flux_towers/split/twin_towers/fold0/answers.nc"\n'
        "    assert pathlib.Path(place).read_bytes()\n"
        "    return given.pretrained()",
    )
    record = project.record("transfer", recipe="source_only", seed="0")[0]
    open_run = replay(project, record, "--folder", str(project.folder))
    assert open_run.returncode == 0, open_run.stdout + open_run.stderr
    sealed = replay(project, record, "--sealed", "--folder", str(tmp_path / "sealed"))
    assert sealed.returncode == 1
    assert "answers.nc" in sealed.stderr
    assert "Traceback" not in sealed.stderr


def test_a_recipe_that_asks_for_more_than_its_rights_is_told_so(project, tmp_path):
    project.edit(
        "workflow/landbridge/methods/full_finetune.py", "    target = given.target\n", "    target = given.source\n"
    )
    record = project.record("transfer", recipe="full_finetune", seed="0")[0]
    done = replay(project, record, "--sealed", "--folder", str(tmp_path / "sealed"))
    assert done.returncode == 1
    assert "asked for source_labels, which its RIGHTS do not name" in done.stderr


def test_an_unknown_record_is_a_readable_line(project):
    done = replay(project, "results/logs/nothing.job.json")
    assert done.returncode != 0
    assert "no such record" in done.stderr
    assert "Traceback" not in done.stderr
