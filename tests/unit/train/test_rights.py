"""Every recipe makes do with the files of its rights, and is told so where it asks for more."""

import shutil
from copy import copy

import numpy as np
import pytest
from landbridge import registry
from landbridge.methods.given import RightError

from tests import synthetic
from tests.line import TRAINING, Line

QUICK = {**TRAINING, "epochs": 1, "epoch_steps": 2, "batch": 8, "fixed_steps": 2}
CHIPS = {"task": "segmentation", "model": "wht_unet", "side": 16, "network": {"widths": [2, 2, 4, 4]}}
CLASSES = {"task": "classification", "model": "linear"}
TOLD = {"model": "tam_rl", "network": {"hidden": 4, "latent": 2}, "support": 2}
ON_TIME = {"budget_axis": "time", "budgets": ["0", "6"], "split": {**synthetic.COMMON["split"], "gap": 3}}
STATES = {
    "model": "refquery",
    "network": {"hidden": 2, "blocks": 1, "trunk": 2},
    "grouped": True,
    "on_from": {"y": 0.5},
}
# Data and network of a recipe, or of one of its variants; a linear network on a regression for all others.
CASES = {
    **dict.fromkeys(["adabn", "adapter", "index_threshold", "wht_scale_threshold"], CHIPS),
    **dict.fromkeys(["rules", "sampling_only", "cdan.entropy", "cdan.entropy_few"], CLASSES),
    "embedding_only": STATES,
    "film_modulation": TOLD,
    "film_modulation.labels": {**TOLD, "split_changes": ON_TIME},
    "product": {"product": {"y": "b"}},
}
PRESETS = {name for name in registry.recipes()["partial_unfreeze"].variants if name not in ("chosen", "head_only")}
JOBS = [
    (recipe, variant)
    for recipe, described in registry.recipes().items()
    for variant in described.variants or ("",)
    if recipe != "partial_unfreeze" or variant not in PRESETS  # of parts that a linear network does not have
]


# What a domain's own modules give: these stand for `features` and `baselines`.
def median_time_step(dataset, ends, sizes):
    """(window, 1) of `sampling_only`."""
    return np.asarray(dataset["a"][ends], float)[:, None]


def index(dataset, ends, sizes):
    """(chip, y, x) of `index_threshold`."""
    bands = dataset["reflectance"][ends]
    return bands[:, 0] - bands[:, 1]


class Rules:
    """Equal shares of three classes, of `rules`."""

    def predict(self, dataset, ends, sizes):
        return np.full((len(ends), 3), np.log(1 / 3))

    def counts(self):
        return 1, 1


def fit(dataset, ends, sizes, labels, weights, classes):
    """The rules of `rules`."""
    assert len(labels) == len(ends)
    return Rules()


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    """Every kind of data and network, made when a recipe first asks for it."""
    made = {}

    def line_of(recipe, variant):
        name = next((name for name in (f"{recipe}.{variant}", recipe) if name in CASES), "")
        case = {"task": "regression", "model": "linear", **CASES.get(name, {})}
        split = case.pop("split_changes", {})
        key = repr(sorted(case.items())) + repr(split)
        if key not in made:
            task, model, side = case.pop("task"), case.pop("model"), case.pop("side", 6)
            line = made[key] = Line(tmp_path_factory.mktemp("line"), task, model=model, side=side, **split)
            line.settings |= {
                "training": QUICK,
                "budgets": line.settings["budgets"][:1] + line.settings["budgets"][-1:],
            }
            line.settings |= case
        objective, line = registry.recipes()[recipe].objective, made[key]
        if objective and not (line.folder / f"checkpoint{'' if objective == 'erm' else '-' + objective}0").exists():
            line.pretrain(
                objective=objective, objective_settings={} if objective == "erm" else {"by": "group"}, **QUICK
            )
        return line

    return line_of


def transferred(line, recipe, variant, **changes):
    """Statuses of a job, and the bytes of its predictions."""
    described = registry.recipes()[recipe]
    few = {"rounds": 3} if "rounds" in described.defaults else {}
    modules = dict.fromkeys(described.uses, __name__)
    found = line.transfer(recipe, variant=variant, modules=modules, recipe_settings=few, **changes)
    return found["status"].tolist(), (line.folder / recipe / "fold0-seed0.nc").read_bytes()


@pytest.mark.parametrize(("recipe", "variant"), [pytest.param(*job, id=".".join(job).strip(".")) for job in JOBS])
def test_the_files_of_its_rights_are_all_that_a_recipe_needs(lines, recipe, variant, tmp_path, monkeypatch):
    line = lines(recipe, variant)
    status, everything = transferred(line, recipe, variant)
    assert "ok" in status, status
    described = registry.recipes()[recipe]
    for file in line.files(described, described.rights_of(variant)).values():
        shutil.copy(file, tmp_path)
    sealed = copy(line)
    sealed.folder = tmp_path
    monkeypatch.chdir(tmp_path)
    assert transferred(sealed, recipe, variant) == (status, everything)


DECLARED = [
    pytest.param(recipe, right, id=f"{recipe}-{right}")
    for recipe, described in registry.recipes().items()
    for right in registry.RIGHTS
    if any(right in described.rights_of(variant) for variant in described.variants or ("",))
]


@pytest.mark.parametrize(("recipe", "right"), DECLARED)
def test_without_one_of_its_rights_a_recipe_fails_and_says_which_it_lacks(lines, recipe, right):
    """By one variant at least: a right that none of them asks for is declared for nothing."""
    told = []
    for variant in [own for name, own in JOBS if name == recipe]:
        rights = registry.recipes()[recipe].rights_of(variant)
        if right not in rights:
            continue
        try:
            transferred(lines(recipe, variant), recipe, variant, rights=[other for other in rights if other != right])
        except RightError as error:
            told.append(str(error))
            break
    assert told and f"recipe {recipe} asked for {right}, which its RIGHTS do not name" in told[0]
