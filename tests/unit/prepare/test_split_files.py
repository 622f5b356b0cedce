"""The files that `split` writes: what stands where, who takes no part, and what is refused."""

import numpy as np
import pytest
from landbridge.prepare import ragged, split, windows
from landbridge.prepare.scaling import rows_hash
from landbridge.stage import StageError


def test_every_part_is_disjoint_by_group_and_all_units_are_somewhere(made, cut):
    units = [{"name": f"s{n:02d}", "group": f"gs{n // 2}", "climate": "C"} for n in range(16)]
    units += [{"name": f"t{n:02d}", "group": f"gt{n // 2}", "climate": "B"} for n in range(24)]
    found = cut(made.series(units), made.settings())
    parts = {}
    for name, members in split.FILES.items():
        assert set(found[name]["part"].tolist()) <= set(members)
        for group, part in zip(found[name]["group"].tolist(), found[name]["part"].tolist(), strict=True):
            parts.setdefault(part, set()).add(group)
    together = [group for groups in parts.values() for group in groups]
    assert len(together) == len(set(together)) == 20
    assert sorted(row["unit"] for row in found["table"]) == sorted(unit["name"] for unit in units)
    assert all(part.startswith("source") == (group[1] == "s") for part, groups in parts.items() for group in groups)


def test_labels_of_the_test_stand_in_the_answers_alone(made, cut):
    found = cut(made.towers(), made.settings())
    tested = made.units_of(found["test_inputs"])
    for name in ("target_inputs", "test_inputs"):
        assert [found[name].with_role(role) for role in ("target", "quality", "truth")] == [[], [], []]
    for name in ("source", "target_labels", "validation_labels"):
        assert found[name].with_role("target") == list(made.targets)
        assert found[name].with_role("quality") == ["trust"]
        assert found[name].with_role("truth") == []
        assert not made.units_of(found[name]) & tested
    assert [name for name in found["truth"].variables if name in made.targets] == list(made.targets)


def test_rows_and_answers_belong_together(made, cut):
    dataset = made.towers()
    found = cut(dataset, made.settings())
    test, answers, truth = found["test_inputs"], found["answers"], found["truth"]
    assert (
        test["row_end"].tolist() == windows.complete_windows(test, made.inputs, windows.Grid(10, 1), "day")[0].tolist()
    )
    assert len(test["row_end"]) == 6 * (120 - 9)
    assert test.attributes["row_of"] == "window"
    hashes = {file.attributes["rows_table_hash"] for file in (test, answers, truth)}
    assert len(hashes) == 1
    assert answers["row_unit"].tolist() == test["row_unit"].tolist()
    assert answers["row_time"].tolist() == test["time"][test["row_end"]].tolist()
    place = {name: number for number, name in enumerate(dataset["unit_name"].tolist())}
    bounds = ragged.offsets(dataset["row_size"])
    for row in (0, 200, 665):
        unit = answers["unit_name"][answers["row_unit"][row]]
        index = bounds[place[unit]] + np.searchsorted(np.arange(120), answers["row_time"][row])
        for name in made.targets:
            assert answers[name][row] == dataset[name][index]
            assert truth[name][row] == dataset[f"{name}_truth"][index]


def test_hashes_name_what_was_split(made, cut):
    found = cut(made.towers(), made.settings())
    source = found["source"]
    training = ragged.select_units(source, source["part"] == "source_train")
    for name in split.FILES:
        assert found[name].attributes["source_rows_hash"] == rows_hash([training])
        assert found[name].attributes["rows_hash"] == rows_hash([found[name]])
        assert found[name].attributes["split_hash"] == found["report"]["split_hash"]


def test_the_table_is_sorted_and_tells_dates(made, cut):
    table = cut(made.towers(), made.settings())["table"]
    assert list(table[0]) == ["unit", "segment", "group", "part", "start", "end"]
    assert [row["unit"] for row in table] == sorted(row["unit"] for row in table)
    assert {(row["start"], row["end"]) for row in table} == {("1970-01-01", "1970-04-30")}


def test_equal_inputs_give_equal_bytes_and_the_order_of_units_is_irrelevant(made, cut):
    dataset = made.towers()
    first, again = cut(dataset, made.settings()), cut(dataset, made.settings())
    assert first["bytes"] == again["bytes"]
    shuffled = ragged.select_units(dataset, np.random.default_rng(0).permutation(30))
    assert cut(shuffled, made.settings())["bytes"]["split"] == first["bytes"]["split"]
    assert cut(dataset, made.settings(split={"seed": 2}))["bytes"]["split"] != first["bytes"]["split"]


def test_labels_change_no_part_and_no_row(made, cut):
    dataset = made.towers()
    rng = np.random.default_rng(5)
    shuffled = made.changed(dataset, **{name: rng.permutation(dataset[name]) for name in made.targets})
    first, other = cut(dataset, made.settings()), cut(shuffled, made.settings())
    for name in ("split", "target_inputs", "test_inputs"):
        assert first["bytes"][name] == other["bytes"][name]


def test_folds_test_every_target_group_once(made, cut):
    dataset, settings = made.towers(), made.settings(split={"folds": 4})
    tested = [
        unit for fold in range(4) for unit in sorted(made.units_of(cut(dataset, settings, fold=fold)["test_inputs"]))
    ]
    assert sorted(tested) == [f"t{number:02d}" for number in range(20)]


def test_a_group_in_both_populations_is_a_group_of_the_target(made, cut):
    units = [{"name": f"s{n:02d}", "climate": "C"} for n in range(10)]
    units += [{"name": f"t{n:02d}", "climate": "B"} for n in range(10)]
    units[3]["group"] = units[12]["group"] = "ridge"  # one hill: a wet foot and a dry top
    found = cut(made.series(units), made.settings())
    assert made.reasons(found) == {"source unit in a group of the target": ["s03"]}
    assert "s03" not in {row["unit"] for row in found["table"]}
    assert "t02" in {row["unit"] for row in found["table"]}


def test_units_with_too_few_scorable_rows_take_no_part_and_are_listed(made, cut):
    dataset = made.towers()
    uptake, trust = dataset["uptake"].copy(), dataset["trust"].copy()
    bounds = ragged.offsets(dataset["row_size"])
    uptake[bounds[2] : bounds[3] - 4] = np.nan  # s02 keeps four labels
    trust[bounds[15] : bounds[16] - 4] = 0.9  # t05 keeps four labels of full quality
    found = cut(made.changed(dataset, uptake=uptake, trust=trust), made.settings())
    assert made.reasons(found) == {
        "source: fewer than 5 rows with a full window and labels": ["s02"],
        "target: fewer than 5 rows with a full window and labels": ["t05"],
    }
    assert not {"s02", "t05"} & {row["unit"] for row in found["table"]}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"source": {"where": {"biome": ["C"]}}}, "source: where: no column 'biome'; the dataset has .*climate"),
        (
            {"target": {"where": {"climate": ["E"]}}},
            r"target: where climate is E finds no unit; there are B \(20\), C \(10\)",
        ),
        ({"target": {"where": {"climate": ["B"], "site": ["s01"]}}}, "target: no unit meets all of `where:`"),
        ({"split": {"group": ["tower"]}}, "split: group: no column 'tower'"),
        ({"split": {"rule": "by_luck"}}, "split: rule 'by_luck' is not known; write whole_groups"),
        ({"inputs": ["warmth", "rain"]}, "source: the harmonised data hold no rain"),
        ({"min_scored": 500}, "source: no unit has 500 rows with a full window and labels; lower min_scored"),
        ({"class_of": "biome"}, "worst_class_of: no column 'biome'"),
        ({"window": None}, "window: is missing"),
    ],
)
def test_refusals_say_what_to_write(made, cut, changes, text):
    with pytest.raises(StageError, match=text):
        cut(made.towers(), made.settings(**changes))
