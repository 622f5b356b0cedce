"""Rules over one population: published sizes; nothing held out is near, of the class, or in the years trained."""

from collections import Counter

import numpy as np
import pytest
from landbridge.prepare.groups import distance_km
from landbridge.prepare.population import Population
from landbridge.prepare.split_rules import RULES
from landbridge.stage import StageError

# Sites by class of the current CarbonFluxBench; their sum is 476 for 474 sites, since two sites carry two labels.
IGBP = {
    "ENF": 95,
    "GRA": 76,
    "DBF": 71,
    "CRO": 58,
    "WET": 56,
    "OSH": 30,
    "EBF": 20,
    "MF": 19,
    "DNF": 12,
    "SAV": 12,
    "WSA": 10,
    "CSH": 7,
    "CVM": 4,
    "SNO": 2,
    "URB": 2,
    "WAT": 2,
}
KOPPEN = {"D": 235, "C": 160, "B": 49, "A": 19, "E": 11}
SETTINGS = {
    "budget_axis": "groups",
    "seed": 56,
    "folds": 1,
    "length": 3,
    "gap": 3,
    "test_share": 0.5,
    "held_out": 0.2,
    "block_degrees": 10,
    "buffer_km": 100.0,
    "year": None,
    "by": None,
    "source_validation": "groups",
    "shares": {},
}


def population(classes, groups=None, **columns):
    count = len(classes)
    places = np.random.default_rng(3)
    columns.setdefault("lat", places.uniform(-60, 60, count))
    columns.setdefault("lon", places.uniform(-180, 180, count))
    return Population(
        [f"u{i:03d}" for i in range(count)],
        groups or [f"g{i:03d}" for i in range(count)],
        list(classes),
        None,
        np.zeros(count, int),
        np.full(count, 999),
        **columns,
    )


def words(counts):
    return [name for name, count in counts.items() for _ in range(count)]


def parts(rule, own, fold=0, **changes):
    stretches = RULES[rule](own, {**SETTINGS, "rule": rule, **changes}, fold)
    return {part: [s.unit for s in stretches if s.part == part] for part in {s.part for s in stretches}}


def test_published_counts():
    assert sum(IGBP.values()) == 476
    assert sum(KOPPEN.values()) == 474
    assert (-(-474 // 5), -(-567 // 5)) == (95, 114)


def test_the_koppen_split_has_its_published_sizes():
    classes = words(KOPPEN)
    found = parts("koppen_published", population(classes), source_validation="time")
    assert len(found["target_test"]) == 95
    assert Counter(classes[u] for u in found["target_test"]) == {"D": 47, "C": 32, "B": 10, "A": 4, "E": 2}
    assert len(set(found["source_train"])) == 379 == len(set(found["source_val"]))


def test_the_igbp_split_has_the_sizes_that_its_rule_gives():
    classes = words({**IGBP, "ENF": 94, "GRA": 75})  # the first label of each of the 474 sites
    found = parts("igbp_published", population(classes), source_validation="time")
    by_class = Counter(classes[u] for u in found["target_test"])
    rare = {name: by_class[name] for name in ("WSA", "CSH", "CVM", "SNO", "URB", "WAT")}
    assert rare == {"WSA": 5, "CSH": 3, "CVM": 2, "SNO": 1, "URB": 1, "WAT": 1}
    assert len(found["target_test"]) == 13 + 90 == 103
    assert len(set(found["source_train"])) == 371


def test_published_splits_depend_on_the_seed_and_on_nothing_else():
    own = population(words(KOPPEN))
    assert parts("koppen_published", own) == parts("koppen_published", own)
    assert parts("koppen_published", own) != parts("koppen_published", own, seed=57)
    with pytest.raises(StageError, match="has one fold"):
        parts("koppen_published", own, folds=2)


def test_a_class_with_a_single_site_is_told():
    with pytest.raises(StageError, match=r"the published rule can't part these sites.*take whole_groups"):
        parts("koppen_published", population([*words(KOPPEN), "F"]))


def test_a_time_based_validation_is_the_end_of_each_record():
    own = population(words({"a": 30, "b": 30}))
    found = RULES["koppen_published"](own, {**SETTINGS, "rule": "koppen_published", "source_validation": "time"}, 0)
    train = {s.unit: s for s in found if s.part == "source_train"}
    for stretch in (s for s in found if s.part == "source_val"):
        assert (train[stretch.unit].start, train[stretch.unit].stop) == (0, 799)
        assert (stretch.start, stretch.stop) == (800, 999)


def test_towers_of_one_group_are_never_parted():
    groups = [f"g{i // 3:03d}" for i in range(90)]
    own = population(["x", "y", "z"] * 30, groups)
    seen = Counter()
    for fold in range(5):
        found = parts("tower_grouped", own, fold, folds=5)
        members = {part: {groups[u] for u in units} for part, units in found.items()}
        assert not members["target_test"] & (members["source_train"] | members["source_val"])
        seen.update(members["target_test"])
    assert set(seen.values()) == {1}
    assert len(seen) == 30
    one = parts("tower_grouped", own)
    assert len({groups[u] for u in one["target_test"]}) == 6


def test_nothing_is_trained_within_the_buffer_of_a_held_out_block():
    random = np.random.default_rng(5)
    lat, lon = random.uniform(20, 60, 400), random.uniform(-180, 180, 400)
    own = population(["x"] * 400, lat=lat, lon=lon)
    tested, dropped = Counter(), 0
    for fold in range(5):
        found = parts("spatial_block", own, fold, folds=5)
        test = np.array(found["target_test"])
        train = np.array([*found["source_train"], *found["source_val"]])
        tested.update(found["target_test"])
        dropped += 400 - len(test) - len(train)
        nearest = distance_km(lat[train][:, None], lon[train][:, None], lat[test], lon[test]).min()
        assert nearest > 100
        blocks = {(np.floor(lat[u] / 10), np.floor(lon[u] / 10)) for u in found["target_test"]}
        for u in train:  # a training tower lies in no held-out block and not within 100 km of its sides
            assert (np.floor(lat[u] / 10), np.floor(lon[u] / 10)) not in blocks
            for south, west in blocks:
                north = distance_km(lat[u], lon[u], np.clip(lat[u], 10 * south, 10 * south + 10), lon[u])
                if 10 * west <= lon[u] <= 10 * west + 10:
                    assert north > 100
    assert set(tested.values()) == {1}
    assert len(tested) == 400
    assert dropped > 0


def test_blocks_reach_across_the_date_line():
    own = population(["x"] * 6, lat=np.full(6, 5.0), lon=np.array([179.5, -179.6, 100.0, 60.0, 20.0, -20.0]))
    for fold in range(2):
        found = parts("spatial_block", own, fold, folds=2)
        test, train = set(found["target_test"]), {*found["source_train"], *found["source_val"]}
        assert not (0 in test and 1 in train)
        assert not (1 in test and 0 in train)


def test_blocks_need_places_and_folds():
    with pytest.raises(StageError, match="need"):
        parts("spatial_block", population(["x"] * 9, lat=None, lon=None), folds=2)
    lost = np.array([np.nan, *range(8)], float)
    with pytest.raises(StageError, match="u000 have none"):
        parts("spatial_block", population(["x"] * 9, lat=lost, lon=np.zeros(9)), folds=2)
    with pytest.raises(StageError, match="write folds: 2 to"):
        parts("spatial_block", population(["x"] * 9))


def test_a_class_is_left_out_whole():
    by = np.array(words({"GRA": 9, "ENF": 12, "WET": 5}))
    own = population(by, by=by)
    for fold, name in enumerate(("ENF", "GRA", "WET")):
        found = parts("leave_one_class_out", own, fold, folds=3)
        assert {by[u] for u in found["target_test"]} == {name}
        assert name not in {by[u] for part in ("source_train", "source_val") for u in found[part]}
    with pytest.raises(StageError, match="4 folds for the 3 classes ENF, GRA, WET"):
        parts("leave_one_class_out", own, 0, folds=4)
    with pytest.raises(StageError, match="write for example by: igbp"):
        parts("leave_one_class_out", population(["x"] * 9), 0)


def test_one_group_is_left_out_at_a_time():
    groups = [f"g{i // 2}" for i in range(20)]
    own = population(["x"] * 20, groups)
    tested = [
        {groups[u] for u in parts("leave_one_group_out", own, fold, folds=10)["target_test"]} for fold in range(10)
    ]
    assert all(len(one) == 1 for one in tested)
    assert len(set.union(*tested)) == 10


def test_the_warmest_are_held_out():
    warmth = np.random.default_rng(1).normal(size=50)
    found = parts("warm_out", population(["x"] * 50, by=warmth), held_out=0.12)
    assert sorted(found["target_test"]) == sorted(np.argsort(warmth)[-6:].tolist())
    with pytest.raises(StageError, match="needs a number"):
        parts("warm_out", population(["x"] * 50, by=np.array(["a"] * 50)))


def test_later_years_are_tested_after_a_gap():
    own = population(["x"] * 20)
    settings = {**SETTINGS, "rule": "temporal", "year": 2018, "gap": 30, "length": 30, "tick_of_year": lambda year: 500}
    found = RULES["temporal"](own, settings, 0)
    assert {(s.start, s.stop) for s in found if s.part == "target_test"} == {(500, 999)}
    assert {(s.start, s.stop) for s in found if s.part != "target_test"} == {(0, 469)}
    assert len({s.unit for s in found if s.part == "source_val"}) == 4
    with pytest.raises(StageError, match="write year: 2018"):
        RULES["temporal"](own, {**settings, "year": None}, 0)
    with pytest.raises(StageError, match="write gap: 30 or more"):
        RULES["temporal"](own, {**settings, "gap": 5}, 0)
    with pytest.raises(StageError, match="no group has data before and after"):
        RULES["temporal"](own, {**settings, "tick_of_year": lambda year: 2000}, 0)


def test_two_populations_are_refused_by_rules_that_choose_the_target():
    own = population(["x"] * 9)
    two = Population(own.names, own.groups, own.classes, np.arange(9) > 4, own.start, own.stop)
    with pytest.raises(StageError, match="write the same dataset and `where:` as source and as target"):
        parts("warm_out", two)


# -- through the stage --------------------------------------------------------------------------------------------


def one_population(made, **split):
    side = {"dataset": "towers", "where": {}}
    settings = made.settings(split={**SETTINGS, **split})
    return {**settings, "source": side, "target": side}


def test_a_published_split_runs_with_its_leaks_told(made, cut):
    towers = made.towers(20, 20)
    near = np.asarray(towers["lat"]).copy()
    near[1] = near[0] + 0.001  # two towers at one place
    towers = made.changed(towers, lat=near)
    settings = one_population(made, rule="koppen_published", group=["unit_name"], stratify="cover")
    names = np.asarray(towers["unit_name"])
    for seed in range(50):  # a seed that parts the two
        settings["split"]["seed"] = seed
        settings["split"]["allow_leaks"] = True
        found = cut(towers, settings)
        sides = {row["unit"]: row["part"] == "target_test" for row in found["table"]}
        if sides[names[0]] != sides[names[1]]:
            break
    checks = {check["check"]: check["level"] for check in found["report"]["checks"]}
    assert checks["same coordinates"] == "failure"
    assert found["report"]["rule"] == "koppen_published"
    settings["split"]["allow_leaks"] = False
    with pytest.raises(StageError, match="the audit found leaks"):
        cut(towers, settings)


def test_a_temporal_split_keeps_its_gap_and_is_one_place(made, cut):
    towers = made.towers(6, 6, days=500)
    settings = one_population(made, rule="temporal", group=["site"], stratify=None, year=1971, gap=30)
    found = cut(towers, settings)
    assert {check["level"] for check in found["report"]["checks"]} == {"ok"}
    assert min(row["start"] for row in found["table"] if row["part"] == "target_test") == "1971-01-01"
    assert max(row["end"] for row in found["table"] if row["part"] == "source_train") == "1970-12-01"


def test_warm_out_goes_by_the_mean_of_a_variable(made, cut):
    towers = made.towers(8, 8)
    warmth = np.asarray(towers["warmth"]).copy()
    warmth[-120:] += 5  # the last unit
    settings = one_population(made, rule="warm_out", group=["site"], stratify=None, by="warmth", held_out=0.05)
    found = cut(made.changed(towers, warmth=warmth), settings)
    assert made.units_of(found["test_inputs"]) == {"t07"}


def test_a_pool_may_be_kept_of_what_is_held_out(made, cut):
    shares = {"target_unlabelled": 0.0, "target_pool": 0.5, "target_val": 0.0, "target_test": 0.5}
    settings = one_population(made, rule="leave_one_class_out", by="climate", group=["site"], shares=shares, folds=2)
    found = cut(made.towers(), settings)
    assert len(made.units_of(found["target_labels"])) == 10
    assert made.units_of(found["test_inputs"]) | made.units_of(found["target_labels"]) == {
        f"t{i:02d}" for i in range(20)
    }
