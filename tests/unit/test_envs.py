"""One set of versions: for pip, for conda, and in the environment that runs these tests."""

import ast
import importlib.metadata
import re
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
# Packages that conda-forge names otherwise than the package index does.
CONDA_NAMES = {"matplotlib": "matplotlib-base", "netcdf4": "netcdf4", "pyyaml": "pyyaml", "torch": "pytorch"}
# Packages whose import has another name than they have.
IMPORTS = {"pyyaml": "yaml", "netcdf4": "netCDF4", "scikit-learn": "sklearn"}
# Not imported by the package: what runs it and makes its report, what scikit-learn needs, what users read files with.
FOR_OTHERS = {"pandas", "pygments", "scipy", "snakemake", "xarray"}
OPTIONAL = ("torchvision.txt",)  # what a user may add; imported where it is named alone


def pins(name):
    """Package and version of each line of a requirements file, names in lower case."""
    lines = (ROOT / "envs" / name).read_text().splitlines()
    lines = [line for line in lines if line and not line.startswith(("#", "-r"))]
    for line in lines:
        assert re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][0-9A-Za-z.]*", line), f"{name}: '{line}' is no exact version"
    return {package.lower(): version for package, version in (line.split("==") for line in lines)}


def test_conda_has_the_versions_of_pip():
    listed = yaml.safe_load((ROOT / "envs" / "landbridge.yaml").read_text())["dependencies"]
    conda = dict(re.split(r" (?:==)?", line, maxsplit=1) for line in listed)
    assert conda.pop("python") == "3.11.*"
    expected = {}
    for package, version in pins("requirements.txt").items():
        expected[CONDA_NAMES.get(package, package)] = re.sub(r"\.post\d+$", "", version)
    assert conda == expected


def test_dev_adds_to_what_a_run_needs():
    assert (ROOT / "envs" / "dev.txt").read_text().startswith("-r requirements.txt\n")
    assert not set(pins("dev.txt")) & set(pins("requirements.txt"))


def test_what_only_checks_ours_is_pinned_and_nothing_else_needs_it():
    assert pins("checks.txt")
    assert not set(pins("checks.txt")) & {*pins("requirements.txt"), *pins("dev.txt")}


def test_a_cluster_adds_to_what_a_run_needs():
    assert "-r requirements.txt\n" in (ROOT / "envs" / "cluster.txt").read_text()
    assert not set(pins("cluster.txt")) & set(pins("dev.txt"))


@pytest.mark.parametrize("name", OPTIONAL)
def test_options_are_tested_in_the_versions_that_users_get(name):
    assert "-r requirements.txt\n" in (ROOT / "envs" / name).read_text()
    assert pins(name).items() <= pins("dev.txt").items()
    conda = (ROOT / "envs" / "landbridge.yaml").read_text()
    for package, version in pins(name).items():
        assert f"{package} =={version}" in conda


@pytest.mark.parametrize("name", ["requirements.txt", "dev.txt"])
def test_the_environment_has_the_pinned_versions(name):
    for package, version in pins(name).items():
        installed = importlib.metadata.version(package).split("+")[0]  # a build for CPUs says so after the plus
        assert installed == version, f"{package} is {installed}, and envs/{name} says {version}"


def test_what_the_package_imports_is_pinned_and_what_is_pinned_is_used():
    imported = set()
    for folder in ("workflow", "scripts"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    imported |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and not node.level:
                    imported.add(str(node.module).split(".")[0])
    imported -= sys.stdlib_module_names | {"landbridge"}
    pinned = {IMPORTS.get(package, package): package for package in pins("requirements.txt")}
    assert imported - {package for name in OPTIONAL for package in pins(name)} <= set(pinned)
    assert {package for name, package in pinned.items() if name not in imported} <= FOR_OTHERS
