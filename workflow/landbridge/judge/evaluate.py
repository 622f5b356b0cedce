"""Score the predictions of one recipe against the answers: the stage `evaluate`.

The only stage that sees the labels of test units. What it writes are sums that can be added up again; every metric
is computed from them later.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from landbridge.contract import IGNORE, PROBABILITY_SCALE, Dataset
from landbridge.io import netcdf
from landbridge.judge.examples import examples
from landbridge.judge.scoring import LEAST_PROBABILITY, open_answers, score
from landbridge.stage import Job, StageError

log = logging.getLogger(__name__)

NAMES = {"regression": "prediction", "classification": "log_probability", "segmentation": "probability"}


def run(job: Job) -> None:
    """Inputs: `predictions` (all folds and seeds; none for the truth), `answers`, `truth` (one a fold). Outputs:
    `scores`, `examples`.

    Of a job that predicted all of its trials, the module `oracle` keeps the best by the test; it shows no examples.
    """
    settings = job.settings
    answer_files = [netcdf.read(path) for path in job.input_list("answers")]
    answers = [open_answers(dataset, settings) for dataset in answer_files]
    by_hash = {own.hash: fold for fold, own in enumerate(answers)}
    notes = {
        "task": settings["task"],
        "targets": list(settings["targets"]),
        "classes": list(settings.get("classes") or []),
        "leakage": _leakage(answer_files, settings),
    }
    marked = {"landbridge": json.dumps(notes, sort_keys=True)}
    oracle = job.load("oracle") if "oracle" in job.modules else None
    trials: list[Any] = []
    tables: list[pa.Table] = []
    shown: dict[int, tuple[str, np.ndarray]] = {}  # by fold: budget and predictions
    if settings["recipe"] == "truth":
        for fold, path in enumerate(job.input_list("truth")):
            values = _truth_values(netcdf.read(path), settings)
            head = {
                "fold": fold,
                "seed": 0,
                "budget": "",
                "budget_size": 0,
                "selection": "",
                "status": "ok",
                "spread": "",
            }
            tables.append(score(answers[fold], values, settings, head))
            shown.setdefault(fold, ("", values))
    for path in job.input_list("predictions"):
        dataset = netcdf.read(path)
        fold, seed = _fold_and_seed(path.name)
        expected = by_hash.get(str(dataset.attributes["rows_table_hash"]))
        if expected is None or answers[expected].hash != answers[fold].hash:
            raise StageError(
                f"{path}: predicts other rows than the answers of fold {fold} hold; delete it and run again"
            )
        for number, label in enumerate(dataset["budget"].tolist()):
            status = str(dataset["status"][number])
            head = {
                "fold": fold,
                "seed": seed,
                "budget": str(label),
                "budget_size": int(dataset["budget_size"][number]),
                "selection": str(dataset["selection"][number]),
                "status": status,
                "spread": str(dataset["spread"][number]) if "spread" in dataset else "",
            }
            values = _values(dataset, number, settings, path, len(answers[fold].row_unit), status)
            table = score(answers[fold], values, settings, head, *_spread(dataset, number))
            if oracle is not None:
                table = table.replace_schema_metadata(marked)
                trials.append(oracle.Trial(int(dataset["trial"][number]), head, table))
                continue
            tables.append(table)
            if status == "ok" and seed == 0 and (fold == 0 or settings["task"] != "segmentation"):
                shown[fold] = (str(label), values)
    table = pa.concat_tables(oracle.best(trials, settings) if oracle is not None else tables)
    pq.write_table(table.replace_schema_metadata(marked), job.outputs["scores"])
    netcdf.write(job.outputs["examples"], examples(answers, answer_files, shown, settings))


TRANSDUCTIVE = "predicts the test as a whole"


def _leakage(answer_files: Sequence[Dataset], settings: Mapping[str, Any]) -> str:
    """What some fold, or the recipe, is marked with, each leak once."""
    words = {TRANSDUCTIVE} if settings.get("transductive") else set()
    words |= {word for own in answer_files for word in str(own.attributes.get("leakage", "")).split("; ")}
    return "; ".join(sorted(words - {""}))


def _fold_and_seed(name: str) -> tuple[int, int]:
    fold, seed = name.removesuffix(".nc").split("-")
    return int(fold.removeprefix("fold")), int(seed.removeprefix("seed"))


def _truth_values(dataset: Dataset, settings: Mapping[str, Any]) -> np.ndarray:
    """The noise-free truth in the shape of predictions."""
    if settings["task"] == "regression":
        return np.stack([dataset[name].astype(np.float64) for name in settings["targets"]], axis=1)
    classes = np.arange(len(settings["classes"]))
    one_hot = np.moveaxis((dataset["label"][..., None] == classes).astype(np.float64), -1, 1)
    return np.log(np.maximum(one_hot, LEAST_PROBABILITY)) if settings["task"] == "classification" else one_hot


def _spread(dataset: Dataset, number: int) -> tuple[np.ndarray | None, float]:
    """Distances of quantiles from the predictions of one budget, and the temperature of its probabilities."""
    offsets = dataset["quantile_offset"][number].astype(np.float64) if "quantile_offset" in dataset else None
    return offsets, float(dataset["temperature"][number]) if "temperature" in dataset else float("nan")


def _values(
    dataset: Dataset, number: int, settings: Mapping[str, Any], path: Any, rows: int, status: str
) -> np.ndarray:
    """Predictions of one budget: (row, target), log-probabilities (row, class) or probabilities (row, class, y, x)."""
    raw = dataset[NAMES[settings["task"]]][number]
    if len(raw) != rows:
        raise StageError(f"{path}: {len(raw)} predictions for {rows} rows; none may be missing and none extra")
    if settings["task"] == "segmentation":
        if status == "ok" and (raw == IGNORE).any():
            raise StageError(f"{path}: a prediction is missing")
        return raw.astype(np.float64) / PROBABILITY_SCALE
    if status == "ok" and not np.isfinite(raw).all():
        raise StageError(
            f"{path}: {int((~np.isfinite(raw)).any(axis=-1).sum())} predictions are NaN; a model must predict every row"
        )
    return raw.astype(np.float64)
