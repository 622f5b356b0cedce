"""Every key that a configuration or a domain.yaml may hold: its kind, its default and what it means.

The descriptions are the reference: config/README.md and config/schema.json are generated from them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from landbridge.config_kinds import (
    NOT_A_TRUTH_VALUE,
    Block,
    Budgets,
    Folder,
    Free,
    Name,
    NameOrPattern,
    NonNegative,
    Positive,
    Share,
    SomeJoinedTexts,
    SomeTexts,
    Texts,
    Whole,
)

PARTS_WITH_SHARES = ("target_unlabelled", "target_pool", "target_val", "target_test")


class Strict(BaseModel):
    """Unknown keys are refused, numbers may stand for text, nothing changes once it is loaded."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True, allow_inf_nan=False)


# -- a domain's description ---------------------------------------------------------------------------------------


class Variable(Strict):
    """One canonical variable of a domain and its CF attributes."""

    role: Literal["input", "static", "target", "quality", "truth", "group", "product"] = Field(
        description="what it is used for; a product is an existing estimate of a target"
    )
    dimension: Literal["obs", "unit"] = Field(description="dimension that it stands on")
    units: str | None = Field(None, description="units, as CF writes them")
    long_name: str = Field(description="what it is, in words")
    standard_name: str | None = Field(None, description="CF standard name, where there is one")
    dtype: str | None = Field(None, description="storage type; float32 if absent")
    on_from: Annotated[float, Field(gt=0), NOT_A_TRUTH_VALUE] | None = Field(
        None,
        description="of a target that is on or off, such as an appliance: the value from which it counts as on; it is "
        "scaled about 0 and never predicted below it",
    )
    flag_values: list[Whole] | None = Field(None, description="numbers of the classes of a class target")
    flag_meanings: str | None = Field(None, description="names of the classes, separated by spaces")


class DatasetSettings(Strict):
    """One dataset and how it is read."""

    title: str = Field(description="name of the dataset in words")
    step: str = Field(description="time between observations: day, month, or such as '6 second'")
    reader: str = Field(description="name of its reader in readers.py; none for tables")
    reader_settings: Free = Field({}, description="settings of the reader")
    kind: Literal["series", "chips", "tables"] = Field(
        "series", description="series, images (chips), or published tables of scores (tables)"
    )
    feature_type: Literal["timeSeries", "trajectory"] = Field("timeSeries", description="CF feature type of series")
    twin: Free | None = Field(None, description="settings of write_twin in twin.py; absent for published data")
    files_of: str | None = Field(
        None, description="dataset whose raw files it reads, such as with other settings; files of its own if absent"
    )

    @model_validator(mode="after")
    def _files_from_one_place(self) -> DatasetSettings:
        if self.twin is not None and self.files_of is not None:
            raise ValueError("has both twin and files_of; keep one: files that are made here, or another dataset's")
        return self


class Side(Strict):
    """One population of a transfer."""

    dataset: str = Field(description="dataset that it is taken from")
    where: dict[str, Texts] = Field({}, description="values that columns of its units must have")


def column_of_rule(rule: str) -> str | None:
    """Column of the groups of a rule `by_COLUMN`; None of another rule."""
    column = rule.removeprefix("by_")
    return None if column == rule else "unit_name" if column == "trip" else column


class Plant(Strict):
    """A leak that is planted on purpose, to measure what it brings."""

    copies: Annotated[float, Field(gt=0, le=1), NOT_A_TRUTH_VALUE] = Field(
        description="share of the test units of which a copy, labels too, is trained on under another name"
    )
    noise: Annotated[float, Field(ge=0), NOT_A_TRUTH_VALUE] = Field(
        1e-4, description="noise on the copies' inputs and labels, in standard deviations of each"
    )


class Split(Strict):
    """How groups are parted."""

    rule: str = Field(description="named rule")
    group: SomeTexts = Field(
        description="column, or columns, of groups that are never parted; a rule by_COLUMN names its own"
    )
    apart: Texts = Field([], description="further columns whose values no two parts may share; empty ones count not")
    shortcuts: Texts = Field(
        [], description="columns, or inputs by their least value, that may give a class away; the audit tells"
    )
    simulated_at: str | None = Field(
        None,
        description="column of the places that a simulated source was computed at, which it may share with the target "
        "but for the places of the test; on a time axis, where every place is tested, with those too",
    )
    source_share: Annotated[float, Field(gt=0, lt=1), NOT_A_TRUTH_VALUE] | None = Field(
        None, description="share of the groups that both populations have which goes to the source; none if absent"
    )
    stratify: str | None = Field(None, description="column whose values every part holds in proportion")
    seed: NonNegative = Field(1, description="seed of the split; published splits keep theirs")
    folds: Positive = Field(1, description="divisions of the groups; with several each target group is tested once")
    shares: dict[str, Share] = Field(
        {}, description="shares of the target's parts, where not 0.25 unlabelled, 0.35 pool, 0.10 val, 0.30 test"
    )
    source_validation_share: Share = Field(0.2, description="share of source groups kept for validation")
    gap: NonNegative = Field(0, description="steps between pool and test of a group (time axis)")
    test_share: Share = Field(0.5, description="share of a group's record that is the test (time axis)")
    held_out: Share = Field(0.2, description="share of groups that is held out, where source and target are one")
    by: str | None = Field(
        None, description="column or variable that rules such as leave_one_class_out and folds_by_column go by"
    )
    block_degrees: Annotated[float, Field(gt=0), NOT_A_TRUTH_VALUE] = Field(
        10, description="side of a block of spatial_block, degrees"
    )
    buffer_km: Annotated[float, Field(ge=0), NOT_A_TRUTH_VALUE] = Field(
        100, description="distance to a held-out block within which nothing is trained on, km"
    )
    year: Positive | None = Field(None, description="first year of the test of temporal")
    source_validation: Literal["groups", "time"] = Field(
        "groups", description="validation of the source: groups of its own or, as published, the end of each record"
    )
    allow_leaks: bool = Field(
        False,
        description="train although the audit finds leaks; only to reproduce a published split, or to measure a leak",
    )
    plant: Plant | None = Field(
        None, description="copies of test units that are trained on, to measure what a leak brings; twins alone"
    )

    @model_validator(mode="before")
    @classmethod
    def _group_of_rule(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("group") is None and column_of_rule(str(values.get("rule"))):
            return {**values, "group": column_of_rule(str(values["rule"]))}
        return values

    @model_validator(mode="after")
    def _known_parts(self) -> Split:
        unknown = [name for name in self.shares if name not in PARTS_WITH_SHARES]
        if unknown:
            raise ValueError(f"shares has no part '{unknown[0]}'; write one of: {', '.join(PARTS_WITH_SHARES)}")
        if sum(self.shares.values()) > 1 + 1e-9:
            raise ValueError(f"shares add up to {sum(self.shares.values()):g}; write shares that add up to 1")
        return self


class Window(Strict):
    """Windows of series."""

    length: Positive = Field(description="steps of a window")
    stride: Positive = Field(1, description="steps between training windows")
    scored: Positive = Field(1, description="steps of a training window that enter the loss, the last ones")
    lookahead: NonNegative = Field(0, description="steps at the end of a window that come after the scored ones")
    predict_stride: Positive = Field(1, description="steps between predicted windows")
    predicted: Positive = Field(1, description="steps of a predicted window that are predicted, the last scored ones")
    pad: bool = Field(
        False, description="whether what is left of a record is a shorter window, its missing steps masked"
    )
    shortest: Positive = Field(1, description="fewest steps of such a shorter window")

    @model_validator(mode="after")
    def _scored_inside(self) -> Window:
        for name in ("scored", "shortest"):
            if getattr(self, name) > self.length:
                raise ValueError(f"{name} is {getattr(self, name)}; write at most the window's length, {self.length}")
        if self.scored + self.lookahead > self.length:
            raise ValueError(
                f"scored and lookahead are {self.scored + self.lookahead} steps together; write at most the window's "
                f"length, {self.length}"
            )
        if self.predicted > min(self.scored, self.predict_stride):
            raise ValueError(
                f"predicted is {self.predicted}; write at most scored ({self.scored}) and predict_stride "
                f"({self.predict_stride}), or a step would be predicted twice"
            )
        return self


class Quality(Strict):
    """The quality flag of a label."""

    variable: str = Field(description="quality variable, 0 to 1; the weight of a label in training")
    score_from: Share = Field(description="lowest quality that is scored")


class Headline(Strict):
    """The one number that a verdict is about."""

    target: str = Field(description="target, 'macro' for the mean over all targets, or 'label' for classes")
    metric: str = Field(description="metric")
    statistic: str = Field(description="statistic over groups")


def _names_alone(value: Any) -> Any:
    """A name, or a list of names, as models without settings of their own."""
    if isinstance(value, str):
        return {value: {}}
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return {name: {} for name in value}
    return value


class Scenario(Strict):
    """One transfer from a source to a target population."""

    title: str = Field(description="the transfer in words")
    default: bool = Field(True, description="whether it runs without being named")
    extends: str | None = Field(None, description="scenario of the same tier whose keys it takes over")
    task: Literal["regression", "classification", "segmentation"] = Field(description="kind of target")
    source: Side = Field(description="population that labels are plenty in")
    target: Side = Field(description="population that labels are scarce in")
    split: Split = Field(description="how groups are parted")
    targets: SomeTexts = Field(description="target variables")
    classes: Texts = Field([], description="class names by number; the target's flag_meanings if absent")
    inputs: SomeTexts = Field(description="input variables")
    one_hot: dict[str, Texts] = Field({}, description="text columns of units, and the words that become columns")
    static: Texts = Field([], description="numeric columns of units that are inputs")
    window: Window | None = Field(None, description="windows of series; none for chips")
    quality: Quality | None = Field(None, description="quality flag of the labels")
    partial_labels: bool = Field(
        False, description="whether a row that lacks some of the targets is trained on and scored for the others"
    )
    min_scored: Positive = Field(1, description="fewest labelled rows of a unit that takes part")
    budget_axis: Literal["groups", "units", "time"] = Field("groups", description="what labels are counted in")
    per_group: bool = Field(True, description="on a time axis: one fit for each target group")
    budgets: Budgets = Field(description="sizes of the labelled target data, growing; 'all' is the whole pool")
    budget_words: str = Field(
        "", description="what the groups or units of budgets are in plain words, in the plural, such as towers"
    )
    budget_stratify: bool = Field(False, description="whether every budget holds the classes in proportion")
    selection_from: Positive = Field(
        8, description="labelled groups or units from which a quarter is kept to choose the number of steps by"
    )
    hold: list[Literal["subset", "init"]] = Field(
        [],
        description="what every seed takes from seed 0: `subset`, which labels a budget holds; `init`, first weights "
        "and order of batches. What is left varies, which shows where a spread over seeds comes from",
    )
    block: Block = Field("year", description="block of time for intervals: year, or a number of days")
    headline: Headline = Field(description="what the verdict is about")
    models: Annotated[dict[Name, Free] | None, BeforeValidator(_names_alone)] = Field(
        None, description="models of this scenario, perhaps with settings of their own; all of the domain if absent"
    )
    recipes: Texts | None = Field(None, description="recipes of this scenario; those of the domain if absent")
    balance: dict[str, Annotated[float, NOT_A_TRUTH_VALUE]] = Field(
        {}, description="factors of the targets whose sum is zero by nature; see training.balance_weight"
    )
    product: dict[str, str] = Field({}, description="variable of an existing product for each target, as a reference")
    simulator: Free | None = Field(
        None,
        description="settings of the domain's process model, which then labels the source; its own labels if absent",
    )
    shown: Texts = Field([], description="variables on obs that figures show and no model sees, such as positions")

    @model_validator(mode="after")
    def _padding_has_one_label(self) -> Scenario:
        if self.window and self.window.pad and self.task != "classification":
            raise ValueError("window.pad is for classes of whole windows; write pad: false, or task: classification")
        if self.window and self.task != "regression" and (self.window.lookahead or self.window.predicted > 1):
            raise ValueError("window.lookahead and window.predicted are for regressions; leave them out")
        return self

    @model_validator(mode="after")
    def _partial_labels_of_numbers(self) -> Scenario:
        if self.partial_labels and self.task != "regression":
            raise ValueError("partial_labels is for regressions; leave it out")
        return self

    @model_validator(mode="after")
    def _gap_holds_a_window(self) -> Scenario:
        length = self.window.length if self.window else 1
        if self.budget_axis == "time" and self.window and self.split.gap < length:
            raise ValueError(
                f"split.gap is {self.split.gap}, and windows of {length} steps would reach from the test into the "
                f"pool; write gap: {length} or more"
            )
        return self


class Training(Strict):
    """Training of networks; the same for every recipe."""

    epochs: Positive = Field(60, description="most epochs")
    epoch_steps: Positive = Field(20, description="fewest optimiser steps of an epoch")
    patience: Positive = Field(8, description="epochs without a better validation loss before training ends")
    batch: Positive = Field(64, description="windows in a batch")
    learning_rate: Annotated[float, Field(gt=0), NOT_A_TRUTH_VALUE] = Field(
        1e-3, description="learning rate of pretraining"
    )
    weight_decay: Annotated[float, Field(ge=0), NOT_A_TRUTH_VALUE] = Field(1e-4, description="weight decay of AdamW")
    clip: Annotated[float, Field(gt=0), NOT_A_TRUTH_VALUE] = Field(1.0, description="largest norm of the gradient")
    halve_every: NonNegative = Field(
        0, description="epochs after which the learning rate of pretraining halves; 0 never"
    )
    validate_every: Positive = Field(1, description="epochs between validations of pretraining")
    gpu_minutes: Annotated[float, Field(gt=0), NOT_A_TRUTH_VALUE] = Field(
        1.0, description="minutes that one training may take on a GPU; for the estimate that a dry run prints alone"
    )
    fixed_steps: Positive = Field(200, description="optimiser steps of an adaptation that is not stopped early")
    loss: Literal["squared", "absolute"] = Field(
        "squared", description="regression: error that training makes small, in spreads of the target"
    )
    balance_weight: Annotated[float, Field(ge=0), NOT_A_TRUTH_VALUE] = Field(
        0.0, description="weight of the loss that holds predictions to the scenario's balance"
    )
    class_weights: Texts = Field(
        [], description="text columns of units whose classes weigh the same in the loss, whatever their sizes"
    )
    rare_class_weight: Annotated[float, Field(ge=1), NOT_A_TRUTH_VALUE] = Field(
        1.0, description="segmentation: most that a pixel of a rarer class weighs against one of the commonest"
    )
    dice_weight: Annotated[float, Field(ge=0), NOT_A_TRUTH_VALUE] = Field(
        0.0, description="segmentation: weight of the soft Dice loss, added to the cross-entropy"
    )
    augment: Literal["none", "flips"] = Field(
        "none", description="chips: flips draws a flip or quarter turn of each chip in training"
    )


class Contrast(Strict):
    """One model scored under a rule that flatters and under an honest one, on the same data."""

    title: str = Field(description="what is shown, in words")
    flattering: str = Field(description="scenario of the rule that flatters")
    honest: str = Field(description="scenario of the honest rule, on the same units")
    model: str = Field("none", description="model that is scored; none for a learner without a network")
    recipe: str = Field(description="recipe that is scored")
    budget: str = Field("0", description="budget that is scored")
    must_inflate: bool = Field(
        False,
        description="whether the run fails unless the whole interval of the headline's inflation lies above 0, as "
        "where the leak was planted",
    )


class Domain(Strict):
    """A domain: domain.yaml with the overrides of the configuration."""

    title: str = Field(description="name of the domain")
    summary: str = Field(description="the domain in one sentence")
    variables: dict[NameOrPattern, Variable] = Field(
        description="variables by canonical name; one that ends in * describes all that begin like it"
    )
    datasets: dict[Name, DatasetSettings] = Field(description="datasets by name")
    twin: dict[Name, Scenario] = Field({}, description="scenarios on synthetic data, by name")
    real: dict[Name, Scenario] = Field({}, description="scenarios on published data, by name")
    models: dict[Name, Free] = Field(
        description="models by name, with the settings that differ from their own, `training:` of their own among them"
    )
    recipes: SomeJoinedTexts = Field(
        description="recipes to compare, as id, id.variant or id.variant.selection; a list inside the list stands for "
        "its members, so that domains may share one by an anchor"
    )
    recipe_settings: dict[str, Free] = Field({}, description="settings of recipes that differ from their own")
    training: Training = Field(Training(), description="training of networks")
    metrics: SomeTexts = Field(description="metrics of the tables")
    statistics: SomeTexts = Field(description="statistics over groups of the tables")
    worst_class_of: str | None = Field(None, description="column whose worst value 'worst_class' reports")
    figures: Texts = Field([], description="figures of each comparison")
    maps: Texts = Field(
        [],
        description="recipes whose predictions of pixels are written as GeoTIFF, at the largest budget and first seed",
    )
    contrasts: dict[Name, Contrast] = Field(
        {}, description="pages that show what a flattering rule does; drawn where both of its scenarios run"
    )
    published_scores: str | None = Field(None, description="dataset of published scores that are computed anew")
    unit_columns: dict[str, str] = Field(
        {},
        description="columns of units.csv by name: a column of units, or a metric; group, class and metrics if empty",
    )


# -- the configuration --------------------------------------------------------------------------------------------


class Bootstrap(Strict):
    """The interval of every number."""

    replicates: Annotated[int, Field(ge=20), NOT_A_TRUTH_VALUE] = Field(2000, description="bootstrap replicates")
    level: Annotated[float, Field(gt=0.5, lt=1), NOT_A_TRUTH_VALUE] = Field(
        0.95, description="probability that an interval covers"
    )


class Search(Strict):
    """A search over the settings of recipes, the same for all of them."""

    trials: Positive = Field(
        1, description="trials of each recipe that has ranges to search; 1 is the settings as configured, no search"
    )


class Run(Strict):
    """What holds for all domains."""

    tier: Literal["twin", "real"] = Field("twin", description="synthetic data made here, or published data")
    scenarios: Texts | None = Field(None, description="scenarios to run, by name; the tier's default ones if absent")
    datasets: Texts = Field([], description="published datasets to download although none of their files is at hand")
    mirror: Texts = Field([], description="folders or addresses of `<mirror>/<domain>/<dataset>/`, tried first")
    raw: Folder = Field("data", description="folder of the raw files")
    seeds: Positive = Field(3, description="paired repetitions")
    folds: Positive | None = Field(None, description="most folds of a scenario; all if absent")
    bootstrap: Bootstrap = Field(Bootstrap(), description="intervals")
    search: Search = Field(Search(), description="search over the settings of recipes")
    transferability: bool = Field(
        True,
        description="whether to measure, before any adaptation, how far each target lies from its source and how well "
        "the source's network suits it (LEEP, LogME), and to tell how well each of these ranks the gain",
    )
    data_memory_mb: Positive | None = Field(
        None,
        description="MB of unpacked data that a job which trains may hold in memory; what goes beyond is mapped from "
        "files under TMPDIR, with equal results. If absent a quarter of the memory that is free when the job begins "
        "and, on a GPU, at most half of its free memory",
    )
    gpu_share: Positive = Field(
        1,
        description="jobs that may train on one GPU at a time, where no scheduler hands GPUs out; more than one pays "
        "for networks that leave most of a GPU idle. The same for all runs on a machine; it changes no result",
    )


class UserConfig(Run):
    """config/config.yaml, --configfile and --config together; every key may be left out."""

    domains: Texts = Field([], description="domains to run; all if absent")


class Config(Run):
    """A configuration as the workflow uses it: validated, and filled in from each domain's domain.yaml."""

    domains: dict[str, Domain] = Field(description="domains to run, by name")
