"""Thresholds on an index and trees on pixels: known answers with functions of our own."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from landbridge.contract import IGNORE, Chip
from landbridge.io import netcdf
from landbridge.methods import gradient_boosted_trees, index_threshold, pixel_rows
from landbridge.methods.given import NotApplicable
from landbridge.train.layout import Layout
from landbridge.train.samples import Samples

from tests import synthetic

SETTINGS = {**synthetic.settings("segmentation"), "training": {}}


def index(dataset, chips, sizes):
    """The first band."""
    return dataset["reflectance"][chips, 0].astype(float)


def columns(dataset, chips, sizes):
    return np.moveaxis(dataset["reflectance"][chips], 1, -1)


def population(folder, shift=0.0, at=0.5, count=4, side=8, seed=0, spoil=None):
    """Chips of two bands that are burned where the first lies above a number; the first is moved by `shift`."""
    random = np.random.default_rng(seed)
    path = folder / f"chips{shift}{seed}.nc"

    def made():
        for number in range(count):
            bands = random.uniform(0, 1, (2, side, side)).astype(np.float32)
            label = (bands[0] > at).astype(np.uint8)
            bands[0] += shift
            if spoil:
                spoil(number, bands, label)
            own = synthetic.static(number, count)
            place = (1.0, 0.0, 0.0, 0.0, -1.0, 0.0)
            yield Chip(f"c{number}", bands, np.ones((side, side), bool), label, "EPSG:32650", place, own)

    netcdf.write_chips(path, made(), ["red", "nir"], synthetic.DESCRIBED, synthetic.ATTRIBUTES)
    dataset = netcdf.read(path)
    return Samples(dataset, Layout.of(SETTINGS, dataset))


FUNCTIONS = {"baselines.index": index, "features.pixels": columns}


def given(source, target=None, variant="source", module=index_threshold, functions=FUNCTIONS, **settings):
    """What a fit is handed, with functions of a domain by name."""

    def own(name):
        if name not in functions:
            raise NotApplicable(f"the domain has no {name}")
        return functions[name]

    return SimpleNamespace(
        source=source,
        target=target,
        unlabelled=target,
        variant=variant,
        own=own,
        seed=1,
        settings={**getattr(module, "DEFAULTS", {}), **settings},
    )


def accuracy(fitted, samples):
    predicted = fitted.predict(samples)
    assert predicted.shape == (len(samples), 2, *samples.pixels)
    np.testing.assert_allclose(predicted.sum(1), 1, atol=1e-6)
    labels = samples.labels[0]
    return (predicted.argmax(1) == labels)[labels != IGNORE].mean()


# -- thresholds -----------------------------------------------------------------------------------------------------


def brute(values, sought):
    """The highest intersection over union of all thresholds."""
    found = []
    for least in [-np.inf, *values]:
        called = values > least
        found.append((called & sought).sum() / (called | sought).sum())
    return max(found)


def test_a_threshold_that_parts_the_classes_lies_in_the_middle():
    values, sought = np.array([0.1, 0.9, 0.3, 0.7]), np.array([False, True, False, True])
    assert index_threshold.best_threshold(values, sought) == pytest.approx(0.5)


def test_the_best_threshold_is_that_of_all_thresholds():
    random = np.random.default_rng(0)
    for _ in range(20):
        values = random.integers(0, 12, 40) / 10  # with many equal values
        sought = values + random.normal(0, 0.4, 40) > 0.6
        least = index_threshold.best_threshold(values, sought)
        called = values > least
        assert (called & sought).sum() / (called | sought).sum() == pytest.approx(brute(values, sought))


def test_where_it_is_best_to_call_everything_burned():
    assert index_threshold.best_threshold(np.array([1.0, 1.0, 1.0]), np.array([True, True, False])) == -np.inf


@pytest.mark.parametrize("sought", [[True, True], [False, False]])
def test_one_class_gives_no_threshold(sought):
    with pytest.raises(NotApplicable, match="are of one class"):
        index_threshold.best_threshold(np.array([0.0, 1.0]), np.array(sought))


def test_variants_on_a_target_whose_index_is_shifted(tmp_path):
    """The source's threshold fails there; the target's own and the shifted one do not."""
    source, target = population(tmp_path, count=40), population(tmp_path, shift=0.3, count=40, seed=1)
    found = {}
    for variant in index_threshold.VARIANTS:
        fitted = index_threshold.fit(given(source, target, variant))
        assert (fitted.counts(), fitted.shipped_bytes()) == ((1, 1), 8)
        found[variant] = (fitted.least, accuracy(fitted, target))
    assert found["source"] == (pytest.approx(0.5, abs=0.01), pytest.approx(0.7, abs=0.03))
    assert found["target"] == (pytest.approx(0.8, abs=0.01), 1)
    assert found["shifted"] == (pytest.approx(0.8, abs=0.05), pytest.approx(1, abs=0.05))


def test_pixels_without_an_index_are_learned_from_by_nobody_and_called_unburned(tmp_path):
    def spoil(number, bands, label):
        bands[0, 0] = np.nan
        label[0] = 1

    source = population(tmp_path, spoil=spoil)
    fitted = index_threshold.fit(given(source))
    assert fitted.least == pytest.approx(0.5, abs=0.03)
    assert (fitted.predict(source)[:, :, 0].argmax(1) == 0).all()


def test_ignored_pixels_move_no_threshold(tmp_path):
    def spoil(number, bands, label):
        bands[0, 0], label[0] = 5.0, IGNORE

    assert index_threshold.fit(given(population(tmp_path, spoil=spoil))).least == pytest.approx(0.5, abs=0.03)


def test_other_tasks_have_no_threshold(tmp_path):
    source = population(tmp_path)
    for changes in ({"classes": ("a", "b", "c")}, {"task": "classification"}):
        source.layout = dataclasses.replace(source.layout, **changes)
        with pytest.raises(NotApplicable, match="parts the pixels of chips into two classes"):
            index_threshold.fit(given(source))


# -- trees ----------------------------------------------------------------------------------------------------------

FAST = {"rounds": 20, "rate": 0.3}


@pytest.mark.parametrize("variant", gradient_boosted_trees.VARIANTS)
def test_trees_learn_pixels(tmp_path, variant):
    source, target = population(tmp_path), population(tmp_path, seed=1)
    fitted = gradient_boosted_trees.fit(given(source, target, variant, gradient_boosted_trees, **FAST))
    assert accuracy(fitted, population(tmp_path, seed=2)) > 0.95
    assert fitted.counts()[0] > 0
    assert fitted.shipped_bytes() > 0


def test_pixels_are_drawn_by_chip_and_balanced_by_class(tmp_path):
    samples = population(tmp_path, at=0.8)
    drawn = pixel_rows.draw(samples, columns, 10, 3)
    assert drawn.table.shape == (40, 2)
    assert np.bincount(drawn.labels[:, 0].astype(int)).tolist() == [20, 20]
    assert (drawn.labels[:, 0] == (drawn.table[:, 0] > 0.8)).all()
    again = pixel_rows.draw(samples, columns, 10, 3)
    np.testing.assert_array_equal(drawn.table, again.table)
    whole = pixel_rows.draw(samples, columns, 10_000, 3)
    assert len(whole.table) == 4 * 64
    assert len(np.unique(whole.table, axis=0)) == 4 * 64


def test_ignored_pixels_are_never_drawn(tmp_path):
    def spoil(number, bands, label):
        label[:4] = IGNORE

    drawn = pixel_rows.draw(population(tmp_path, spoil=spoil), columns, 10_000, 3)
    assert len(drawn.table) == 4 * 32
    assert np.isfinite(drawn.labels).all()


def test_a_class_without_a_pixel_is_predicted_by_nobody(tmp_path):
    source = population(tmp_path, at=2.0)
    fitted = gradient_boosted_trees.fit(given(source, variant="source", module=gradient_boosted_trees, **FAST))
    assert accuracy(fitted, source) == 1


def test_a_domain_without_columns_of_pixels_says_so(tmp_path):
    own = given(population(tmp_path), module=gradient_boosted_trees, functions={})
    with pytest.raises(NotApplicable, match=r"no features\.pixels"):
        gradient_boosted_trees.fit(own)


def test_trees_learn_chips_from_a_table_of_the_domain(tmp_path):
    def table(dataset, chips, sizes):
        return dataset["reflectance"][chips].mean((2, 3))

    samples = population(tmp_path, count=40)
    brighter = (samples.dataset["reflectance"][:, 0].mean((1, 2)) > 0.5).astype(np.uint8)
    label = dataclasses.replace(samples.dataset.variables["label"], dimensions=("unit",), values=brighter)
    dataset = dataclasses.replace(samples.dataset, variables={**samples.dataset.variables, "label": label})
    layout = dataclasses.replace(samples.layout, task="classification")
    own = given(Samples(dataset, layout, features=table), module=gradient_boosted_trees, rows_per_leaf=1, **FAST)
    fitted = gradient_boosted_trees.fit(own)
    assert (fitted.predict(own.source).argmax(1) == brighter).all()
    with pytest.raises(NotApplicable, match="no table in features"):
        Samples(dataset, layout).table()
