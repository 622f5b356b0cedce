"""Profiles: the default one beats `--profile` and gives way to `--workflow-profile`."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2] / "profiles"


CLUSTERS = ("slurm", "slurm-gres", "kubernetes")
ALL = [path.parent.name for path in sorted(ROOT.glob("*/config.yaml"))]
TRAINS = ("pretrain", "transfer")


def profile(name):
    return yaml.safe_load((ROOT / name / "config.yaml").read_text())


def test_workstation_shares_no_key_with_default():
    assert not profile("default").keys() & profile("workstation").keys()


@pytest.mark.parametrize("name", CLUSTERS)
def test_a_profile_of_a_cluster_says_all_that_default_says(name):
    assert profile("default").items() <= profile(name).items()


@pytest.mark.parametrize("name", ALL)
def test_every_key_has_a_comment_that_says_why(name):
    lines = (ROOT / name / "config.yaml").read_text().splitlines()
    commented = False
    for line in lines:
        if "as in profiles/default" in line:
            break  # what follows is explained there
        if re.match(r"[a-z-]+:", line):
            assert commented or line.startswith(("executor:", "cores: all", "default-resources:")), f"{name}: {line}"
        commented = line.lstrip().startswith("#") or (commented and bool(line.strip()))


def test_every_profile_is_described():
    text = (ROOT / "README.md").read_text()
    for name in ALL:
        assert f"`{name}`" in text


def rules():
    return {path.stem: path.read_text() for path in (ROOT.parent / "workflow" / "rules").glob("*.smk")}


def test_profiles_name_rules_and_groups_that_exist():
    groups = set(re.findall(r'"(untrained_\w+)"', (ROOT.parent / "workflow" / "landbridge" / "plan.py").read_text()))
    for name in CLUSTERS[:2]:
        own = profile(name)
        assert own["groups"].keys() | own.get("set-resources", {}).keys() <= rules().keys()
        assert own["group-components"].keys() == groups | {"split_{domain}", "maps_{domain}"}
        assert not own["groups"].keys() & set(TRAINS), "a retry of a group begins all of its trainings anew"


def test_every_rule_that_runs_a_job_says_what_it_needs():
    for name, text in rules().items():
        if name == "report":
            continue
        for need in ("threads: 1", "mem_mb=plan.memory(", "runtime=plan.", "disk_mb=plan.disk("):
            assert need in text, f"{name}: {need}"
        assert ("gpu=" in text) == (name in TRAINS)


def test_the_site_gres_profile_differs_in_how_it_asks_for_gpus_alone():
    one, other = profile("slurm"), profile("slurm-gres")
    assert {key: value for key, value in other.items() if key != "set-resources"} == one
    assert all(other["set-resources"][rule]["gpu"] == 0 for rule in TRAINS)
    partitions = [(ROOT / name / "partitions.yaml").read_text() for name in CLUSTERS[:2]]
    assert partitions[0] == partitions[1]
