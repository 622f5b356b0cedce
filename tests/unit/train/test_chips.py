"""Training on chips: Dice and weights of rare classes, flips and turns, pixels that were not seen, frozen norms."""

import dataclasses

import numpy as np
import pytest
import torch
from landbridge.contract import IGNORE, Chip
from landbridge.io import netcdf
from landbridge.methods.given import Side
from landbridge.models import unet
from landbridge.models.learner import Learner
from landbridge.models.network import initialise
from landbridge.models.shape import Shape
from landbridge.prepare.scaling import fit_scaler
from landbridge.train.drawn import Drawn
from landbridge.train.layout import Layout
from landbridge.train.loop import Schedule, train
from landbridge.train.losses import Batch, MeanLoss, soft_dice
from landbridge.train.samples import Samples
from landbridge.train.scaled import pixel_factors
from landbridge.train.turns import symmetry, turned

from tests import synthetic

SETTINGS = {**synthetic.settings("segmentation"), "training": {}}


def chips(tmp_path, count=6, side=16, invalid=False, all_ignored=False):
    """Chips burned where the first band is above the second."""
    random = np.random.default_rng(0)
    path = tmp_path / "chips.nc"

    def made():
        for number in range(count):
            bands = random.uniform(0, 1, (2, side, side)).astype(np.float32)
            label = (bands[0] > bands[1]).astype(np.uint8)
            valid = np.ones((side, side), bool)
            if invalid:
                valid[:2] = False
                bands[:, :2] = 50.0
            if all_ignored and number == 0:
                label[:] = IGNORE
            where = (10.0, 0.0, 0.0, 0.0, -10.0, 0.0)
            yield Chip(f"c{number}", bands, valid, label, "EPSG:32650", where, synthetic.static(number, count))

    netcdf.write_chips(path, made(), ["red", "nir"], synthetic.DESCRIBED, synthetic.ATTRIBUTES)
    dataset = netcdf.read(path)
    return Samples(dataset, Layout.of(SETTINGS, dataset))


def scaler(samples):
    return fit_scaler([samples.dataset], *samples.layout.scaler_arguments())


def test_the_layout_of_chips_knows_their_side(tmp_path):
    samples = chips(tmp_path)
    assert (samples.layout.length, samples.cells) == (16, 256)


def test_soft_dice_known_answers():
    labels = torch.tensor([[[1, 0], [1, 0]]])
    certain = 100.0 * torch.stack([1.0 - labels, labels.float()], dim=1)
    assert float(soft_dice(certain, labels)) == pytest.approx(0, abs=1e-6)
    assert float(soft_dice(-certain, labels)) == pytest.approx(1 - 1 / 5, abs=1e-6)  # nothing in common, 2 + 2 pixels
    half = torch.zeros(1, 2, 2, 2)
    assert float(soft_dice(half, labels)) == pytest.approx(1 - 3 / 5, abs=1e-6)  # 2 x 1 + 1 over 2 + 2 + 1
    ignored = torch.tensor([[[1, IGNORE], [1, IGNORE]]])
    assert float(soft_dice(half, ignored)) == pytest.approx(1 - 3 / 4, abs=1e-6)


def test_a_chip_of_ignored_pixels_adds_nothing():
    labels = torch.tensor([[[1, 0], [1, 0]], [[IGNORE] * 2] * 2])
    logits = torch.randn(2, 2, 2, 2, generator=torch.Generator().manual_seed(0), requires_grad=True)
    loss = MeanLoss("segmentation", dice_weight=1.0)
    weights = (labels != IGNORE).float()
    both = loss(logits, Batch((), labels, weights, torch.arange(2)))
    alone = loss(logits[:1], Batch((), labels[:1], weights[:1], torch.arange(1)))
    assert torch.equal(both, alone)
    both.backward()
    assert logits.grad[0].any()
    assert not logits.grad[1].any()


def test_chips_of_ignored_pixels_alone_are_never_drawn(tmp_path):
    assert chips(tmp_path, all_ignored=True).ends.tolist() == [1, 2, 3, 4, 5]


def test_factors_of_rare_classes():
    labels = np.array([0] * 90 + [1] * 9 + [IGNORE])
    assert pixel_factors(labels, 2, 1.0)[labels].tolist() == [1.0] * 100
    assert pixel_factors(labels, 2, 4.0)[labels].tolist() == [1.0] * 90 + [4.0] * 9 + [1.0]
    assert pixel_factors(labels, 2, 100.0)[1] == 10
    assert pixel_factors(labels, 3, 100.0)[1] == 10  # a class without a pixel


def test_weights_of_rare_classes_enter_training_alone(tmp_path):
    samples = chips(tmp_path)
    samples.layout = dataclasses.replace(samples.layout, rare_class_weight=10.0)
    labels = samples.labels[0]
    share = max((labels == 0).sum(), (labels == 1).sum()) / min((labels == 0).sum(), (labels == 1).sum())
    weights = samples.tensors.scaled(scaler(samples), balanced=True).weights
    assert weights.unique().tolist() == pytest.approx([1, share])
    assert samples.tensors.scaled(scaler(samples)).weights.unique().tolist() == [1]


def test_eight_symmetries_are_all_different_and_known():
    x = torch.tensor([[0, 1], [2, 3]])
    found = [symmetry(x, number) for number in range(8)]
    assert len({tuple(own.ravel().tolist()) for own in found}) == 8
    assert found[1].tolist() == [[1, 0], [3, 2]]
    assert found[2].tolist() == [[2, 3], [0, 1]]
    assert found[4].tolist() == [[0, 2], [1, 3]]


def test_labels_turn_with_their_chips():
    labels = torch.arange(64 * 4).view(64, 2, 2)
    x = torch.stack([labels, -labels], dim=1).float()
    given = Batch((x, torch.zeros(64, 0)), labels, labels + 0.5, torch.arange(64))
    found = turned(given, torch.Generator().manual_seed(1))
    assert torch.equal(found.inputs[0][:, 0], found.labels.float())
    assert torch.equal(found.inputs[0][:, 1], -found.labels.float())
    assert torch.equal(found.weights, found.labels + 0.5)
    assert len({tuple((own - own.min()).ravel().tolist()) for own in found.labels}) == 8
    of_chips = turned(given._replace(labels=torch.arange(64), weights=torch.ones(64)), torch.Generator().manual_seed(1))
    assert torch.equal(of_chips.labels, torch.arange(64))


def test_chips_that_are_not_square_keep_their_sides():
    x = torch.arange(6.0).view(1, 1, 2, 3).repeat(40, 1, 1, 1)
    given = Batch((x, torch.zeros(40, 0)), x[:, 0].long(), x[:, 0], torch.arange(40))
    found = turned(given, torch.Generator().manual_seed(1))
    assert len({tuple(own.ravel().tolist()) for own in found.labels}) == 4


def drawn(samples, turns):
    return Drawn.start("a", samples.tensors.scaled(scaler(samples)), 1.0, 3, turns=turns)


def test_turns_have_a_stream_of_their_own_that_a_checkpoint_holds(tmp_path):
    samples = chips(tmp_path)
    plain, turning = drawn(samples, False), drawn(samples, True)
    for _ in range(3):
        one, other = plain.next_batch(4), turning.next_batch(4)
        assert torch.equal(one.rows, other.rows)
        assert not torch.equal(one.inputs[0], other.inputs[0])
    state = turning.state("side")
    expected = turning.next_batch(4)
    again = drawn(samples, True)
    again.load(state, "side")
    assert torch.equal(again.next_batch(4).inputs[0], expected.inputs[0])


def test_a_pixel_that_was_not_seen_stands_at_the_mean_and_moves_no_scaler(tmp_path):
    samples = chips(tmp_path, invalid=True)
    own = scaler(samples)
    assert own.input_mean == pytest.approx([0.5, 0.5], abs=0.1)
    x = samples.tensors.scaled(own).batch(torch.arange(2)).inputs[0]
    assert not x[:, :, :2].any()
    assert x[:, :, 2:].abs().max() < 3


def test_pixels_that_were_not_seen_have_no_label(tmp_path):
    labels = chips(tmp_path, invalid=True).dataset["label"]
    assert (labels[:, :2] == IGNORE).all()
    assert (labels[:, 2:] != IGNORE).all()


class Given:
    """One fit on chips, by the real loop."""

    def __init__(self, samples):
        network = unet.build(samples.layout.shape(2), {"widths": [4, 4, 8, 8]})
        initialise(network, 1)
        self.learner = Learner(network, scaler(samples), samples.layout.shape(2))
        self.target = samples
        self.settings = {"rate": 0.01, "ratio": 0.1, "parts": ["dec1", "head"], "reinitialise": []}
        self.variant, self.seed = "chosen", 1

    def pretrained(self):
        return self.learner

    def train(self, learner, sides, *, parts="all", rate, share_of_steps=1.0):
        own = [Drawn.start(side.name, side.samples.tensors.scaled(learner.scaler), side.share, 1) for side in sides]
        train(learner.network, own, MeanLoss("segmentation"), Schedule(rate, steps=2), parts=parts)
        learner.trained = learner.network.check_parts(parts)


@pytest.mark.parametrize(
    ("recipe", "moved"), [("linear_probe", ("parts.head.",)), ("partial_unfreeze", ("parts.head.", "parts.dec1."))]
)
def test_frozen_parts_of_a_unet_keep_weights_and_running_statistics(tmp_path, recipe, moved):
    import importlib

    given = Given(chips(tmp_path))
    before = {name: tensor.clone() for name, tensor in given.learner.network.state_dict().items()}
    importlib.import_module(f"landbridge.methods.{recipe}").fit(given)
    after = given.learner.network.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {name for name in before if name.startswith(moved)}


def test_lp_ft_moves_norms_in_its_second_stage(tmp_path):
    from landbridge.methods import lp_ft

    given = Given(chips(tmp_path))
    before = given.learner.network.state_dict()["parts.enc1.norm1.running_mean"].clone()
    given.train(given.learner, [Side("target", given.target)], parts="head", rate=0.01)
    assert torch.equal(before, given.learner.network.state_dict()["parts.enc1.norm1.running_mean"])
    lp_ft.fit(given)
    assert not torch.equal(before, given.learner.network.state_dict()["parts.enc1.norm1.running_mean"])


def test_what_is_kept_stands_still_whatever_parts_train(tmp_path):
    given = Given(chips(tmp_path))
    network = given.learner.network
    names = ("parts.enc1.norm1.weight", "parts.enc1.norm1.running_mean", "parts.enc1.norm1.running_var")
    network.kept = frozenset(names)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    given.train(given.learner, [Side("target", given.target)], rate=0.01)
    after = network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in names)
    assert not torch.equal(before["parts.enc1.norm1.bias"], after["parts.enc1.norm1.bias"])
    assert not network.parts["enc1"]["norm1"].training
    trained, total = given.learner.counts()
    assert total - trained == 4
    shipped = sum(t.numel() * t.element_size() for n, t in after.items() if n not in names)
    assert given.learner.shipped_bytes() == shipped


def test_predictions_are_probabilities_of_every_pixel_and_come_in_pieces(tmp_path, monkeypatch):
    samples = chips(tmp_path)
    given = Given(samples)
    whole = given.learner.predict(samples)
    assert whole.shape == (6, 2, 16, 16)
    np.testing.assert_allclose(whole.sum(1), 1, atol=1e-6)
    monkeypatch.setattr("landbridge.models.learner.PREDICTION_STEPS", 512)
    np.testing.assert_allclose(given.learner.predict(samples), whole, atol=1e-6)


def test_shapes_say_what_a_network_is_built_for(tmp_path):
    assert chips(tmp_path).layout.shape(2) == Shape(2, 0, 2, 16)
