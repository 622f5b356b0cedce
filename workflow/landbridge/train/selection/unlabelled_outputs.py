"""Rules that look at predictions for unlabelled inputs of the target alone; classes only.

They ask how sure, how tidy or how steady predictions are, not whether they are right: a model that gives every input
the same class with certainty has the lowest entropy there is, and its neighbourhoods can be dense as well.

`unsup_entropy`: mean entropy (Morerio et al. 2018, arXiv 1711.10288). `unsup_snd`: soft neighbourhood density (Saito et
al. 2021, arXiv 2108.10860), the mean entropy of the softmax over similarities p_i p_j / T of a row with all others, p
of length 1 and T = 0.05; the higher the better. `unsup_mixval`: how often the class of a mixture of two inputs is
that of the larger share (after Hu et al. 2023, MixVal).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from landbridge.contract import IGNORE
from landbridge.methods.given import NotApplicable
from landbridge.methods.mixup import mixed_inputs
from landbridge.models.learner import at_once
from landbridge.prepare.streams import generator
from landbridge.train.harness import Tools
from landbridge.train.samples import Samples
from landbridge.train.selection.case import Case, unlabelled

RULES = {
    "unsup_entropy": {
        "by": "mean entropy of the predictions for unlabelled inputs of the target; classes only",
        "labels": "none",
        "rights": ("target_inputs",),
        "compares": True,
    },
    "unsup_snd": {
        "by": "soft neighbourhood density of those predictions; classes only",
        "labels": "none",
        "rights": ("target_inputs",),
        "compares": True,
    },
    "unsup_mixval": {
        "by": "agreement of predictions for mixed inputs of the target with the larger share; networks, classes",
        "labels": "none",
        "rights": ("target_inputs",),
        "compares": True,
    },
}
TEMPERATURE = 0.05
LARGER_SHARE = 0.55  # of a mixture, as published
MOST_NEIGHBOURS = 2000  # rows whose density is taken, evenly
LEAST = 1e-12


def entropy(probability: np.ndarray) -> float:
    """Mean over rows (row, class) of -sum p ln p, in nats."""
    return float(-(probability * np.log(np.maximum(probability, LEAST))).sum(1).mean())


def density(probability: np.ndarray, temperature: float = TEMPERATURE) -> float:
    """Soft neighbourhood density of rows (row, class), in nats: between 0 and ln(row - 1), the higher the denser."""
    if len(probability) < 2:
        return 0.0
    of_length_one = probability / np.maximum(np.linalg.norm(probability, axis=1, keepdims=True), LEAST)
    similarity = of_length_one @ of_length_one.T / temperature
    np.fill_diagonal(similarity, -np.inf)
    similarity -= similarity.max(1, keepdims=True)
    share = np.exp(similarity)
    return entropy(share / share.sum(1, keepdims=True))


def require(tools: Tools) -> None:
    """Nothing where classes are predicted.

    Raises:
        NotApplicable: numbers are.
    """
    if tools.layout.task == "regression":
        raise NotApplicable("looks at probabilities of classes, and this scenario predicts numbers")


def score(case: Case) -> float:
    """The lower the better.

    Raises:
        NotApplicable: the target has no complete input, or the recipe brings no network that mixtures could go through.
    """
    tools = case.tools
    assert tools.unlabelled is not None
    if "unlabelled" not in tools.known:
        tools.known["unlabelled"] = unlabelled(tools.unlabelled)
    samples: Samples = tools.known["unlabelled"]
    if samples.prediction_rows == 0:
        raise NotApplicable("the target has no complete input without a label")
    if case.rule == "unsup_mixval":
        return 1 - agreement(tools, case.fitted, samples)
    probability = rows_of_classes(case.fitted.predict(samples), samples)
    if case.rule == "unsup_entropy":
        return entropy(probability)
    step = -(-len(probability) // MOST_NEIGHBOURS)
    return -density(probability[::step])


def rows_of_classes(values: np.ndarray, samples: Samples) -> np.ndarray:
    """(row, class) float64 probabilities of log-probabilities (row, class), or of those pixels that were seen."""
    if samples.task == "classification":
        return np.exp(np.asarray(values, np.float64))
    seen = samples.seen[samples.prediction_observations]
    found: np.ndarray = np.moveaxis(np.asarray(values, np.float64), 1, -1)[seen]
    return found


@torch.no_grad()
def agreement(tools: Tools, fitted: Any, samples: Samples) -> float:
    """Share of mixtures that have the class of the input with the larger share; the partners are drawn once.

    Raises:
        NotApplicable: no network, or one whose inputs are no numbers.
    """
    learner: Any = fitted if hasattr(fitted, "network") else getattr(fitted, "learner", None)
    if not hasattr(learner, "network"):
        raise NotApplicable("mixes inputs of a network, and this recipe brings none")
    if tools.layout.grouped:
        raise NotApplicable("the network tells groups of its source apart, and a mixture is of none")
    count = len(samples.prediction_windows.ends)
    seed = (tools.job.settings["scenario"], tools.job.seed)
    partners = torch.as_tensor(generator("mixval", *seed).permutation(count))
    size = at_once(samples.cells)
    learner.network.eval()
    same, whole = 0, 0
    for index in torch.arange(count).split(size):
        own, other = (samples.tensors.prediction_batch(part, learner.scaler) for part in (index, partners[index]))
        expected = classes(learner.network(*own))
        found = classes(learner.network(*mixed_inputs(own, other, LARGER_SHARE)))
        if samples.task == "segmentation":
            chips = [samples.prediction_windows.ends[part.numpy()] for part in (index, partners[index])]
            both = torch.as_tensor(samples.seen[chips[0]] & samples.seen[chips[1]], device=expected.device)
            expected = torch.where(both, expected, IGNORE)
        counts = expected != IGNORE
        same += int((found == expected)[counts].sum())
        whole += int(counts.sum())
    if whole == 0:
        raise NotApplicable("no two inputs of the target share a pixel that was seen")
    return same / whole


def classes(outputs: torch.Tensor) -> torch.Tensor:
    """Most likely class of logits (b, class), (b, step, class), whose last step counts, or (b, class, y, x)."""
    last = outputs[:, -1] if outputs.ndim == 3 else outputs
    return last.argmax(1)
