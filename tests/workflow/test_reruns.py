"""A change reruns what depends on it and nothing else."""

import os
import shutil

import pytest

from tests.workflow.conftest import rows

DOMAIN = "flux_towers"


@pytest.fixture
def two_domains(project):
    """The finished run with a second domain beside it, copied from the template, which no edit may touch."""
    return project


def stages(jobs):
    return {rule for rule, _ in jobs}


def test_a_second_run_does_nothing(project):
    assert project.planned("all") == set()


def test_touching_everything_reruns_nothing(project):
    for path in project.folder.rglob("*"):
        if path.is_file() and ".snakemake" not in path.parts:
            os.utime(path)
    assert project.planned("all") == set()


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("workflow/landbridge/train/loop.py", "import logging", "# a comment\nimport logging"),
        ("workflow/landbridge/models/lstm.py", '"""Long short-term', '"""Another docstring. Long short-term'),
        ("workflow/landbridge/domains/flux_towers/README.md", "#", "##"),
    ],
)
def test_comments_docstrings_and_data_cards_rerun_nothing(project, file, old, new):
    project.edit(file, old, new)
    assert project.planned("all") == set()


def test_another_hash_seed_reruns_nothing(project):
    done = project.snakemake("--dry-run", "all", env={"PYTHONHASHSEED": "7"})
    assert "Nothing to be done" in done.stdout + done.stderr


def test_another_mirror_reruns_nothing(project, tmp_path):
    assert project.planned("all", "--config", f"mirror={tmp_path}") == set()


def test_another_memory_of_data_reruns_nothing(project):
    assert project.planned("all", "--config", "data_memory_mb=7") == set()


def test_measures_before_training_are_added_and_rerun_nothing(project):
    done = project.snakemake("all", "--config", "transferability=true")
    lines = [
        line.split() for line in (done.stdout + done.stderr).splitlines() if line.startswith(("rule ", "localrule "))
    ]
    ran = {words[1].rstrip(":") for words in lines} - {"all"}
    assert ran == {"transferability", "rank_transferability", "summarise_transferability"}
    results = project.folder / "results"
    ranks = rows(results / DOMAIN / "transferability" / "twin_towers.ranks.csv", recipe="full_finetune", budget="4")
    assert {row["measure"] for row in ranks} == {"proxy_a", "mmd", "sliced_wasserstein"}
    assert all(float(row["low"]) < float(row["spearman"]) < float(row["high"]) for row in ranks)
    assert rows(results / "transferability-twin.csv", measure="conditional_shift", recipe="full_finetune", pairs="1")


def test_a_constant_two_imports_down(project):
    project.edit("workflow/landbridge/train/adamw.py", "EPSILON = 1e-8", "EPSILON = 2e-8")
    jobs = project.planned("all")
    assert {"pretrain", "transfer"} <= stages(jobs)
    assert not stages(jobs) & {"download", "harmonise", "split"}


def test_one_model(project):
    project.edit("workflow/landbridge/models/lstm.py", '"dropout": 0.2', '"dropout": 0.3')
    jobs = project.planned("all")
    trained = {wildcards for rule, wildcards in jobs if rule in ("pretrain", "transfer")}
    assert trained and all("model=lstm" in wildcards for wildcards in trained)
    assert not stages(jobs) & {"download", "harmonise", "split"}


def test_one_recipe(project):
    project.edit("workflow/landbridge/methods/linear_probe.py", '"rate": 1e-3', '"rate": 2e-3')
    jobs = project.planned("all")
    assert stages(jobs) == {"transfer", "evaluate", "compare", "draw", "summarise"}
    for rule, wildcards in jobs:
        if rule in ("transfer", "evaluate"):
            assert "recipe=linear_probe" in wildcards


def test_one_more_recipe_shares_the_pretraining(project):
    project.edit("config/config.yaml", "lp_ft]", "lp_ft, l2_sp]")
    jobs = project.planned("all")
    assert stages(jobs) == {"transfer", "evaluate", "compare", "draw", "summarise"}
    trained = [wildcards for rule, wildcards in jobs if rule == "transfer"]
    assert trained and all("recipe=l2_sp" in wildcards for wildcards in trained)


def test_one_scenarios_key(project):
    project.edit(f"workflow/landbridge/domains/{DOMAIN}/domain.yaml", "min_scored: 30", "min_scored: 31")
    jobs = project.planned("all")
    assert not stages(jobs) & {"download", "harmonise"}
    assert all("twin_towers" in wildcards for rule, wildcards in jobs if rule != "summarise")


def test_a_variables_description_reruns_from_harmonise_on(project):
    project.edit(
        f"workflow/landbridge/domains/{DOMAIN}/domain.yaml", "air temperature at 2 m", "air temperature at 2 metres"
    )
    jobs = project.planned("all")
    assert "harmonise" in stages(jobs)
    assert "download" not in stages(jobs)


def test_the_twins_settings_rerun_from_download_on(project):
    assert ("download", "domain=flux_towers, dataset=twin_towers") in project.planned(
        "all", "--config", "flux_towers={'datasets': {'twin_towers': {'twin': {'seed': 9}}}}"
    )


def test_one_run_carries_a_changed_twin_through_to_the_end(project):
    before = project.results()
    project.snakemake("all", "--config", "flux_towers={'datasets': {'twin_towers': {'twin': {'seed': 9}}}}")
    after = project.results()
    changed = {name for name in before if before[name] != after[name]}
    for name in (
        "harmonise/twin_towers.nc",
        "split/twin_towers/fold0/answers.nc",
        "compare/twin_towers/leaderboard.csv",
    ):
        assert f"flux_towers/{name}" in changed


def test_one_more_seed_adds_its_jobs_alone(project):
    before = len(project.record("pretrain"))
    jobs = project.planned("all", "--config", f"seeds={before + 1}")
    new = {job for job in jobs if job[0] in ("pretrain", "transfer")}
    assert new and all(f"seed={before}" in wildcards for _, wildcards in new)
    assert stages(jobs) == {"pretrain", "transfer", "evaluate", "compare", "draw", "summarise"}


def test_a_damaged_manifest_reruns_harmonise(project):
    manifest = project.folder / "results" / DOMAIN / "download" / "twin_towers.json"
    manifest.write_text(manifest.read_text().replace('"dataset"', '"dataset" '))
    assert "harmonise" in stages(project.planned("all"))


def test_a_second_domain_from_the_template_is_untouched(project):
    domains = project.folder / "workflow" / "landbridge" / "domains"
    shutil.copytree(domains / "_template", domains / "ponds")
    project.edit("config/config.yaml", "domains: [flux_towers]", "domains: [flux_towers, ponds]")
    project.snakemake("ponds")
    assert project.planned("all") <= {("summarise", "tier=twin")}
    package = "workflow/landbridge"
    project.edit(f"{package}/domains/flux_towers/domain.yaml", "min_scored: 30", "min_scored: 31")
    project.edit(f"{package}/domains/flux_towers/process.py", "BUCKET_MM = 150.0", "BUCKET_MM = 151.0")
    project.edit(f"{package}/domains/flux_towers/aliases.csv", "DK-NuF", "DK-NuG")
    project.edit(f"{package}/models/lstm.py", '"dropout": 0.2', '"dropout": 0.3')
    project.edit(f"{package}/methods/linear_probe.py", '"rate": 1e-3', '"rate": 2e-3')
    jobs = project.planned("all")
    assert jobs and not [wildcards for _, wildcards in jobs if "ponds" in wildcards]
