"""The configuration: what may be written, what it means, and what to say when something else is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from landbridge.config_errors import ConfigError, Fault, Locator, closest, describe

NonNegative = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]


def _as_list(value: Any) -> Any:
    if value is None or value == "":
        return []
    return [value] if isinstance(value, str) else value


def _as_budget_text(value: Any) -> Any:
    if not isinstance(value, list | tuple) or not value:
        raise ValueError("write a list such as [0, 1, 4, all]")
    labels = [str(item) for item in value]
    numbers = []
    for label in labels:
        if label != "all" and not label.isdigit():
            raise ValueError(f"'{label}' is no budget; write whole numbers from 0 on, and 'all' for the whole pool")
        numbers.append(float("inf") if label == "all" else int(label))
    if sorted(set(numbers)) != numbers:
        raise ValueError(f"budgets must grow, since each holds the one before; write {_in_order(labels)}")
    return labels


def _in_order(labels: Sequence[str]) -> str:
    ordered = sorted(set(labels), key=lambda label: float("inf") if label == "all" else int(label))
    return "[" + ", ".join(ordered) + "]"


Texts = Annotated[list[str], BeforeValidator(_as_list)]
Budgets = Annotated[list[str], BeforeValidator(_as_budget_text)]


class Strict(BaseModel):
    """Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid")


class Variable(Strict):
    """One canonical variable of a domain and its CF attributes."""

    role: Literal["input", "static", "target", "quality", "truth", "group"] = Field(description="what it is used for")
    dimension: Literal["obs", "unit"] = Field(description="dimension that it stands on")
    units: str | None = Field(None, description="units, as CF writes them")
    long_name: str = Field(description="what it is, in words")
    standard_name: str | None = Field(None, description="CF standard name, where there is one")
    dtype: str | None = Field(None, description="storage type; float32 if absent")
    flag_values: list[int] | None = Field(None, description="numbers of the classes of a class target")
    flag_meanings: str | None = Field(None, description="names of the classes, separated by spaces")


class DatasetSettings(Strict):
    """One dataset and how it is read."""

    title: str = Field(description="name of the dataset in words")
    step: str = Field(description="time between observations: day, month, or such as '6 second'")
    reader: str = Field(description="name of its reader in readers.py")
    reader_settings: dict[str, Any] = Field({}, description="settings of the reader")
    kind: Literal["series", "chips"] = Field("series", description="series or images")
    feature_type: Literal["timeSeries", "trajectory"] = Field("timeSeries", description="CF feature type of series")
    twin: dict[str, Any] | None = Field(None, description="settings of write_twin; absent for published data")


class Side(Strict):
    """One population of a transfer."""

    dataset: str = Field(description="dataset that it is taken from")
    where: dict[str, list[str]] = Field({}, description="values that columns of its units must have")


class Split(Strict):
    """How groups are parted."""

    rule: str = Field(description="named rule")
    group: Annotated[list[str], BeforeValidator(_as_list)] = Field(description="column, or columns, of groups")
    stratify: str | None = Field(None, description="column whose values every part holds in proportion")
    seed: NonNegative = Field(1, description="seed of the split; published splits keep theirs")
    folds: Positive = Field(1, description="divisions of the groups; with several each target group is tested once")
    shares: dict[str, Share] = Field({}, description="shares of the target's parts, where not 0.25, 0.35, 0.10, 0.30")
    source_validation_share: Share = Field(0.2, description="share of source groups kept for validation")
    gap: NonNegative = Field(0, description="steps between pool and test of a group (time axis)")
    test_share: Share = Field(0.5, description="share of a group's record that is the test (time axis)")


class Window(Strict):
    """Windows of series."""

    length: Positive = Field(description="steps of a window")
    stride: Positive = Field(1, description="steps between training windows")
    scored: Positive = Field(1, description="last steps of a training window that enter the loss")
    predict_stride: Positive = Field(1, description="steps between predicted windows, whose last step is predicted")

    @model_validator(mode="after")
    def _scored_inside(self) -> Window:
        if self.scored > self.length:
            raise ValueError(f"scored is {self.scored}, more than the window's length of {self.length}")
        return self


class Quality(Strict):
    """The quality flag of a label."""

    variable: str = Field(description="quality variable, 0 to 1; the weight of a label in training")
    score_from: Share = Field(description="lowest quality that is scored")


class Headline(Strict):
    """The one number that a verdict is about."""

    target: str = Field(description="target, or 'label' for classes")
    metric: str = Field(description="metric")
    statistic: str = Field(description="statistic over groups")


class Scenario(Strict):
    """One transfer from a source to a target population."""

    title: str = Field(description="the transfer in words")
    default: bool = Field(True, description="whether it runs without being named")
    extends: str | None = Field(None, description="scenario whose keys it takes over")
    task: Literal["regression", "classification", "segmentation"] = Field(description="kind of target")
    source: Side = Field(description="population that labels are plenty in")
    target: Side = Field(description="population that labels are scarce in")
    split: Split = Field(description="how groups are parted")
    targets: Texts = Field(description="target variables")
    classes: Texts = Field([], description="class names in the order of flag_values")
    inputs: Texts = Field(description="input variables")
    one_hot: dict[str, list[str]] = Field({}, description="text columns of units, and the words that become columns")
    static: Texts = Field([], description="numeric columns of units that are inputs")
    window: Window | None = Field(None, description="windows of series; none for chips")
    quality: Quality | None = Field(None, description="quality flag of the labels")
    min_scored: Positive = Field(1, description="fewest labelled rows of a unit that takes part")
    budget_axis: Literal["groups", "units", "time"] = Field("groups", description="what labels are counted in")
    per_group: bool = Field(True, description="on a time axis: one fit for each target group")
    budgets: Budgets = Field(description="sizes of the labelled target data, growing; 'all' is the whole pool")
    block: Literal["year"] | Positive = Field("year", description="block of time for intervals: year, or days")
    headline: Headline = Field(description="what the verdict is about")


class Training(Strict):
    """Training of networks; the same for every recipe."""

    epochs: Positive = Field(60, description="most epochs")
    epoch_steps: Positive = Field(20, description="fewest optimiser steps of an epoch")
    patience: Positive = Field(8, description="epochs without a better validation loss before training ends")
    batch: Positive = Field(64, description="windows in a batch")
    learning_rate: Annotated[float, Field(gt=0)] = Field(1e-3, description="learning rate of pretraining")
    weight_decay: Annotated[float, Field(ge=0)] = Field(1e-4, description="weight decay of AdamW")
    clip: Annotated[float, Field(gt=0)] = Field(1.0, description="largest norm of the gradient")
    fixed_steps: Positive = Field(200, description="optimiser steps of an adaptation that is not stopped early")


class Domain(Strict):
    """A domain: domain.yaml with the overrides of the configuration."""

    title: str = Field(description="name of the domain")
    summary: str = Field(description="the domain in one sentence")
    variables: dict[str, Variable] = Field(description="variables by canonical name")
    datasets: dict[str, DatasetSettings] = Field(description="datasets by name")
    twin: dict[str, Scenario] = Field({}, description="scenarios on synthetic data")
    real: dict[str, Scenario] = Field({}, description="scenarios on published data")
    models: dict[str, dict[str, Any]] = Field(description="models by name, with the settings that differ from their own")
    recipes: Texts = Field(description="recipes to compare, as id, id.variant or id.variant.selection")
    recipe_settings: dict[str, dict[str, Any]] = Field({}, description="settings of recipes that differ from their own")
    training: Training = Field(Training(), description="training of networks")
    metrics: Texts = Field(description="metrics of the tables")
    statistics: Texts = Field(description="statistics over groups of the tables")
    worst_class_of: str | None = Field(None, description="column whose worst value 'worst_class' reports")
    figures: Texts = Field([], description="figures of each comparison")


class Bootstrap(Strict):
    """The interval of every number."""

    replicates: Annotated[int, Field(ge=20)] = Field(2000, description="bootstrap replicates")
    level: Annotated[float, Field(gt=0.5, lt=1)] = Field(0.95, description="probability that an interval covers")


class Config(Strict):
    """config/config.yaml, --configfile and --config together; every key may be left out."""

    tier: Literal["twin", "real"] = Field("twin", description="synthetic data made here, or published data")
    domains: dict[str, Domain] = Field(description="domains to run; all if absent")
    scenarios: Annotated[list[str] | None, BeforeValidator(lambda v: [v] if isinstance(v, str) else v)] = Field(
        None, description="scenarios to run by name; the tier's own if absent"
    )
    datasets: Texts = Field([], description="published datasets that may be downloaded although none of their files is at hand")
    mirror: Texts = Field([], description="folders or addresses laid out as <mirror>/<domain>/<dataset>/<files>, tried first")
    raw: Annotated[str, AfterValidator(lambda value: value.rstrip("/"))] = Field("data", description="folder of raw files")
    seeds: Positive = Field(3, description="paired repetitions")
    folds: Positive | None = Field(None, description="most folds of a scenario; all if absent")
    bootstrap: Bootstrap = Field(Bootstrap(), description="intervals")


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` laid on `base`: mappings are merged key by key, everything else is replaced."""
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def load(
    config: Mapping[str, Any],
    *,
    files: Sequence[Path],
    domains: Mapping[str, Path],
    recipes: Mapping[str, Sequence[str]],
    selections: Sequence[str],
    models: Sequence[str],
) -> Config:
    """Validate and fill in a merged configuration.

    Args:
        config: as Snakemake merged it; the key of a domain holds overrides of that domain's domain.yaml.
        files: configuration files, in the order in which they were merged; used to say where a fault stands.
        domains: folder of each domain.
        recipes: recipe ids and their variants.
        selections: names of selection rules.
        models: names of models.

    Raises:
        ConfigError: all faults found, each with file, line, key and remedy.
    """
    locator = Locator(files)
    faults: list[Fault] = []
    own = {key: value for key, value in config.items() if key not in domains}
    for key in [key for key in own if key not in Config.model_fields]:
        faults.append(Fault((key,), f"unknown key '{key}'", closest(key, [*Config.model_fields, *domains])))
        del own[key]
    wanted = _as_list(own.pop("domains", None)) or list(domains)
    if not isinstance(wanted, list):
        faults.append(Fault(("domains",), "must be a list of names", "write for example domains: [flux_towers]"))
        wanted = list(domains)
    descriptions: dict[str, Any] = {}
    for name in wanted:
        if name not in domains:
            faults.append(Fault(("domains",), f"there is no domain '{name}'", closest(name, domains)))
            continue
        override = config.get(name) or {}
        if not isinstance(override, Mapping):
            faults.append(Fault((name,), "must hold keys of domain.yaml", "write for example {training: {epochs: 2}}"))
            continue
        descriptions[name] = merge(read_domain(domains[name]), override)
        for tier in ("twin", "real"):
            _extend(descriptions[name], tier, name, faults)
    if not faults:
        try:
            loaded = Config.model_validate({**own, "domains": descriptions})
        except ValidationError as error:
            faults += [describe(item, set(domains), Config) for item in error.errors()]
        else:
            faults += _check_names(loaded, recipes, selections, models)
    if faults:
        raise ConfigError([fault.text(locator, domains) for fault in faults])
    return loaded


def read_domain(folder: Path) -> dict[str, Any]:
    """A domain's own description.

    Raises:
        ConfigError: not YAML.
    """
    from landbridge.config_errors import read_yaml

    return read_yaml(folder / "domain.yaml")


def _extend(description: dict[str, Any], tier: str, domain: str, faults: list[Fault]) -> None:
    scenarios = description.get(tier) or {}
    for name, scenario in list(scenarios.items()):
        base = scenario.get("extends") if isinstance(scenario, Mapping) else None
        if base is None:
            continue
        if base not in scenarios:
            faults.append(Fault((domain, tier, name, "extends"), f"there is no scenario '{base}'", closest(base, scenarios)))
            continue
        scenarios[name] = merge({key: value for key, value in scenarios[base].items() if key != "default"}, scenario)


def _check_names(config: Config, recipes: Mapping[str, Sequence[str]], selections: Sequence[str], models: Sequence[str]) -> list[Fault]:
    """Names that must exist: of scenarios, datasets, recipes, models, metrics and variables."""
    faults = []
    offered = [name for domain in config.domains.values() for name in getattr(domain, config.tier)]
    for name in config.scenarios or []:
        if name not in offered:
            faults.append(Fault(("scenarios",), f"the {config.tier} tier has no scenario '{name}'", closest(name, offered)))
    known = [name for domain in config.domains.values() for name in domain.datasets]
    for name in config.datasets:
        if name not in known:
            faults.append(Fault(("datasets",), f"there is no dataset '{name}'", closest(name, known)))
    for domain_name, domain in config.domains.items():
        faults += _check_domain(domain_name, domain, recipes, selections, models)
    return faults


def _check_domain(
    name: str, domain: Domain, recipes: Mapping[str, Sequence[str]], selections: Sequence[str], models: Sequence[str]
) -> list[Fault]:
    faults = []
    for model in domain.models:
        if model not in models:
            faults.append(Fault((name, "models", model), f"there is no model '{model}'", closest(model, models)))
    for recipe in domain.recipes:
        fault = _check_recipe(recipe, recipes, selections)
        if fault:
            faults.append(Fault((name, "recipes"), *fault))
    for key in domain.recipe_settings:
        if key not in recipes:
            faults.append(Fault((name, "recipe_settings", key), f"there is no recipe '{key}'", closest(key, recipes)))
    for tier in ("twin", "real"):
        for scenario_name, scenario in getattr(domain, tier).items():
            place = (name, tier, scenario_name)
            for side in ("source", "target"):
                dataset = getattr(scenario, side).dataset
                if dataset not in domain.datasets:
                    fix = closest(dataset, domain.datasets)
                    faults.append(Fault((*place, side, "dataset"), f"there is no dataset '{dataset}'", fix))
            for kind in ("inputs", "targets"):
                for variable in getattr(scenario, kind):
                    if variable not in domain.variables:
                        fix = closest(variable, domain.variables)
                        faults.append(Fault((*place, kind), f"there is no variable '{variable}'", fix))
            for kind, choices in (
                ("metric", domain.metrics),
                ("statistic", domain.statistics),
                ("target", scenario.targets if scenario.task == "regression" else ["label"]),
            ):
                value = getattr(scenario.headline, kind)
                if value not in choices:
                    text = f"'{value}' is no {kind} of this domain's tables"
                    faults.append(Fault((*place, "headline", kind), text, closest(value, choices)))
    return faults


def _check_recipe(name: str, recipes: Mapping[str, Sequence[str]], selections: Iterable[str]) -> tuple[str, str] | None:
    recipe_id, *rest = name.split(".")
    if recipe_id not in recipes:
        return f"there is no recipe '{recipe_id}'", closest(recipe_id, recipes)
    choices = [*recipes[recipe_id], *selections]
    for word in rest:
        if word not in choices:
            return f"recipe {recipe_id} has no variant or selection rule '{word}'", closest(word, choices)
    return None
