"""Names in a domain's description that must exist: models, recipes, datasets, columns, metrics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from landbridge.config_errors import Fault, closest
from landbridge.settings import Domain, Scenario

# A unit's own name is a column that no domain need list.
UNIT_NAME = "unit_name"


def check_domain(
    name: str,
    domain: Domain,
    recipes: Mapping[str, Sequence[str]],
    selections: Sequence[str],
    models: Iterable[str],
    *,
    model_settings: Mapping[str, Iterable[str]] | None = None,
    recipe_settings: Mapping[str, Iterable[str]] | None = None,
) -> list[Fault]:
    """Faults of the names in one domain; arguments as of `config.load`."""
    known_models = list(models)
    faults = []
    for model, settings in domain.models.items():
        if model not in known_models:
            problem = f"there is no model '{model}'"
            faults.append(Fault((name, "models", model), problem, closest(model, known_models)))
        faults += _unknown_settings((name, "models", model), settings, (model_settings or {}).get(model))
    for number, recipe in enumerate(domain.recipes):
        fault = _recipe(recipe, recipes, selections)
        if fault:
            faults.append(Fault((name, "recipes", number), *fault))
    for recipe, settings in domain.recipe_settings.items():
        if recipe not in recipes:
            problem = f"there is no recipe '{recipe}'"
            faults.append(Fault((name, "recipe_settings", recipe), problem, closest(recipe, recipes)))
        faults += _unknown_settings((name, "recipe_settings", recipe), settings, (recipe_settings or {}).get(recipe))
    if domain.worst_class_of is not None:
        faults += _columns((name, "worst_class_of"), [domain.worst_class_of], domain)
    told: set[tuple[Any, ...]] = set()
    for tier in ("twin", "real"):
        for scenario_name, scenario in getattr(domain, tier).items():
            base = (tier, scenario.extends)
            for path, problem, remedy in _scenario(scenario, domain):
                told.add((tier, scenario_name, path, problem))
                if (*base, path, problem) not in told:  # else told already, where it stands
                    faults.append(Fault((name, tier, scenario_name, *path), problem, remedy))
    return faults


def _unknown_settings(path: tuple[str, ...], settings: Mapping[str, Any], known: Iterable[str] | None) -> list[Fault]:
    if known is None:
        return []
    names = list(known)
    return [
        Fault((*path, key), f"{path[-1]} has no setting '{key}'", closest(key, names))
        for key in settings
        if key not in names
    ]


def _recipe(name: str, recipes: Mapping[str, Sequence[str]], selections: Sequence[str]) -> tuple[str, str] | None:
    recipe_id, *rest = name.split(".")
    if recipe_id not in recipes:
        return f"there is no recipe '{recipe_id}'", closest(recipe_id, recipes)
    variants = list(recipes[recipe_id])
    words = list(rest)
    if words and words[0] in variants:
        words.pop(0)
    if words and words[0] in selections:
        words.pop(0)
    if words:
        problem = f"recipe {recipe_id} has no variant or selection rule '{words[0]}'"
        return problem, closest(words[0], [*variants, *selections])
    return None


Finding = tuple[tuple[Any, ...], str, str]  # path inside the scenario, problem, remedy


def _scenario(scenario: Scenario, domain: Domain) -> Iterator[Finding]:
    for side in ("source", "target"):
        population = getattr(scenario, side)
        if population.dataset not in domain.datasets:
            problem = f"there is no dataset '{population.dataset}'"
            yield (side, "dataset"), problem, closest(population.dataset, domain.datasets)
        for column in population.where:
            yield from _column((side, "where", column), column, domain)
    for number, column in enumerate(scenario.split.group):
        yield from _column(("split", "group", number), column, domain)
    if scenario.split.stratify is not None:
        yield from _column(("split", "stratify"), scenario.split.stratify, domain)
    for column in scenario.one_hot:
        yield from _column(("one_hot", column), column, domain)
    for number, column in enumerate(scenario.static):
        yield from _column(("static", number), column, domain)
    target = domain.datasets.get(scenario.target.dataset)
    if target is None or target.kind == "series":  # bands of chips are no variables
        yield from _variables("inputs", scenario.inputs, ("input",), domain)
        if scenario.window is None:
            yield ("window",), "is missing", "write for example {length: 30}: series are cut into windows"
    yield from _variables("targets", scenario.targets, ("target",), domain)
    if scenario.quality is not None:
        for path, problem, remedy in _variables("quality", [scenario.quality.variable], ("quality",), domain):
            yield (path[0], "variable"), problem, remedy
    if scenario.task != "regression" and not scenario.classes:
        yield ("classes",), "is missing", "write the names of the classes, or flag_meanings of the target variable"
    choices = {
        "target": scenario.targets if scenario.task == "regression" else ["label"],
        "metric": domain.metrics,
        "statistic": domain.statistics,
    }
    for key, names in choices.items():
        value = getattr(scenario.headline, key)
        if value not in names:
            where = "this scenario's targets" if key == "target" else f"this domain's {key}s"
            yield ("headline", key), f"'{value}' is not among {where}", closest(value, names)


def _column(path: tuple[Any, ...], column: str, domain: Domain) -> Iterator[Finding]:
    names = [name for name, variable in domain.variables.items() if variable.dimension == "unit"]
    if column not in (*names, UNIT_NAME):
        yield path, f"units have no column '{column}'", closest(column, names)


def _columns(path: tuple[Any, ...], columns: Sequence[str], domain: Domain) -> list[Fault]:
    found = [finding for column in columns for finding in _column(path, column, domain)]
    return [Fault(*finding) for finding in found]


def _variables(key: str, names: Sequence[str], roles: Sequence[str], domain: Domain) -> Iterator[Finding]:
    offered = [name for name, variable in domain.variables.items() if variable.role in roles]
    for number, name in enumerate(names):
        if name not in domain.variables:
            yield (key, number), f"there is no variable '{name}'", closest(name, offered)
        elif name not in offered:
            role = domain.variables[name].role
            yield (key, number), f"'{name}' has the role {role}, not {roles[0]}", closest(name, offered)
