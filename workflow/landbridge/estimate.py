"""How many networks a whole run trains, told by a dry run before anybody waits for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from landbridge.config import Scenario
from landbridge.registry import Recipe
from landbridge.slices import REFERENCE_MODEL, split_recipe

if TYPE_CHECKING:
    from landbridge.plan import Plan


def estimate(plan: Plan) -> str:
    """How many networks a whole run trains, and about how long that takes on a GPU."""
    trainings, minutes = 0, 0.0
    for domain in plan.domains:
        for scenario, description in plan.scenarios[domain].items():
            repetitions = len(plan.folds(domain, scenario)) * plan.config.seeds
            labelled = sum(budget != "0" for budget in description.budgets)
            pretrained: set[tuple[str, str]] = set()
            for model, name in plan.runs(domain, scenario):
                if model == REFERENCE_MODEL:
                    continue
                recipe_id, variant, selection = split_recipe(name)
                recipe = plan.recipes[recipe_id]
                fits = fits_of(recipe.rights_of(variant), labelled)
                fits += more_fits(recipe, selection or recipe.selection, fits, description, plan.config.search.trials)
                if recipe.objective and (model, recipe.objective) not in pretrained:
                    pretrained.add((model, recipe.objective))
                    fits += 1
                own = plan.slices.model(domain, scenario, model)["training"]
                each = own.get("gpu_minutes", plan.config.domains[domain].training.gpu_minutes)
                trainings += fits * repetitions
                minutes += fits * repetitions * each
    return (
        f"A whole run trains {trainings} networks: about {minutes / 60:.1f} GPU-hours by `training.gpu_minutes`, "
        f"an estimate that was not measured on your machine."
    )


def fits_of(rights: Sequence[str], labelled: int) -> int:
    """Fits of a job: one for each budget with labels, one for them all without, none where nothing is learnt."""
    return labelled if "target_labels" in rights else int("source_labels" in rights)


def more_fits(recipe: Recipe, rule: str | None, fits: int, scenario: Scenario, trials: int) -> int:
    """Fits of one run that a search adds to those without one."""
    if not recipe.search or rule == "fixed":
        return 0
    if rule == "leave_one_source_domain_out":  # four parts of the source play the target
        return 4 * (fits * trials + (recipe.objective is not None))
    if rule is None:  # nothing is searched where no labels are kept to choose by
        kept = [size for size in scenario.budgets if size == "all" or int(size) >= scenario.selection_from]
        fits = len(kept) if scenario.budget_axis != "time" else 0
    return fits * (trials - 1)
