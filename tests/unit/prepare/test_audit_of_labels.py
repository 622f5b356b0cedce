"""One tower under two names is caught by what it measured, wherever it is said to stand."""

import numpy as np
import pytest
from landbridge.prepare import audit, duplicates, places, split


def towers(made, jitter, days=400, seed=0):
    """Two populations with a season; the first target tower measures what the first source tower does."""
    dataset = made.towers(10, 20, days=days)
    random = np.random.default_rng(seed)
    season = 4 * np.sin(2 * np.pi * np.arange(days) / 365)
    labels = np.stack([season + random.normal(0, 0.5, days) for _ in range(30)])
    labels[10] = labels[0] + jitter * random.normal(0, 0.5, days)
    return made.changed(dataset, release=labels.ravel().astype(np.float32))


def check(made, dataset):
    settings = made.settings()
    parted = split.part(dataset, dataset, settings, 0).dataset
    part = dict(zip(np.asarray(parted["unit_name"]).tolist(), np.asarray(parted["part"]).tolist(), strict=True))
    return audit.correlated_labels(parted, settings)[0], part


def test_the_same_instrument_is_found_and_a_common_season_is_not(made):
    found, part = check(made, towers(made, jitter=0.1))
    tested = part["t00"] == "target_test"
    assert found["level"] == ("failure" if tested else "ok")
    honest, _ = check(made, towers(made, jitter=1.5))
    assert honest["level"] == "ok"


def test_pairs_are_named_with_their_correlation(made):
    dataset = towers(made, jitter=0.1)
    side = np.array(["a"] * 10 + ["b"] * 20)
    ticks = np.asarray(dataset["time"])
    pairs = duplicates.correlated_units(dataset, "release", ticks, side == "b", side)
    assert [(first, second) for first, second, _ in pairs] == [(10, 0)]
    a, b = dataset["release"][:400], dataset["release"][4000:4400]
    assert pairs[0][2] == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-5)


def test_gaps_and_few_shared_days_are_respected(made):
    dataset = towers(made, jitter=0.0)
    labels = np.asarray(dataset["release"]).copy()
    labels[4000:4310] = np.nan  # 90 days left
    side = np.array(["a"] * 10 + ["b"] * 20)
    short = made.changed(dataset, release=labels)
    assert duplicates.correlated_units(short, "release", np.asarray(short["time"]), side == "b", side) == []
    labels[4290:4310] = np.asarray(dataset["release"])[4290:4310]  # 110 days
    longer = made.changed(dataset, release=labels)
    assert len(duplicates.correlated_units(longer, "release", np.asarray(longer["time"]), side == "b", side)) == 1


def test_the_distance_to_training_is_told(made):
    settings = made.settings()
    dataset = made.towers()
    parted = split.part(dataset, dataset, settings, 0).dataset
    found = places.distance_to_training(parted, settings)[0]
    assert len(found["km"]) == 6
    assert min(found["km"]) > 100
    assert "nearest training unit of the 6 test units: 0 at 0 to 5 km" in found["text"]


def test_neighbours_of_the_test_are_named_with_their_distance(made):
    settings = made.settings()
    dataset = made.towers()
    parted = split.part(dataset, dataset, settings, 0).dataset
    assert places.neighbours(parted, settings)[0]["text"].startswith("no test unit lies within 60 km")
    part = np.asarray(parted["part"]).astype(str)
    names = np.asarray(parted["unit_name"]).astype(str)
    lat, lon = (np.asarray(parted[name], float).copy() for name in ("lat", "lon"))
    test, pool, unlabelled = (
        np.flatnonzero(part == name)[0] for name in ("target_test", "target_pool", "target_unlabelled")
    )
    lat[[pool, unlabelled]] = lat[test] + 0.25  # 27.8 km
    lon[[pool, unlabelled]] = lon[test]
    found = places.neighbours(made.changed(parted, lat=lat, lon=lon), settings)[0]
    pair = " and ".join(sorted((names[test], names[pool])))
    assert found["text"] == f"within 60 km, one in the test and one trained on: {pair} (27.8 km)"
    assert found["level"] == "ok"
