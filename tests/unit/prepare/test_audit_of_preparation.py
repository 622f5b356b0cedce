"""Leaks that readers know of, values that no two parts may share, and the mark that all results of them bear."""

import numpy as np
import pytest
from landbridge.prepare import audit, ragged, split
from landbridge.stage import StageError


def with_column(made, dataset, name, values):
    return ragged.with_variables(dataset, {name: made.on_unit(np.asarray(values, dtype=str), "static")})


@pytest.fixture
def parted(made):
    """The parts of honest towers, with the settings."""
    dataset, settings = made.towers(), made.settings()
    return split.part(dataset, dataset, settings, 0).dataset, settings


def by_check(results):
    return {result["check"]: result for result in results}


# -- prepared with the help of labels -----------------------------------------------------------------------------


def marked(made, dataset, side, word="label_filter"):
    part = np.asarray(dataset["part"]).astype(str)
    return with_column(made, dataset, "leakage", np.where(np.char.startswith(part, side), word, ""))


def test_units_without_a_word_were_prepared_without_labels(made, parted):
    dataset, _ = parted
    assert audit.cleaned_by_labels(dataset) == []  # a dataset whose reader knows of no leaks
    found = by_check(audit.cleaned_by_labels(marked(made, dataset, "nobody")))
    assert {name: result["level"] for name, result in found.items()} == {
        "prepared by label, source": "ok",
        "prepared by label, target": "ok",
    }


@pytest.mark.parametrize(
    ("side", "levels"),
    [("source", ("warning", "ok")), ("target", ("ok", "failure")), ("target_unlabelled", ("ok", "failure"))],
)
def test_a_target_that_was_prepared_by_its_labels_is_a_failure_and_a_source_is_told(made, parted, side, levels):
    found = by_check(audit.cleaned_by_labels(marked(made, parted[0], side)))
    assert tuple(found[f"prepared by label, {name}"]["level"] for name in ("source", "target")) == levels
    text = " ".join(result["text"] for result in found.values() if result["level"] != "ok")
    assert "(label_filter)" in text and "allow leaks to reproduce a published result" in text


# -- the mark -----------------------------------------------------------------------------------------------------


def report(**levels):
    return {"checks": [{"check": check.replace("_", " "), "level": level} for check, level in levels.items()]}


def test_the_mark_names_failures_and_what_readers_know_and_no_warning(made, parted):
    dataset, _ = parted
    assert audit.leakage(report(one="ok", two="warning"), dataset) == ""
    assert audit.leakage(report(shared_units="failure", two="warning", a_check="failure"), dataset) == (
        "a check; shared units"
    )
    of_source = marked(made, dataset, "source")
    assert audit.leakage(report(one="ok"), of_source) == "label_filter"
    assert audit.leakage(report(shared_units="failure"), of_source) == "label_filter; shared units"


def test_the_mark_reaches_answers_and_truth(made, cut):
    dataset = made.towers()
    found = cut(dataset, made.settings())
    assert [found[name].attributes["leakage"] for name in ("answers", "truth")] == ["", ""]
    assert found["report"]["leakage"] == ""
    word = np.where(np.char.startswith(dataset["unit_name"].astype(str), "t"), "label_filter", "")
    leaky = with_column(made, dataset, "leakage", word)
    with pytest.raises(StageError, match=r"prepared with the help of their labels \(label_filter\)"):
        cut(leaky, made.settings())
    found = cut(leaky, made.settings(split={"allow_leaks": True}))
    expected = "label_filter; prepared by label, target"
    assert [found[name].attributes["leakage"] for name in ("answers", "truth")] == [expected, expected]
    assert found["report"]["leakage"] == expected


def test_a_source_that_was_prepared_by_its_labels_is_trained_on_and_marked(made, cut):
    dataset = made.towers()
    word = np.where(np.char.startswith(dataset["unit_name"].astype(str), "s"), "label_filter", "")
    found = cut(with_column(made, dataset, "leakage", word), made.settings())
    assert found["answers"].attributes["leakage"] == "label_filter"


# -- values that no two parts may share ---------------------------------------------------------------------------


def apart(*columns):
    return {"split": {"rule": "tower_grouped", "apart": list(columns)}, "budget_axis": "groups"}


def of_parts(dataset, *parts):
    """The first unit of each of some parts."""
    return [int(np.flatnonzero(dataset["part"] == part)[0]) for part in parts]


@pytest.mark.parametrize("parts", [("source_train", "target_test"), ("target_pool", "target_test")])
def test_a_value_that_two_parts_share_is_a_failure(made, parted, parts):
    dataset, _ = parted
    journey = np.array([f"j{number}" for number in range(30)])
    first, second = of_parts(dataset, *parts)
    journey[second] = journey[first]
    leaky = with_column(made, dataset, "journey", journey)
    found = by_check(audit.shared_groups(leaky, apart("journey")))
    assert set(found) == {"shared groups", "shared units", "shared journeys"}
    assert (found["shared journeys"]["level"], found["shared journeys"]["groups"]) == ("failure", [journey[first]])
    assert f"journey {journey[first]} stands in more than one part" in found["shared journeys"]["text"]
    assert found["shared groups"]["level"] == "ok"
    assert set(by_check(audit.shared_groups(leaky, apart()))) == {"shared groups", "shared units"}


def test_empty_values_share_nothing(made, parted):
    dataset, _ = parted
    (only,) = of_parts(dataset, "target_test")
    journey = np.where(np.arange(30) == only, "j", "")
    found = by_check(audit.shared_groups(with_column(made, dataset, "journey", journey), apart("journey")))
    assert found["shared journeys"]["level"] == "ok"


def test_one_part_may_hold_a_value_many_times(made, parted):
    dataset, _ = parted
    found = by_check(audit.shared_groups(with_column(made, dataset, "journey", dataset["part"]), apart("journey")))
    assert found["shared journeys"]["level"] == "ok"


def test_every_column_is_told_by_itself(made, parted):
    dataset, _ = parted
    both = with_column(made, with_column(made, dataset, "day", ["monday"] * 30), "journey", dataset["part"])
    found = by_check(audit.shared_groups(both, apart("day", "journey")))
    assert {name: result["level"] for name, result in found.items()} == {
        "shared groups": "ok",
        "shared units": "ok",
        "shared days": "failure",
        "shared journeys": "ok",
    }


def test_what_must_stay_apart_stops_the_stage_unless_leaks_are_allowed(made, cut):
    dataset = with_column(made, made.towers(), "journey", ["one"] * 30)
    with pytest.raises(StageError, match="journey one stands in more than one part"):
        cut(dataset, made.settings(split={"apart": ["journey"]}))
    found = cut(dataset, made.settings(split={"apart": ["journey"], "allow_leaks": True}))
    assert found["answers"].attributes["leakage"] == "shared journeys"
