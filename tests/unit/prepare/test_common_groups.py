"""Groups that both populations have, classes by their words, and variables that no model sees."""

import numpy as np
import pytest
from landbridge.contract import IGNORE
from landbridge.prepare import ragged, split
from landbridge.stage import StageError


def rides(made, count=20, days=20):
    """Runs that two phones make together: `ios` is the source and `android` the target."""
    units = [
        {"name": f"{phone}-{run:02d}", "group": f"run{run:02d}", "climate": phone, "lat": 10.0 * run, "days": days}
        for phone in ("ios", "android")
        for run in range(count)
    ]
    return made.series(units)


SIDES = {
    "source": {"dataset": "towers", "where": {"climate": ["ios"]}},
    "target": {"dataset": "towers", "where": {"climate": ["android"]}},
}


def parted(made, dataset, **split_settings):
    own = {"stratify": None, **split_settings}
    settings = made.settings(**SIDES, split=own, class_of=None)
    found = split.part(dataset, dataset, settings, 0)
    side = np.char.startswith(np.asarray(found.dataset["part"]).astype(str), "source")
    groups = np.asarray(found.dataset["group"]).astype(str)
    return set(groups[side].tolist()), set(groups[~side].tolist()), found.left_out


@pytest.mark.parametrize(("share", "of_source"), [(0.5, 10), (0.25, 5), (0.1, 2)])
def test_a_share_of_the_common_groups_is_the_sources_and_the_rest_the_targets(made, share, of_source):
    source, target, left_out = parted(made, rides(made), source_share=share)
    assert not source & target
    assert source | target == {f"run{run:02d}" for run in range(20)}
    assert len(source) == of_source
    lost = {entry["reason"]: entry["units"] for entry in left_out}
    assert sorted(lost) == ["source unit in a group of the target", "target unit in a group of the source"]
    assert sorted(lost["source unit in a group of the target"]) == sorted(f"ios-{run[3:]}" for run in target)
    assert sorted(lost["target unit in a group of the source"]) == sorted(f"android-{run[3:]}" for run in source)


def test_another_seed_shares_them_out_otherwise_and_another_order_does_not(made):
    dataset = rides(made)
    source, _, _ = parted(made, dataset, source_share=0.5)
    assert parted(made, dataset, source_share=0.5, seed=2)[0] != source
    backwards = ragged.select_units(dataset, np.arange(40)[::-1])
    assert parted(made, backwards, source_share=0.5)[0] == source


def test_a_group_more_moves_no_other_group_but_one_at_most(made):
    before = parted(made, rides(made, 20), source_share=0.5)[0]
    after = parted(made, rides(made, 22), source_share=0.5)[0]
    assert len(after) == 11
    assert len(before - after) <= 1  # whose place one of the two new groups took


def test_groups_of_one_population_alone_stay_there(made):
    dataset = rides(made)
    only = np.isin(dataset["unit_name"], ["ios-00", "ios-01", "android-02", "android-03"], invert=True)
    source, target, _ = parted(made, ragged.select_units(dataset, only), source_share=0.5)
    assert {"run02", "run03"} <= source
    assert {"run00", "run01"} <= target
    assert (len(source), len(target)) == (10, 10)  # half of the sixteen in common, and two alone


def test_without_a_share_a_common_group_is_the_targets(made):
    dataset = rides(made)
    only = np.isin(dataset["unit_name"], [f"android-{run:02d}" for run in range(8)], invert=True)
    source, target, left_out = parted(made, ragged.select_units(dataset, only))
    assert source == {f"run{run:02d}" for run in range(8)}
    assert target == {f"run{run:02d}" for run in range(8, 20)}
    assert [entry["reason"] for entry in left_out] == ["source unit in a group of the target"]


def test_a_side_that_keeps_no_group_is_refused(made):
    with pytest.raises(StageError, match=r"the source keeps none of them; write source_share: 0\.5"):
        parted(made, rides(made))
    with pytest.raises(StageError, match="the source keeps none"):
        parted(made, rides(made, 4), source_share=0.1)
    with pytest.raises(StageError, match="the target keeps none"):
        parted(made, rides(made, 4), source_share=0.9)


# -- classes by their words ---------------------------------------------------------------------------------------


WORDS = {"flag_values": np.array([0, 1, 2], np.uint8), "flag_meanings": "bike bus car"}


def trips(made):
    """The towers as trips whose class is a number with a meaning; one in ten has none."""
    dataset = made.towers()
    mode = (np.arange(30) % 3).astype(np.uint8)
    mode[::10] = IGNORE
    shown = made.on_obs(np.arange(len(dataset["time"]), dtype=np.float32), "input")
    return ragged.with_variables(dataset, {"mode": made.on_unit(mode, "target", **WORDS), "latitude": shown}), mode


def settings_of_trips(made, **changes):
    own = {"task": "classification", "targets": ["mode"], "classes": ["bike", "bus", "car"], "quality": None}
    return made.settings(**own, class_of=None, split={"stratify": "mode"}, **changes)


def test_classes_stand_by_their_words(made):
    dataset, mode = trips(made)
    found = split.part(dataset, dataset, settings_of_trips(made), 0).dataset
    words = dict(zip(dataset["unit_name"].tolist(), mode.tolist(), strict=True))
    for name, word in zip(found["unit_name"].tolist(), found["class_of"].tolist(), strict=True):
        assert word == {0: "bike", 1: "bus", 2: "car"}[words[name]]
    assert len(found["unit_name"]) == 27  # those without a class can't be scored, and take no part


def test_a_population_is_chosen_by_words_and_a_missing_class_has_none(made):
    dataset, _ = trips(made)
    settings = settings_of_trips(made, source={"where": {"mode": ["car", "bus"]}})
    found = split.part(dataset, dataset, settings, 0).dataset
    source = np.char.startswith(found["part"].astype(str), "source")
    assert set(found["class_of"][source].tolist()) == {"car", "bus"}
    settings = settings_of_trips(made, source={"where": {"mode": ["cars"]}})
    with pytest.raises(StageError, match=r"cars finds no unit; there are  \(3\), bike \(9\), bus \(9\), car \(9\)"):
        split.part(dataset, dataset, settings, 0)


def test_class_of_stands_beside_labels_and_not_beside_inputs(made, cut):
    dataset, _ = trips(made)
    found = cut(dataset, settings_of_trips(made))
    for name, expected in (("source", True), ("target_labels", True), ("target_inputs", False), ("test_inputs", False)):
        assert ("class_of" in found[name]) == expected, name
        assert ("mode" in found[name]) == expected, name
    assert set(found["answers"]["class_of"].tolist()) <= {"bike", "bus", "car"}


def test_what_figures_show_is_kept_and_what_nobody_names_is_dropped(made, cut):
    dataset, _ = trips(made)
    kept = cut(dataset, settings_of_trips(made, shown=["latitude"]))["test_inputs"]
    assert "latitude" in kept
    bounds = ragged.offsets(dataset["row_size"])
    place = {name: number for number, name in enumerate(dataset["unit_name"].tolist())}
    first = ragged.offsets(kept["row_size"])[:-1]
    assert kept["latitude"][first].tolist() == [bounds[place[name]] for name in kept["unit_name"].tolist()]
    dropped = cut(dataset, settings_of_trips(made))
    assert not any("latitude" in dropped[name] for name in split.FILES)
