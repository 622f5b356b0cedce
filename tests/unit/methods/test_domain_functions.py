"""Recipes that hand data to functions of the domain: known answers with functions of our own."""

from types import SimpleNamespace

import numpy as np
import pytest
from landbridge.methods import rules, sampling_only
from landbridge.methods.given import NotApplicable
from landbridge.train.harness import Given


class Windows:
    """Four windows of one input each, half of either class."""

    task, outputs = "classification", 2
    values = np.array([1.0, 2.0, 8.0, 9.0])

    def label_rows(self, *, balanced=False):
        return np.array([[0.0], [0.0], [1.0], [1.0]]), np.ones((4, 1))

    def of_windows(self, function):
        return function(self.values, np.arange(4), np.ones(4, int))

    of_prediction_windows = of_windows


class Threshold:
    def __init__(self, at):
        self.at = at

    def predict(self, values, ends, sizes):
        return np.log(np.where((values > self.at)[:, None] == np.array([False, True]), 0.9, 0.1))

    def counts(self):
        return 1, 1


def fit_threshold(values, ends, sizes, labels, weights, classes):
    assert classes == ("slow", "fast")
    return Threshold((values[labels == 0].max() + values[labels == 1].min()) / 2)


def given(functions, **own):
    """What a fit is handed, with the functions of a domain by name."""

    def find(name):
        if name not in functions:
            raise NotApplicable(f"the domain has no {name}")
        return functions[name]

    windows = Windows()
    default = {"source": windows, "target": windows, "variant": "source", "classes": ("slow", "fast"), "seed": 1}
    return SimpleNamespace(own=find, settings={}, **{**default, **own})


def test_rules_are_calibrated_and_applied():
    fitted = rules.fit(given({"baselines.fit": fit_threshold}))
    assert fitted.rules.at == 5
    assert fitted.predict(Windows()).argmax(1).tolist() == [0, 0, 1, 1]
    assert (fitted.counts(), fitted.shipped_bytes()) == ((1, 1), 8)


def test_rules_of_a_domain_that_has_none():
    with pytest.raises(NotApplicable, match=r"no baselines\.fit"):
        rules.fit(given({}))


def test_sampling_that_gives_the_class_away_is_seen():
    settings = {**sampling_only.DEFAULTS, "rows_per_leaf": 1, "rounds": 30}

    def column(values, ends, sizes):
        return values[:, None].astype(np.float32)

    own = given({"features.median_time_step": column})
    own.settings = settings
    assert sampling_only.fit(own).predict(Windows()).argmax(1).tolist() == [0, 0, 1, 1]


def test_sampling_of_a_regression_is_no_matter():
    own = given({"features.median_time_step": None})
    own.source = SimpleNamespace(task="regression")
    with pytest.raises(NotApplicable, match="this is a regression"):
        sampling_only.fit(own)


@pytest.mark.parametrize("modules", [{}, {"features": SimpleNamespace(table=len)}])
def test_a_module_or_a_function_that_a_domain_lacks_is_no_fault(modules):
    tools = SimpleNamespace(own=modules)
    fit = Given(tools=tools, cut=None, seed=1, settings={}, variant="", what="")
    with pytest.raises(NotApplicable, match=r"no median_time_step in features\.py"):
        fit.own("features.median_time_step")
    if modules:
        assert fit.own("features.table") is len
