"""Which selection rules a recipe can follow: told before any job runs."""

from __future__ import annotations

from collections.abc import Sequence

from landbridge import registry
from landbridge.registry import Recipe, Rule
from landbridge.slices import ORACLE, REFERENCE_MODEL, split_recipe
from landbridge.stage import StageError


def check_selections(key: str, names: Sequence[str], trials: int) -> None:
    """Refuse a selection rule that a recipe can't follow.

    Args:
        key: where the names stand in the configuration.
        names: of recipes, as `id[.variant][.selection]`.
        trials: of each recipe that has settings to search.

    Raises:
        StageError: the text says which and why.
    """
    for name in names:
        recipe_id, variant, selection = split_recipe(name)
        recipe = registry.recipes()[recipe_id]
        if selection is None or selection == recipe.selection:
            continue
        fault = _fault(recipe, recipe.rights_of(variant), registry.rules()[selection], trials)
        if fault:
            raise StageError(f"{key}: {name}: {fault}")


def check_not_by_the_test(key: str, names: Sequence[str]) -> None:
    """Refuse recipes whose trial the test itself chooses where a result is shown.

    Args:
        key: where the names stand in the configuration.
        names: of recipes.

    Raises:
        StageError: there is one.
    """
    for name in names:
        if split_recipe(name)[2] == ORACLE:
            raise StageError(
                f"{key}: {name}: {ORACLE} is chosen by the test and is drawn as a line alone; write "
                f"{name.removesuffix(f'.{ORACLE}')}"
            )


def _fault(recipe: Recipe, rights: Sequence[str], rule: Rule, trials: int) -> str:
    """Why a recipe with these rights can't follow a rule; nothing where it can."""
    trains = recipe.models != REFERENCE_MODEL and recipe.selection != "fixed"
    if not trains and not recipe.search:
        return f"{recipe.id} trains no network, so there is no '{rule.name}'; leave it out"
    if rule.compares or not trains:
        if not recipe.search:
            return f"{rule.name} chooses among trials, and {recipe.id} has nothing to search; leave it out"
        if trials == 1:
            return f"{rule.name} chooses among trials, and there is one; write search: {{trials: 8}}"
    if rule.name == "target_val_k" and "target_labels" not in rights:
        return "it reads no labels of the target, so none can be put aside; leave it out"
    if rule.name == "target_val_large" and not {"source_labels", "target_labels"} & set(rights):
        return "it trains nothing after pretraining, so there is nothing to choose; leave it out"
    if rule.name == "source_val" and "source_labels" not in rights:
        return (
            "adapting harms the score on the source, so stopping by it would leave the source model unchanged; write "
            "target_val_k or fixed"
        )
    return ""
