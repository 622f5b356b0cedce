"""Names in a domain's description that must exist: models, recipes, datasets, columns, metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from landbridge.config_errors import Fault, closest
from landbridge.io.weights import exposure
from landbridge.settings import Contrast, Domain, Scenario, Training, column_of_rule

# A unit's own name is a column that no domain need list.
UNIT_NAME = "unit_name"
TIERS = ("twin", "real")


@dataclass(frozen=True)
class Offered:
    """What a configuration may choose from; what is empty here is not checked.

    Attributes:
        domains: folder of each domain.
        recipes: variants of each recipe.
        recipe_settings: names of the settings of each recipe.
        selections: names of selection rules.
        model_settings: names of the settings of each model.
        metrics: names of metrics by task.
        statistics: names of statistics over groups.
        split_rules: names of split rules.
        readers: names of readers by domain.
        padded: names of the models that take padded windows.
        on_off: names of the models whose targets are on or off.
        of_one_class: names of the metrics that may name a class.
        votes: scales of classes that a metric may name.
        of_states: names of the metrics of targets that are on or off.
        scaled: names of the metrics of probabilities after temperature scaling.
        figures: names of figures by domain.
        simulators: domains with a process model.
    """

    domains: Mapping[str, Path]
    recipes: Mapping[str, Sequence[str]]
    recipe_settings: Mapping[str, Sequence[str]]
    selections: Sequence[str]
    model_settings: Mapping[str, Sequence[str]]
    metrics: Mapping[str, Sequence[str]] = field(default_factory=dict)
    statistics: Sequence[str] = ()
    split_rules: Sequence[str] = ()
    readers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    padded: Sequence[str] = ()
    on_off: Sequence[str] = ()
    of_one_class: Sequence[str] = ()
    votes: Sequence[str] = ()
    of_states: Sequence[str] = ()
    scaled: Sequence[str] = ()
    figures: Mapping[str, Sequence[str]] = field(default_factory=dict)
    simulators: Sequence[str] = ()


def check_domain(name: str, domain: Domain, offered: Offered) -> list[Fault]:
    """Faults of the names in one domain."""
    faults = []
    for kind, known, used in (
        ("model", offered.model_settings, domain.models),
        ("recipe", offered.recipe_settings, domain.recipe_settings),
    ):
        key = {"model": "models", "recipe": "recipe_settings"}[kind]
        for word, settings in used.items():
            if word not in known:
                faults.append(Fault((name, key, word), f"there is no {kind} '{word}'", closest(word, known)))
                continue
            if kind == "model":
                faults += [*_own_training((name, key, word), settings), *_own_weights((name, key, word), settings)]
            for setting in settings:
                if setting not in known[word] and not (kind == "model" and setting == "training"):
                    problem = f"{word} has no setting '{setting}'"
                    faults.append(Fault((name, key, word, setting), problem, closest(setting, known[word])))
    for number, recipe in enumerate(domain.recipes):
        wrong = _recipe(recipe, offered.recipes, offered.selections)
        if wrong:
            faults.append(Fault((name, "recipes", number), *wrong))
    scenarios = [scenario for tier in TIERS for scenario in getattr(domain, tier).values()]
    named = {*domain.recipes, *(word for scenario in scenarios for word in scenario.recipes or ())}
    for number, recipe in enumerate(domain.maps):
        if recipe not in named:
            problem = f"'{recipe}' is not among this domain's recipes"
            faults.append(Fault((name, "maps", number), problem, closest(recipe, sorted(named))))
    for word, contrast in domain.contrasts.items():
        faults += [Fault((name, "contrasts", word, *path), *rest) for path, *rest in _contrast(contrast, domain)]
    for word, dataset in domain.datasets.items():
        faults += [Fault((name, "datasets", word, "files_of"), *rest) for rest in _files_of(word, domain)]
        if dataset.kind == "tables":
            continue
        faults += _unknown((name, "datasets", word, "reader"), "reader", [dataset.reader], offered.readers.get(name))
    tasks = sorted({scenario.task for tier in TIERS for scenario in getattr(domain, tier).values()})
    for task in tasks:
        of_task: Sequence[str] = offered.metrics.get(task, ())
        if task != "regression":
            of_task = [*_metrics_of_classes(domain, of_task, offered, task), *offered.scaled]
        faults += _unknown((name, "metrics"), f"metric of {task}", domain.metrics, of_task)
    faults += _unknown((name, "statistics"), "statistic", domain.statistics, offered.statistics)
    faults += _unknown((name, "figures"), "figure", domain.figures, offered.figures.get(name))
    for number, word in enumerate(domain.training.class_weights):
        column = _column(("training", "class_weights", number), word, domain)
        faults += [Fault((name, *path), problem, remedy) for path, problem, remedy in column]
    for word, of_units in domain.unit_columns.items():
        if of_units not in domain.metrics:
            column = _column(("unit_columns", word), of_units, domain)
            faults += [Fault((name, *path), f"{problem}, nor is it a metric", rest) for path, problem, rest in column]
    if domain.worst_class_of is not None:
        column = _column(("worst_class_of",), domain.worst_class_of, domain)
        faults += [Fault((name, *path), problem, remedy) for path, problem, remedy in column]
    told: set[tuple[Any, ...]] = set()
    for tier in TIERS:
        for scenario_name, scenario in getattr(domain, tier).items():
            found = [*_scenario(scenario, domain, offered), *_simulator(scenario, name in offered.simulators)]
            if tier == "real" and scenario.split.plant is not None:
                problem = "a leak is planted in twins alone, never in published data"
                found.append((("split", "plant"), problem, "take it out, or name a scenario of the twin tier"))
            for path, problem, remedy in found:
                told.add((tier, scenario_name, path, problem))
                if (tier, scenario.extends, path, problem) not in told:  # else told already, where it stands
                    faults.append(Fault((name, tier, scenario_name, *path), problem, remedy))
    return faults


def _files_of(word: str, domain: Domain) -> Iterator[tuple[str, str]]:
    """Problem and remedy where a dataset takes files from one that there is not, or that has none of its own."""
    named = domain.datasets[word].files_of
    if named is None:
        return
    if named not in domain.datasets:
        yield f"there is no dataset '{named}'", closest(named, domain.datasets)
    elif domain.datasets[named].files_of is not None:
        owners = [other for other, dataset in domain.datasets.items() if dataset.files_of is None]
        yield f"'{named}' has no files of its own", closest(named, owners)


def _metrics_of_classes(domain: Domain, known: Sequence[str], offered: Offered, task: str) -> list[str]:
    """Metrics of classes, of each class by name, and of the votes of units."""
    scenarios = [scenario for tier in TIERS for scenario in getattr(domain, tier).values() if scenario.task == task]
    classes = dict.fromkeys(word for scenario in scenarios for word in scenario.classes)
    names = [*known, *(f"{name}.{word}" for name in offered.of_one_class for word in classes)]
    votes = offered.votes if task == "classification" else ()
    return [*names, *(f"{name}.{vote}" for vote in votes for name in names)]


def _unknown(path: tuple[Any, ...], kind: str, words: Sequence[str], known: Sequence[str] | None) -> list[Fault]:
    listed = path[-1].endswith("s")  # the key of a list: the fault stands at one of its members
    return [
        Fault((*path, number) if listed else path, f"there is no {kind} '{word}'", closest(word, known))
        for number, word in enumerate(words)
        if known and word not in known
    ]


def _recipe(name: str, recipes: Mapping[str, Sequence[str]], selections: Sequence[str]) -> tuple[str, str] | None:
    recipe_id, *rest = name.split(".")
    if recipe_id not in recipes:
        return f"there is no recipe '{recipe_id}'", closest(recipe_id, recipes)
    variants = list(recipes[recipe_id])
    words = list(rest)
    if words and words[0] in variants:
        words.pop(0)
        variants = []
    if words and words[0] in selections:
        words.pop(0)
    if words:
        problem = f"recipe {recipe_id} has no variant or selection rule '{words[0]}'"
        return problem, closest(words[0], [*variants, *selections])
    return None


def _own_training(path: tuple[Any, ...], settings: Mapping[str, Any]) -> list[Fault]:
    """Faults of a model's own `training:`."""
    own = settings.get("training", {})
    if not isinstance(own, Mapping):
        return [Fault((*path, "training"), f"{own!r} is no mapping", "write for example {learning_rate: 0.0005}")]
    fields = Training.model_fields
    faults = [
        Fault((*path, "training", key), f"training has no key '{key}'", closest(key, fields))
        for key in own
        if key not in fields
    ]
    if not faults:
        try:
            Training(**own)
        except ValidationError as error:
            first = error.errors()[0]
            faults.append(Fault((*path, "training", *first["loc"]), first["msg"], "write a number of that kind"))
    return faults


def _own_weights(path: tuple[Any, ...], settings: Mapping[str, Any]) -> list[Fault]:
    """Faults of the weights that a model begins at: the file's name, its bands, whether it has seen the target."""
    named, bands = settings.get("weights"), settings.get("weights_bands", [])
    told = settings.get("weights_exposure")
    faults = []
    if named and not isinstance(named, str):
        faults.append(Fault((*path, "weights"), f"{named!r} is no name of a file", "write the path of a file"))
    if exposure(told) is None and (named or told is not None):
        problem = "is missing, and weights from elsewhere may have seen the target" if told is None else f"is {told!r}"
        remedy = "write yes, no or unknown: whether what they were trained on holds the target, with or without labels"
        faults.append(Fault((*path, "weights_exposure"), problem, remedy))
    if not isinstance(bands, list) or not all(isinstance(band, str) for band in bands):
        problem = f"{bands!r} is no list of bands"
        faults.append(Fault((*path, "weights_bands"), problem, "write for example [red, green, blue]"))
    return faults


def _contrast(contrast: Contrast, domain: Domain) -> Iterator[tuple[tuple[Any, ...], str, str]]:
    """Faults of the names in a contrast; a user may have taken a model or a recipe out."""
    scenarios = {**domain.twin, **domain.real}
    for side in ("flattering", "honest"):
        named = getattr(contrast, side)
        if named not in scenarios:
            yield (side,), f"there is no scenario '{named}'", closest(named, scenarios)


Finding = tuple[tuple[Any, ...], str, str]  # path inside the scenario, problem, remedy


def _scenario(scenario: Scenario, domain: Domain, offered: Offered) -> Iterator[Finding]:
    rule = scenario.split.rule
    column_of = column_of_rule(rule)
    if offered.split_rules and rule not in offered.split_rules:
        yield ("split", "rule"), f"there is no split rule '{rule}'", closest(rule, offered.split_rules)
    elif column_of is not None and scenario.split.group != [column_of]:
        problem = f"is {', '.join(scenario.split.group)}, and rule {rule} parts by {column_of}"
        yield ("split", "group"), problem, f"write {column_of}, or rule: whole_groups"
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
    if scenario.budget_stratify and scenario.split.stratify is None and domain.worst_class_of is None:
        yield ("budget_stratify",), "has no classes to hold", "name their column in split.stratify, or write false"
    by = scenario.split.by
    if by is not None and by not in domain.variables:
        yield ("split", "by"), f"there is no variable '{by}'", closest(by, domain.variables)
    for word, settings in (scenario.models or {}).items():
        if word not in domain.models:
            yield ("models", word), f"'{word}' is not among this domain's models", closest(word, domain.models)
            continue
        known = offered.model_settings.get(word, ())
        for setting in settings:
            if setting not in known and setting != "training":
                yield ("models", word, setting), f"{word} has no setting '{setting}'", closest(setting, known)
        own = {**domain.models[word], **settings} if "weights" in settings else settings
        for fault in (*_own_training(("models", word), settings), *_own_weights(("models", word), own)):
            yield fault.path, fault.problem, fault.remedy
    for number, recipe in enumerate(scenario.recipes or ()):
        wrong = _recipe(recipe, offered.recipes, offered.selections)
        if wrong:
            yield ("recipes", number), *wrong
    for word in (*scenario.balance, *scenario.product):
        if word not in scenario.targets:
            key = "balance" if word in scenario.balance else "product"
            yield (key, word), f"'{word}' is not among this scenario's targets", closest(word, scenario.targets)
    for word, variable in scenario.product.items():
        for _, problem, remedy in _variables("product", [variable], ("product",), domain):
            yield ("product", word), problem, remedy
    pads = scenario.window is not None and scenario.window.pad
    for word in domain.models if scenario.models is None else scenario.models:
        if (word in offered.padded) != pads and word in offered.model_settings and word in domain.models:
            fitting = [name for name in offered.model_settings if (name in offered.padded) == pads]
            which = "no padded windows" if pads else "padded windows alone"
            yield ("models",), f"'{word}' takes {which}", f"write one of: {', '.join(fitting)}"
        if word in offered.on_off and not any(_states(scenario, domain)):
            yield ("models",), f"'{word}' is for targets that are on or off", "write on_from for each of them"
    if scenario.split.simulated_at is not None:
        yield from _column(("split", "simulated_at"), scenario.split.simulated_at, domain)
    for number, word in enumerate(scenario.split.apart):
        yield from _column(("split", "apart", number), word, domain)
    for number, word in enumerate(scenario.split.shortcuts):
        if word not in scenario.inputs:
            yield from _column(("split", "shortcuts", number), word, domain)
    yield from _variables("shown", scenario.shown, ("input",), domain)
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
        "target": [*scenario.targets, "macro"] if scenario.task == "regression" else ["label"],
        "metric": domain.metrics,
        "statistic": domain.statistics,
    }
    states = _states(scenario, domain)
    if any(states) and not all(states):
        yield ("targets",), "some are on or off and others are not", "write on_from for each variable, or for none"
    of_states = sorted({word for word in domain.metrics if word in offered.of_states})
    if of_states and not any(states) and scenario.task == "regression":
        yield ("targets",), f"{of_states[0]} asks what is on", "write on_from for each of these variables"
    for key, names in choices.items():
        value = getattr(scenario.headline, key)
        if value not in names:
            where = "this scenario's targets" if key == "target" else f"this domain's {key}s"
            yield ("headline", key), f"'{value}' is not among {where}", closest(value, names)


def _simulator(scenario: Scenario, there_is_one: bool) -> Iterator[Finding]:
    """Faults of a scenario whose source a process model labels."""
    if scenario.simulator is None:
        return
    if not there_is_one:
        yield ("simulator",), "this domain has no process model", "leave it out, or write simulate.py in its folder"
    if scenario.task != "regression" or len(scenario.targets) != 1 or list(scenario.product) != scenario.targets:
        remedy = "write one target and product: {TARGET: VARIABLE} for the simulator's own values beside it"
        yield ("simulator",), "gives numbers of one target, and names no variable for them", remedy
    if scenario.split.simulated_at is None:
        remedy = "write the column of places, such as cell"
        yield ("split", "simulated_at"), "is missing: the simulation at a test unit must be left out", remedy


def _states(scenario: Scenario, domain: Domain) -> list[float | None]:
    """From which value each target counts as on."""
    known = [domain.variables.get(name) for name in scenario.targets]
    return [variable.on_from if variable else None for variable in known]


def _column(path: tuple[Any, ...], column: str, domain: Domain) -> Iterator[Finding]:
    names = [name for name, variable in domain.variables.items() if variable.dimension == "unit"]
    if column not in (*names, UNIT_NAME):
        yield path, f"units have no column '{column}'", closest(column, names)


def _variables(key: str, names: Sequence[str], roles: Sequence[str], domain: Domain) -> Iterator[Finding]:
    offered = [name for name, variable in domain.variables.items() if variable.role in roles]
    for number, name in enumerate(names):
        if name not in domain.variables:
            yield (key, number), f"there is no variable '{name}'", closest(name, offered)
        elif name not in offered:
            role = domain.variables[name].role
            yield (key, number), f"'{name}' has the role {role}, not {roles[0]}", closest(name, offered)
