"""What a configuration of trips with classes may hold: groups of split rules, padded windows, votes, shared files."""

import pytest
import yaml
from landbridge.config import ConfigError, Offered, load, merge

DOMAIN = """\
title: Rides
summary: Kind of a ride.
variables:
  mode: {role: target, dimension: unit, long_name: mode, flag_values: [0, 1], flag_meanings: walk bike}
  speed: {role: input, dimension: obs, units: km h-1, long_name: speed}
  latitude: {role: input, dimension: obs, units: degrees_north, long_name: latitude}
  user: {role: group, dimension: unit, long_name: person}
  run: {role: group, dimension: unit, long_name: run}
  journey: {role: group, dimension: unit, long_name: journey}
datasets:
  twin_city: {title: City, step: irregular, reader: rides, twin: {seed: 1}}
  twin_city_paper: {title: City as published, step: irregular, reader: rides, files_of: twin_city}
twin:
  city:
    title: From riders to others
    task: classification
    source: {dataset: twin_city}
    target: {dataset: twin_city}
    split: {rule: by_user, stratify: mode, apart: journey, shortcuts: [speed, run]}
    targets: mode
    inputs: speed
    window: {length: 100, pad: true, shortest: 5}
    budgets: [0, 10]
    headline: {target: label, metric: macro_f1.unit, statistic: pooled}
    shown: latitude
models:
  transformer: {hidden: 8}
recipes: naive
metrics: [accuracy, macro_f1.unit, f1.walk, f1.bike.unit]
statistics: pooled
"""


@pytest.fixture
def domain(tmp_path, monkeypatch):
    """Load the domain above with a configuration laid over it; the faults where there are some."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rides").mkdir()
    (tmp_path / "rides" / "domain.yaml").write_text(DOMAIN)
    file = tmp_path / "config.yaml"
    offered = Offered(
        domains={"rides": tmp_path / "rides"},
        recipes={"naive": ()},
        recipe_settings={"naive": ()},
        selections=("fixed",),
        model_settings={"transformer": ("hidden",), "lstm": ("hidden",), "pooled_lstm": ("hidden",)},
        metrics={
            "classification": ("accuracy", "macro_f1", "f1", "iou"),
            "segmentation": ("accuracy", "macro_f1", "f1", "iou"),
            "regression": ("rmse", "rmse.monthly"),
        },
        statistics=("pooled",),
        split_rules=("whole_groups", "by_user", "by_run", "by_trip"),
        readers={"rides": ("rides",)},
        padded=("transformer", "pooled_lstm"),
        of_one_class=("f1", "iou"),
        votes=("unit",),
    )

    def loaded(text=""):
        file.write_text(text)
        try:
            return load(merge({}, yaml.safe_load(text) or {}), [file], offered).domains["rides"]
        except ConfigError as error:
            return error.texts

    return loaded


def scenario(domain, text):
    return domain(f"rides: {{twin: {{city: {text}}}}}\n")


def test_the_domain_is_in_order(domain):
    city = domain().twin["city"]
    assert (city.classes, city.inputs) == (["walk", "bike"], ["speed"])
    assert (city.split.apart, city.shown) == (["journey"], ["latitude"])


# -- groups of a rule ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rule", "group"), [("by_user", "user"), ("by_run", "run"), ("by_trip", "unit_name")])
def test_a_rule_by_a_column_names_its_groups(domain, rule, group):
    text = f"twin: {{mine: {{extends: city, split: {{rule: {rule}}}}}}}"
    assert domain(f"rides: {{{text}}}\n").twin["mine"].split.group == [group]


def test_another_rule_needs_its_groups_written(domain):
    assert scenario(domain, "{split: {rule: whole_groups}}") == [
        "config.yaml, line 1: rides.twin.city.split.group: is missing; write it: column, or columns, of groups that "
        "are never parted; a rule by_COLUMN names its own"
    ]
    found = scenario(domain, "{split: {rule: whole_groups, group: [user, run]}}")
    assert found.twin["city"].split.group == ["user", "run"]


def test_a_rule_by_a_column_that_is_not_its_group_is_refused(domain):
    assert scenario(domain, "{split: {rule: by_trip, group: user}}") == [
        "config.yaml, line 1: rides.twin.city.split.group: is user, and rule by_trip parts by unit_name; write "
        "unit_name, or rule: whole_groups"
    ]
    assert scenario(domain, "{split: {rule: by_user, group: user}}").twin["city"].split.group == ["user"]


BROKEN = {
    "an unknown rule by a column": (
        "{split: {rule: by_usr}}",
        [
            "split.rule: there is no split rule 'by_usr'; did you mean 'by_user'?",
            "split.group: units have no column 'usr'; did you mean 'user'?",
        ],
    ),
    "padded windows of a regression": (
        "{task: regression, targets: speed}",
        ["window.pad is for classes of whole windows; write pad: false, or task: classification"],
    ),
    "padded windows of pixels": (
        "{task: segmentation}",
        ["window.pad is for classes of whole windows; write pad: false, or task: classification"],
    ),
    "a shortest window that is longer than the longest": (
        "{window: {shortest: 101}}",
        ["window: shortest is 101; write at most the window's length, 100"],
    ),
    "a model of full windows alone where windows are padded": (
        "{models: lstm}",
        ["models.lstm: 'lstm' is not among this domain's models; write one of: transformer"],
    ),
    "models of padded windows where none are": (
        "{window: {pad: false}}",
        ["models: 'transformer' takes padded windows alone; write one of: lstm"],
    ),
    "a column to keep apart that units do not have": (
        "{split: {apart: [journeys]}}",
        ["split.apart: units have no column 'journeys'; did you mean 'journey'?"],
    ),
    "a shortcut that is neither a column nor an input": (
        "{split: {shortcuts: [speed, latitude, runs]}}",
        [
            "split.shortcuts: units have no column 'latitude'; write one of: mode, user, run, journey",
            "split.shortcuts: units have no column 'runs'; did you mean 'run'?",
        ],
    ),
    "a variable to show that there is none of": (
        "{shown: [latitde]}",
        ["shown: there is no variable 'latitde'; did you mean 'latitude'?"],
    ),
    "a target to show": (
        "{shown: [mode]}",
        ["shown: 'mode' has the role target, not input; write one of: speed, latitude"],
    ),
    "budgets in proportion to no classes": (
        "{budget_stratify: true, split: {stratify: null}}",
        ["budget_stratify: has no classes to hold; name their column in split.stratify, or write false"],
    ),
    "a share that is everything": (
        "{split: {source_share: 1}}",
        ["split.source_share: 1 is out of range; write a number below 1"],
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_scenarios_and_their_texts(domain, name):
    text, expected = BROKEN[name]
    found = scenario(domain, text)
    assert isinstance(found, list), "it was taken"
    assert len(found) == len(expected)
    for line, words in zip(found, expected, strict=True):
        separator = ": " if words.startswith("window.pad") else "."
        assert line.startswith(f"config.yaml, line 1: rides.twin.city{separator}{words}"), line


def test_a_model_that_takes_no_padded_windows(domain):
    assert domain("rides: {models: {lstm: {hidden: 4}}}\n") == [
        "rides/domain.yaml, line 14: rides.twin.city.models: 'lstm' takes no padded windows; write one of: "
        "transformer, pooled_lstm"
    ]
    text = "rides: {models: {lstm: {hidden: 4}}, twin: {city: {models: transformer}}}\n"
    assert list(domain(text).twin["city"].models) == ["transformer"]
    text = "rides: {models: {lstm: {hidden: 4}}, twin: {city: {window: {pad: false}, models: lstm}}}\n"
    assert list(domain(text).twin["city"].models) == ["lstm"]


# -- metrics of classes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["f1", "f1.walk", "f1.walk.unit", "iou.bike.unit", "f1.unit", "accuracy.unit"])
def test_metrics_of_one_class_and_of_votes_are_known(domain, name):
    assert domain(f"rides: {{metrics: [macro_f1.unit, {name}]}}\n").metrics == ["macro_f1.unit", name]


@pytest.mark.parametrize(
    ("name", "closest"),
    [
        ("f1.wlak.unit", "f1.walk.unit"),
        ("f1.bkie", "f1.bike"),
        ("accuracy.units", "accuracy.unit"),
        ("f1.unit.walk", "f1.walk"),
        ("acuracy", "accuracy"),
    ],
)
def test_misspelt_metrics_are_answered_with_the_nearest(domain, name, closest):
    assert domain(f"rides:\n  metrics:\n  - macro_f1.unit\n  - {name}\n") == [
        f"config.yaml, line 4: rides.metrics: there is no metric of classification '{name}'; did you mean '{closest}'?"
    ]


@pytest.mark.parametrize("name", ["accuracy.walk", "rmse", "accuracy.monthly"])
def test_metrics_that_name_no_class_or_another_task_are_refused(domain, name):
    (text,) = domain(f"rides: {{metrics: [macro_f1.unit, {name}]}}\n")
    assert f"there is no metric of classification '{name}'; " in text


def test_pixels_do_not_vote(domain):
    changed = "task: segmentation, window: {pad: false}, models: lstm, headline: {metric: f1.walk}"
    text = f"rides: {{models: {{lstm: }}, twin: {{city: {{{changed}}}}}, metrics: [f1.walk, f1.walk.unit]}}\n"
    (found,) = domain(text)
    assert "there is no metric of segmentation 'f1.walk.unit'" in found


def test_a_headline_is_a_metric_of_the_tables(domain):
    assert scenario(domain, "{headline: {metric: f1.walk.unit}}") == [
        "config.yaml, line 1: rides.twin.city.headline.metric: 'f1.walk.unit' is not among this domain's metrics; did "
        "you mean 'f1.bike.unit'?"
    ]


# -- files of another dataset -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{files_of: twin_cty}", ".files_of: there is no dataset 'twin_cty'; did you mean 'twin_city'?"),
        (
            "{files_of: twin_city_paper}",
            ".files_of: 'twin_city_paper' has no files of its own; did you mean 'twin_city'?",
        ),
        ("{twin: {seed: 2}}", ": has both twin and files_of; keep one: files that are made here, or another dataset's"),
    ],
)
def test_files_of_what_has_none(domain, text, words):
    found = domain(f"rides: {{datasets: {{twin_city_paper: {text}}}}}\n")
    assert isinstance(found, list), "it was taken"
    assert found == [f"config.yaml, line 1: rides.datasets.twin_city_paper{words}"]


def test_a_chain_of_files_is_refused_with_its_end(domain):
    text = "{third: {title: Third, step: irregular, reader: rides, files_of: twin_city_paper}}"
    assert domain(f"rides: {{datasets: {text}}}\n") == [
        "config.yaml, line 1: rides.datasets.third.files_of: 'twin_city_paper' has no files of its own; did you "
        "mean 'twin_city'?"
    ]
