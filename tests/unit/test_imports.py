"""Imports run downwards, stages know nothing of the harness, and jobs load no more than they need."""

import ast
import subprocess
import sys
from pathlib import Path

import landbridge
import pytest
from landbridge.fingerprint import _imports, closure
from landbridge.registry import STAGES, domains, recipes

ROOT = Path(landbridge.__file__).parent
# From the top down; a layer may import itself and what stands below it.
LAYERS = ["domains", "judge", "train", "methods", "models", "prepare", "io", "contract"]
BELOW = ("contract", "stage", "stopping", "checks", "kinds", "reader_settings")  # modules of the lowest layer
HARNESS = {"registry", "job", "fingerprint", "plan", "device", "options", "settings"}
HARNESS |= {path.stem for path in ROOT.glob("config*.py")}
WITHOUT_NETWORKS = [
    *(module for stage, module in STAGES.items() if stage not in ("pretrain", "transferability")),
    *(f"landbridge.methods.{name}" for name, recipe in recipes().items() if recipe.models == "none"),
    *(
        f"landbridge.domains.{domain}.{name}"
        for domain, folder in domains().items()
        for name in ("features", "baselines")
        if (folder / f"{name}.py").is_file()
    ),
]
FILES = sorted(path for path in ROOT.rglob("*.py") if path.parent != ROOT or path.stem in BELOW)


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(["landbridge", *(parts[:-1] if parts[-1] == "__init__" else parts)])


def layer_of(module):
    name = module.split(".")[1] if "." in module else ""
    return LAYERS.index("contract" if name in BELOW else name)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_downwards(path):
    module = module_name(path)
    if module == "landbridge":
        return
    for imported in _imports(ast.walk(ast.parse(path.read_text())), module):
        assert imported.split(".")[1] not in HARNESS, f"{module} imports {imported}: stages must not know the harness"
        assert layer_of(imported) >= layer_of(module), f"{module} imports {imported}, which stands above it"


def test_one_domain_never_imports_another():
    for path in (ROOT / "domains").rglob("*.py"):
        own = path.relative_to(ROOT / "domains").parts[0]
        for imported in _imports(ast.walk(ast.parse(path.read_text())), module_name(path)):
            if imported.startswith("landbridge.domains."):
                assert imported.split(".")[2] == own, f"{path} imports {imported}"


def test_init_files_are_empty():
    assert [path for path in ROOT.rglob("__init__.py") if path.read_text().strip()] == []


@pytest.mark.parametrize("stage", STAGES)
def test_stages_exist_and_stand_alone(stage):
    assert (ROOT.parent.parent / "scripts" / f"{stage}.py").is_file()
    assert (ROOT.parent / "rules" / f"{stage}.smk").is_file()
    assert not {name.split(".")[1] for name in closure([STAGES[stage]])} & HARNESS


@pytest.mark.parametrize(
    ("modules", "absent"),
    [
        (
            [
                *("landbridge.train.pretrain", "landbridge.train.transfer", "landbridge.train.transferability"),
                *("landbridge.models.lstm", "landbridge.job"),
            ],
            ["xarray", "pandas", "sklearn", "matplotlib", "pydantic", "torch._dynamo", "torch._inductor"],
        ),
        (["landbridge.plan", "landbridge.config"], ["torch", "xarray", "pandas", "numpy", "sklearn", "netCDF4"]),
        (
            ["landbridge.prepare.split", "landbridge.judge.evaluate", "landbridge.io.download"],
            ["torch", "xarray", "pandas"],
        ),
        (["landbridge.job", *WITHOUT_NETWORKS], ["torch"]),
        ([f"landbridge.methods.{name}" for name in recipes()], ["sklearn", "torch._dynamo", "pandas"]),
    ],
)
def test_start_up_loads_no_more_than_needed(modules, absent):
    code = f"import sys, {', '.join(modules)}; print([name for name in {absent} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(ROOT.parent)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
