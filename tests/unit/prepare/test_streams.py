"""Streams are hashes of their names: equal everywhere, independent of each other."""

import hashlib
from collections import Counter

import pytest
from landbridge.prepare.streams import generator, hash_order, majority, stratified_order, stream

NAMES = [f"tower{number}" for number in range(40)]


def test_a_stream_is_the_first_63_bits_of_a_published_hash():
    digest = hashlib.sha256(b'["init","twin_towers",3]').hexdigest()
    assert stream("init", "twin_towers", 3) == int(digest[:16], 16) >> 1
    assert 0 <= stream("init", "twin_towers", 3) < 2**63


def test_names_and_keys_make_streams_that_differ():
    keys = [("init", 0), ("init", 1), ("subset", 0), ("init", "0"), ("init",), ("init", 0, 0), ("init0",)]
    assert len({stream(*key) for key in keys}) == len(keys)


def test_generators_of_one_stream_draw_the_same_and_of_two_do_not():
    assert generator("init", 1).random(5).tolist() == generator("init", 1).random(5).tolist()
    assert generator("init", 1).random(5).tolist() != generator("init", 2).random(5).tolist()


def test_hash_order_keeps_all_and_forgets_the_order_given():
    ordered = hash_order(NAMES, "subset", 1)
    assert sorted(ordered) == sorted(NAMES)
    assert ordered == hash_order(reversed(NAMES), "subset", 1)
    assert ordered != hash_order(NAMES, "subset", 2)
    assert ordered != sorted(NAMES)


def test_an_item_more_leaves_the_order_of_the_others():
    with_one = hash_order([*NAMES, "new"], "subset", 1)
    assert [name for name in with_one if name != "new"] == hash_order(NAMES, "subset", 1)


@pytest.mark.parametrize("sizes", [{"a": 20, "b": 20}, {"a": 30, "b": 9, "c": 1}, {"a": 5}])
def test_every_stretch_of_a_stratified_order_holds_the_strata_in_proportion(sizes):
    items = {f"{stratum}{number}": stratum for stratum, size in sizes.items() for number in range(size)}
    ordered = stratified_order(items, "split", 1)
    assert sorted(ordered) == sorted(items)
    for start in range(len(ordered)):
        for stop in range(start + 1, len(ordered) + 1):
            held = Counter(items[item] for item in ordered[start:stop])
            for stratum, size in sizes.items():
                expected = size * (stop - start) / len(items)
                assert abs(held[stratum] - expected) <= len(sizes)


def test_the_strata_stand_in_hashed_order_inside():
    items = dict.fromkeys(NAMES, "one")
    assert stratified_order(items, "split", 1) == hash_order(NAMES, "split", 1)


def test_the_majority_of_a_group_and_the_alphabet_in_a_tie():
    pairs = [("g", "wood"), ("g", "field"), ("g", "wood"), ("f", "wood"), ("f", "field")]
    assert majority(pairs) == {"f": "field", "g": "wood"}
    assert list(majority(pairs)) == ["f", "g"]
