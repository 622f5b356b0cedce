"""Which rows are predicted and scored, for every task, and what their answers hold."""

import numpy as np
import pytest
from landbridge.contract import IGNORE, Variable
from landbridge.prepare import ragged


def test_a_row_is_scored_if_labels_are_there_and_good(made, cut):
    dataset = made.towers()
    rng = np.random.default_rng(0)
    uptake, release, trust = (dataset[name].copy() for name in (*made.targets, "trust"))
    uptake[rng.random(len(uptake)) < 0.3] = np.nan
    release[rng.random(len(release)) < 0.3] = np.nan
    trust[:] = rng.choice([0.5, 1.0, np.nan], len(trust))
    found = cut(made.changed(dataset, uptake=uptake, release=release, trust=trust), made.settings())
    answers, counts = found["answers"], found["report"]["rows"]
    full = np.isfinite(answers["uptake"]) & np.isfinite(answers["release"])
    assert not (answers["scorable"].astype(bool) & ~full).any()
    assert 0.1 < answers["scorable"].mean() < 0.25  # 0.7 x 0.7 / 3
    assert counts["predicted"] == len(full)
    assert counts["without labels"] == (~full).sum()
    assert counts["scored"] == answers["scorable"].sum()
    parts = ("without labels", "of too low quality", "in units with too few", "scored")
    assert sum(counts[name] for name in parts) == counts["predicted"]


def test_blocks_are_years_or_stretches_of_days(made, cut):
    dataset = made.towers(days=500)
    answers = cut(dataset, made.settings())["answers"]
    assert set(answers["block"][answers["row_time"] < 365].tolist()) == {1970}
    assert set(answers["block"][answers["row_time"] >= 365].tolist()) == {1971}
    answers = cut(dataset, made.settings(block=90))["answers"]
    assert answers["block"].tolist() == (answers["row_time"] // 90).tolist()


def test_test_units_with_too_few_scorable_rows_are_predicted_listed_and_not_scored(made, cut):
    dataset = made.towers()
    bounds = ragged.offsets(dataset["row_size"])
    uptake = dataset["uptake"].copy()
    for unit in range(10, 30, 2):
        uptake[bounds[unit] + 75 : bounds[unit + 1]] = np.nan  # labels in the pool, few in the test from day 60 on
    found = cut(made.changed(dataset, uptake=uptake), {**made.time_settings(), "min_scored": 10})
    answers = found["answers"]
    few = made.units_of(found["test_inputs"]) & {f"t{number:02d}" for number in range(0, 20, 2)}
    assert made.reasons(found) == {"test: fewer than 10 scorable rows; predicted, not scored": sorted(few)}
    scored = {answers["unit_name"][unit] for unit in answers["row_unit"][answers["scorable"] == 1]}
    assert scored == made.units_of(found["test_inputs"]) - few
    assert set(answers["unit_name"][answers["row_unit"]].tolist()) == made.units_of(found["test_inputs"])
    assert found["report"]["rows"]["in units with too few"] == 6 * len(few)


CLASSES = {"flag_values": np.array([0, 1], np.uint8), "flag_meanings": "walk ride"}


def trips(made, on):
    dataset = made.towers()
    units, rows = len(dataset["unit_name"]), len(dataset["time"])
    values = (np.arange(units if on == "unit" else rows) % 2).astype(np.uint8)
    values[3] = IGNORE
    mode = Variable((on,), values, {"role": "target", "long_name": "mode", **CLASSES})
    kept = ragged.drop(dataset, [*made.targets, *dataset.with_role("truth"), "trust"])
    return ragged.with_variables(kept, {"mode": mode})


@pytest.mark.parametrize("on", ["unit", "obs"])
def test_classes_of_units_and_of_observations(made, cut, on):
    dataset = trips(made, on)
    settings = made.settings(task="classification", targets=["mode"], classes=["walk", "ride"], class_of="mode")
    found = (
        cut(dataset, {**settings, "quality": None, "split": {**settings["split"], "stratify": None}})
        if on == "unit"
        else (cut(dataset, {**settings, "quality": None, "class_of": "cover"}))
    )
    answers, test = found["answers"], found["test_inputs"]
    assert "mode" not in test
    assert answers["label"].dtype == np.uint8
    assert answers["scorable"].astype(bool).tolist() == (answers["label"] != IGNORE).tolist()
    if on == "unit":
        modes = dict(zip(dataset["unit_name"].tolist(), dataset["mode"].tolist(), strict=True))
        assert answers["label"].tolist() == [modes[answers["unit_name"][unit]] for unit in answers["row_unit"]]
        assert "class_of" not in test  # it is the label
        assert set(answers["class_of"].tolist()) <= {"walk", "ride"}
        assert made.reasons(found) == {"source: fewer than 5 rows with a full window and labels": ["s03"]}
    else:
        assert "class_of" in test


def test_chips_are_rows(made, cut):
    chips = made.chips(24)
    settings = made.settings(
        task="segmentation",
        kind="chips",
        inputs=["reflectance"],
        targets=["label"],
        classes=["no", "yes"],
        min_scored=1,
        class_of=None,
    )
    settings |= {"quality": None, "window": None, "class_of": None, "split": {**settings["split"], "stratify": None}}
    found = cut(chips, settings)
    answers, test = found["answers"], found["test_inputs"]
    assert test.attributes["row_of"] == "unit"
    assert "label" not in test
    assert "valid" in test
    place = {name: number for number, name in enumerate(chips["unit_name"].tolist())}
    index = [place[name] for name in test["unit_name"].tolist()]
    assert np.array_equal(answers["label"], chips["label"][index])
    assert answers["scorable"].all()
    assert found["table"][0]["start"] == ""
