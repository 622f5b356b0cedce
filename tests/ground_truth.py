"""Source and target that differ in one known way, and what each recipe must then do.

One generator: a row's inputs are x ~ N(mean, spread^2), its target is y = sum_k slope_k g_k(x_k) + offset + noise, and
every number may differ between populations. A scenario turns one screw: the covariates, the slopes, the shares of the
classes, an input that is made of the target, or the gain of the instrument. What follows for a recipe can be worked out
on paper, and is told as margins that every seed must keep: see `tests/ground_truth_scenarios.py`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from landbridge import registry
from landbridge.contract import Chip, Unit
from landbridge.io import netcdf, series

from tests import synthetic
from tests.line import Line

GROUPS = 24  # of each side: the target's go to unlabelled (6), pool (8), validation (3) and test (7)
ROWS = 25  # of a group
CURVES = {"line": lambda x: x, "square": np.square, "sine": np.sin}
CLASSES = ["low", "high"]
RATE = 0.02  # of every fit: 8 epochs of 20 steps must carry a linear model from its random start to its optimum
TRAINING = {"epoch_steps": 20, "patience": 10, "learning_rate": RATE, "fixed_steps": 160}


@dataclass(frozen=True)
class Population:
    """Where the rows of a side, or of an environment of it, come from.

    Attributes:
        slopes: (k,) of the inputs; 0 for one that says nothing of the target.
        curves: (k,) words of `CURVES`.
        mean, spread: (k,) of the inputs.
        offset: of the target.
        noise: standard deviation of what the inputs do not tell of the target.
        copied: an input more, `copied` times the target plus noise of standard deviation `copied_noise`; None without.
        high: share of rows whose target is above 0, where rows are drawn by class.
        apart: rows drawn by class have a target at least so far from 0.
        gain, brightness: what an instrument makes of the inputs: gain x + brightness.
    """

    slopes: Sequence[float]
    curves: Sequence[str] = ()
    mean: Sequence[float] = ()
    spread: Sequence[float] = ()
    offset: float = 0.0
    noise: float = 0.3
    copied: float | None = None
    copied_noise: float = 0.5
    high: float | None = None
    apart: float = 0.0
    gain: float = 1.0
    brightness: float = 0.0

    def rows(self, random: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Inputs (row, k), the target (row,) and the target before noise (row,)."""
        if self.high is None:
            x, y, truth = self._draw(random, count)
        else:  # what an input is like given the class stays the same, and the shares of the classes do not
            x, y, truth = self._draw(random, 40 * count)
            chosen = random.permutation(count) < round(self.high * count)
            pools = [np.flatnonzero(own) for own in (y < -self.apart, y > self.apart)]
            taken = [pools[int(high)][place] for place, high in enumerate(chosen)]
            x, y, truth = x[taken], y[taken], truth[taken]
        return self.gain * x + self.brightness, y, truth

    def _draw(self, random: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        width = len(self.slopes)
        x = random.normal(self.mean or np.zeros(width), self.spread or np.ones(width), (count, width))
        curves = self.curves or ["line"] * width
        truth = self.offset + sum(
            slope * CURVES[curve](column) for slope, curve, column in zip(self.slopes, curves, x.T, strict=True)
        )
        y = truth + self.noise * random.normal(size=count)
        if self.copied is not None:
            x = np.column_stack([x, self.copied * y + self.copied_noise * random.normal(size=count)])
        return x, y, truth


# -- files in the contract -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Claim:
    """Something that holds by construction: a margin, and the least that every seed must have."""

    text: str
    margin: Callable[[Found], float]
    least: float


@dataclass(frozen=True)
class Scenario:
    """Two sides, what is run on them, and what comes of it.

    Attributes:
        source, target: populations by environment, which the groups of a side take in turns.
        task: regression or classification, of chips where `chips` is true.
        recipes: judged, with their settings; `target_only` among them is what labels alone give.
        budgets: of labelled groups.
        headline: metric and statistic.
        claims: see `Claim`.
        network: settings of the model.
        control: a target that lacks what the scenario is about.
        rows: of a group.
        epochs: of a training that stops by validation groups.
    """

    source: Mapping[str, Population]
    target: Mapping[str, Population]
    recipes: Mapping[str, Mapping[str, Any]]
    claims: Sequence[Claim]
    task: str = "regression"
    budgets: Sequence[str] = ("0",)
    headline: tuple[str, str] = ("rmse", "mean")
    network: Mapping[str, Any] = field(default_factory=dict)
    control: Mapping[str, Population] | None = None
    chips: bool = False
    rows: int = ROWS
    epochs: int = 8

    @property
    def inputs(self) -> list[str]:
        """Names of the inputs."""
        first = next(iter(self.source.values()))
        return [f"x{number}" for number in range(len(first.slopes) + (first.copied is not None))]


def units(scenario: Scenario, target: Mapping[str, Population], seed: int) -> Any:
    """Number, static values and rows of each group of both sides."""
    for number in range(2 * GROUPS):
        side, of_side = ("source", scenario.source) if number < GROUPS else ("target", target)
        environment = list(of_side)[number % len(of_side)]
        # A stream for each group: a control leaves the source as it is.
        random = np.random.default_rng([seed, number])
        own = {"lat": float(number), "lon": 0.0, "side": side, "site": f"site{number:02d}", "environment": environment}
        yield number, own, of_side[environment].rows(random, scenario.rows), random


def write_series(path: Path, scenario: Scenario, target: Mapping[str, Population], seed: int) -> None:
    """One unit for each group, a row a day."""
    label = ["y", "y_truth"] if scenario.task == "regression" else ["class"]
    names = [*scenario.inputs, *label, "lat", "lon", "side", "site", "environment"]
    described = {name: DESCRIBED.get(name, DESCRIBED["x"]) for name in names}
    time = np.datetime64("2020-01-01") + np.arange(scenario.rows)
    with series.SeriesWriter(path, described, synthetic.ATTRIBUTES) as writer:
        for number, own, (x, y, truth), _ in units(scenario, target, seed):
            values = dict(zip(scenario.inputs, x.T, strict=True))
            values |= {"y": y, "y_truth": truth} if scenario.task == "regression" else {"class": (y > 0).astype(float)}
            rows = {name: column.astype(np.float32) for name, column in values.items()}
            writer.add(Unit(f"unit{number:02d}", time, rows, own))


def write_chips(path: Path, scenario: Scenario, target: Mapping[str, Population], seed: int) -> None:
    """A square chip for each row, its bands the row's inputs with a texture around them, its class that of the row."""

    def chips() -> Any:
        for number, own, (x, y, _), random in units(scenario, target, seed):
            gain = (scenario.source if number < GROUPS else target)[own["environment"]].gain
            for row, (values, high) in enumerate(zip(x, y > 0, strict=True)):
                texture = gain * 0.3 * random.normal(size=(len(values), SIDE, SIDE))
                bands = (values[:, None, None] + texture).astype(np.float32)
                where = (10.0, 0.0, 1000.0 * row, 0.0, -10.0, 1000.0 * number)
                seen = np.ones((SIDE, SIDE), bool)
                name = f"chip{number:02d}_{row:02d}"
                yield Chip(name, bands, seen, float(high), "EPSG:32650", where, own, target="kind")

    netcdf.write_chips(path, chips(), scenario.inputs, DESCRIBED, synthetic.ATTRIBUTES)


SIDE = 8  # pixels
DESCRIBED = {
    **{name: synthetic.DESCRIBED[name] for name in ("y", "y_truth", "lat", "lon", "side", "site")},
    "x": {"role": "input", "dimension": "obs", "units": "1", "long_name": "input"},
    "environment": {"role": "static", "dimension": "unit", "long_name": "population within a side"},
    "class": {**synthetic.DESCRIBED["mode"], "dimension": "obs", "flag_values": [0, 1], "flag_meanings": "low high"},
    "kind": {**synthetic.DESCRIBED["mode"], "flag_values": [0, 1], "flag_meanings": "low high"},
}


# -- runs --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Found:
    """Tables of one seed, and those of its control."""

    tables: Mapping[str, list[dict[str, str]]]
    metric: str
    statistic: str
    control: Found | None = None

    def value(self, recipe: str, budget: str = "0") -> float:
        """Headline of a recipe."""
        (row,) = self._headline("leaderboard", recipe, budget)
        return float(row["value"])

    def verdict(self, recipe: str, reference: str, budget: str = "0") -> str:
        """Headline verdict of a recipe against a reference."""
        (row,) = [row for row in self._headline("effects", recipe, budget) if row["reference"] == reference]
        return row["verdict"]

    def verdicts(self, recipe: str, reference: str) -> list[str]:
        """Verdicts of a recipe against a reference at every budget, by every metric and statistic."""
        rows = self.tables["effects"]
        return [row["verdict"] for row in rows if (row["recipe"], row["reference"]) == (recipe, reference)]

    def _headline(self, table: str, recipe: str, budget: str) -> list[dict[str, str]]:
        wanted = {"recipe": recipe, "budget": budget, "metric": self.metric, "statistic": self.statistic}
        return [row for row in self.tables[table] if all(row[key] == value for key, value in wanted.items())]


def run(scenario: Scenario, seed: int, folder: Path) -> Found:
    """All stages of a scenario of one seed, which makes the data and all weights."""
    control = None if scenario.control is None else _run(scenario, scenario.control, seed, folder / "control", None)
    return _run(scenario, scenario.target, seed, folder / "shifted", control, folder / "control")


def _run(
    scenario: Scenario,
    target: Mapping[str, Population],
    seed: int,
    folder: Path,
    control: Found | None,
    before: Path | None = None,
) -> Found:
    label = "y" if scenario.task == "regression" else "kind" if scenario.chips else "class"
    metric, statistic = scenario.headline
    write = write_chips if scenario.chips else write_series
    # The first input is made to tell the classes apart, which the audit takes for the label itself.
    split = {"test_share": 0.3, "stratify": "environment", "allow_leaks": scenario.task != "regression"}
    line = Line(
        folder,
        scenario.task,
        recipes=list(scenario.recipes),
        model="resnet" if scenario.chips else "linear",
        write=lambda path: write(path, scenario, target, seed),
        training={**TRAINING, "epochs": scenario.epochs, "batch": 16 if scenario.chips else 64},
        headline={
            "target": label if scenario.task == "regression" else "label",
            "metric": metric,
            "statistic": statistic,
        },
        kind="chips" if scenario.chips else "series",
        targets=[label],
        inputs=[] if scenario.chips else scenario.inputs,
        quality=None,
        classes=[] if scenario.task == "regression" else CLASSES,
        window=None if scenario.chips else {"length": 1, "stride": 1, "scored": 1, "predict_stride": 1},
        class_of="environment",
        budgets=list(scenario.budgets),
        split={**synthetic.COMMON["split"], **split},
    )
    line.settings["network"] = dict(scenario.network)
    for recipe, own in scenario.recipes.items():
        objective = registry.recipes()[recipe].objective
        if objective is not None and not (folder / _checkpoint(objective, seed)).exists():
            if before is not None and (before / _checkpoint(objective, seed)).exists():
                shutil.copy(before / _checkpoint(objective, seed), folder)  # a control has the same source
            else:
                settings = own if objective != "erm" else {}
                line.pretrain(seed, objective, settings)
        line.transfer(recipe, seed, recipe_settings={} if objective not in (None, "erm") else own)
        if seed:  # the judge asks for seed 0; each seed here has data of its own
            (folder / recipe / f"fold0-seed{seed}.nc").rename(folder / recipe / "fold0-seed0.nc")
    metrics = ["rmse", "r2"] if scenario.task == "regression" else ["accuracy", "macro_f1"]
    found = line.judge(metrics=metrics, statistics=dict.fromkeys(["mean", "pooled", statistic]))
    return Found(found, metric, statistic, control)


def _checkpoint(objective: str, seed: int) -> str:
    return f"checkpoint{'' if objective == 'erm' else f'-{objective}'}{seed}"
