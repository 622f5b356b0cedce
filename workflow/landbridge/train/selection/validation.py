"""Rules that choose by a loss on labels that were put aside, of the source or of the target.

The loss is that which networks of the domain stop by, see `landbridge.train.selection.case.losses`; the same rule stops
the trainings and chooses among trials.
"""

from __future__ import annotations

import numpy as np

from landbridge.methods.given import NotApplicable
from landbridge.train.samples import Samples
from landbridge.train.selection.case import Case, labelled, mean_loss

RULES = {
    "fixed": {
        "by": "nothing: a fixed number of steps, the settings of the configuration",
        "labels": "none",
        "rights": (),
    },
    "source_val": {
        "by": "loss on validation groups of the source",
        "labels": "none",
        "rights": (),
    },
    "target_val_k": {
        "by": "loss on a quarter of the labelled groups, taken out of the budget",
        "labels": "a quarter of the budget",
        "rights": (),
    },
    "target_val_large": {
        "by": "loss on all validation groups of the target, as many papers do",
        "labels": "all of `target_val`, beside the budget",
        "rights": ("validation_labels",),
        "apart": True,
    },
}


def score(case: Case) -> float:
    """Mean loss of one fit on the rows that its rule names.

    Raises:
        NotApplicable: there is no such row.
    """
    tools = case.tools
    if case.rule == "target_val_k":
        if case.given.selection is None:
            raise NotApplicable("no labelled window was kept to choose by")
        return mean_loss(tools, case.fitted, labelled(case.given.selection))
    if case.rule not in tools.known:
        of_source = tools.source.validation if tools.source is not None else None
        samples = tools.large if case.rule == "target_val_large" else of_source
        if samples is None:
            raise NotApplicable("the job was not given labels to choose by")
        tools.known[case.rule] = labelled(samples)
    return mean_loss(tools, case.fitted, tools.known[case.rule])


def counted(samples: Samples, axis: str) -> int:
    """Labelled groups of a population, or units where the budget is counted in these."""
    column = "unit_name" if axis == "units" else "group"
    names = np.asarray(samples.dataset[column]).astype(str)
    labelled_units = np.unique(samples.unit[samples.ends])
    return len(np.unique(names[labelled_units]))
