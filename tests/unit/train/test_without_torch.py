"""Importing torch takes longer than most jobs without a network, so these do without it."""

import subprocess
import sys
from pathlib import Path

import landbridge
from landbridge import registry

CODE = """
import sys
from importlib import import_module

sys.path.insert(0, sys.argv[1])
for name in sys.argv[2:]:
    import_module(name)
    if "torch" in sys.modules:
        sys.exit(f"{name} imports torch")
"""


def imported(*names):
    """What comes of importing modules one after the other in a fresh process."""
    where = str(Path(landbridge.__file__).parents[1])
    return subprocess.run([sys.executable, "-c", CODE, where, *names], capture_output=True, text=True)


def test_every_stage_but_those_that_need_a_network():
    stages = [module for stage, module in registry.STAGES.items() if stage not in ("pretrain", "transferability")]
    done = imported("landbridge.job", *stages)
    assert done.returncode == 0, done.stderr
    assert "imports torch" in imported(registry.STAGES["pretrain"]).stderr


def test_recipes_without_a_network_and_what_domains_bring_for_them():
    recipes = [f"landbridge.methods.{name}" for name, own in registry.recipes().items() if own.models == "none"]
    folders = registry.domains().items()
    uses = ("features", "baselines")
    files = [(domain, name) for domain, folder in folders for name in uses if (folder / f"{name}.py").is_file()]
    assert len(recipes) > 5 and files
    done = imported(*recipes, *(f"landbridge.domains.{domain}.{name}" for domain, name in files))
    assert done.returncode == 0, done.stderr
