"""Known answers of the recipes that align features with those of unlabelled inputs of the target."""

import math

import pytest
import torch
from landbridge.methods import cdan, coral, dann, mk_mmd
from landbridge.methods.alignment import PLACES, SOURCE, UNLABELLED, Places, ramp
from landbridge.methods.checked import POSITIVE, check
from landbridge.methods.given import NotApplicable, Seen
from landbridge.models import dlinear, linear, tcn
from landbridge.models.network import Network, initialise
from landbridge.models.shape import Shape
from landbridge.stage import StageError
from landbridge.train.drawn import Drawn
from landbridge.train.loop import Schedule, train
from landbridge.train.losses import Batch, MeanLoss
from torch import nn

LOSS = MeanLoss("classification")
SQUARE = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]], dtype=torch.float64)


def rows(seed, n=30, d=3):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def seen(name, features, outputs, weights):
    batch = Batch((), torch.zeros_like(weights), weights, torch.arange(len(features)))
    return Seen(name, batch, outputs, features, {}, None)


# -- coral -----------------------------------------------------------------------------------------------------


def test_coral_of_a_square_and_its_double():
    assert float(coral.coral(SQUARE, 2 * SQUARE)) == pytest.approx(0.5, abs=1e-12)


def test_coral_is_zero_for_equal_sets_and_under_translation():
    own = rows(0)
    assert float(coral.coral(own, own)) == 0
    assert float(coral.coral(own, own + torch.tensor([5.0, -3.0, 100.0]))) == pytest.approx(0, abs=1e-20)
    assert float(coral.coral(own, rows(1))) > 1e-4


def test_coral_gradient_is_that_of_its_differences():
    source, target = rows(0, 6).requires_grad_(), rows(1, 5).requires_grad_()
    assert torch.autograd.gradcheck(coral.coral, (source, target))


# -- mk_mmd ----------------------------------------------------------------------------------------------------


def test_mmd_of_two_pairs_of_numbers():
    """One kernel of sigma 1 on {0, 1} and {2, 3}."""
    source, target = (torch.tensor(own, dtype=torch.float64)[:, None] for own in ([0.0, 1.0], [2.0, 3.0]))
    assert float(mk_mmd.mmd(source, target, [1.0], biased=True)) == pytest.approx(1.162376, abs=1e-6)
    assert float(mk_mmd.mmd(source, target, [1.0])) == pytest.approx(0.768906, abs=1e-6)


def test_mmd_of_equal_sets_is_zero_and_unbiased_may_fall_below():
    own = rows(0)
    assert float(mk_mmd.mmd(own, own, biased=True)) == pytest.approx(0, abs=1e-12)
    assert float(mk_mmd.mmd(own, own)) < 0


def test_mmd_does_not_depend_on_the_order_of_rows():
    source, target = rows(0), rows(1, 20) + 1
    order = torch.randperm(30, generator=torch.Generator().manual_seed(2))
    value = float(mk_mmd.mmd(source, target))
    assert float(mk_mmd.mmd(source[order], target.flip(0))) == pytest.approx(value, abs=1e-12)
    assert value > 0.1


def test_mmd_widths_are_medians_without_a_gradient():
    own = torch.tensor([[0.0], [1.0], [3.0]], requires_grad=True)  # distances 1, 2, 3
    median = mk_mmd.median_distance(mk_mmd.squared_distances(own))
    assert float(median) == pytest.approx(2, abs=1e-6)
    assert not median.requires_grad
    same = torch.zeros(4, 2, requires_grad=True)
    mk_mmd.mmd(same[:2], same[2:]).backward()
    assert torch.isfinite(same.grad).all()


# -- dann ------------------------------------------------------------------------------------------------------


def test_the_ramp():
    found = [ramp(p) for p in (0, 0.1, 0.25, 0.5, 1)]
    assert found == pytest.approx([0, 0.4621, 0.8483, 0.9866, 0.9999], abs=5e-5)


def test_dann_1_the_reversal_is_the_identity_forward_and_minus_lambda_backward():
    x, a = rows(0).requires_grad_(), rows(1)
    through = dann.reversed_gradient(x, ramp(0.25))
    assert torch.equal(through, x)
    (a * through).sum().backward()
    torch.testing.assert_close(x.grad, -ramp(0.25) * a, rtol=0, atol=0)


def of_encoder(encoder, layers, source, target):
    with torch.no_grad():
        return float(dann.domain_loss(layers(encoder(source)), layers(encoder(target))))


@pytest.mark.parametrize("mover", ["encoder", "discriminator"])
def test_dann_2_one_step_of_the_encoder_raises_the_domain_loss_and_one_of_the_discriminator_lowers_it(mover):
    torch.manual_seed(0)
    encoder, layers = nn.Linear(3, 4).double(), dann.discriminator(4, 1).double()
    source, target = rows(0), rows(1) + 1
    adversary = dann.Adversary(layers, 1.0, 1e-3, 0)
    before = of_encoder(encoder, layers, source, target)
    adversary.loss((encoder(source), None), (encoder(target), None), 1.0).backward()
    moved = encoder if mover == "encoder" else layers
    with torch.no_grad():
        for parameter in moved.parameters():
            parameter -= 1e-2 * parameter.grad
    after = of_encoder(encoder, layers, source, target)
    assert after > before if mover == "encoder" else after < before


class Cloud:
    """Two classes along the first axis; the domain moves the second one by `shift`."""

    def __init__(self, shift, seed, n=256):
        generator = torch.Generator().manual_seed(seed)
        self.labels = torch.arange(n) % 2
        x = torch.randn(n, 2, generator=generator)
        x[:, 0] += 4.0 * self.labels - 2
        x[:, 1] += shift
        self.x = x

    def __len__(self):
        return len(self.x)

    def batch(self, index):
        x = self.x[index][:, None]
        return Batch((x, x.new_zeros(len(x), 0)), self.labels[index], torch.ones(len(x)), index)


def network(norm=False):
    built = linear.build(Shape(2, 0, 2, 1), {"width": 4})
    if norm:

        class Normed(nn.Module):
            def __init__(self, layer):
                super().__init__()
                self.layer, self.norm = layer, nn.BatchNorm1d(4)

            def forward(self, x):
                return self.norm(self.layer(x).squeeze(1))[:, None]

        built.parts["encoder"] = Normed(built.parts["encoder"])
    initialise(built, 1)
    return built


def adversary(weight=1.0, layers=None, rate=1e-3):
    return dann.Adversary(layers or dann.discriminator(4, 3), weight, rate, 3)


def sides(shift=2.0):
    return [
        Drawn.start(SOURCE, Cloud(0.0, 0), 1.0, 3),
        Drawn.start(UNLABELLED, Cloud(shift, 1), 1.0, 3, scored=False),
    ]


def test_dann_3_the_discriminator_is_trained_by_its_own_group():
    layers = dann.discriminator(4, 3)
    before = [parameter.clone() for parameter in layers.parameters()]
    used = adversary(layers=layers)
    assert {id(p) for p in layers.parameters()} == {id(p) for p in used.parameters}
    train(network(), sides(), LOSS, Schedule(rate=1e-3, steps=20), penalty=used)
    assert all(not torch.equal(old, new) for old, new in zip(before, layers.parameters(), strict=True))
    still = dann.discriminator(4, 3)
    train(network(), sides(), LOSS, Schedule(rate=1e-3, steps=20), penalty=adversary(layers=still, rate=0.0))
    assert all(torch.equal(old, new) for old, new in zip(before, still.parameters(), strict=True))


@pytest.mark.parametrize("norm", [False, True])
def test_dann_4_without_reversal_the_weights_are_those_of_the_source_alone(norm):
    """With a joint clipping the discriminator's gradient would rescale the steps; buffers see the target."""
    found = []
    for penalty in (None, adversary(weight=0.0, rate=1.0)):
        built = network(norm)
        drawn = sides() if penalty else sides()[:1]
        train(built, drawn, LOSS, Schedule(rate=1e-2, steps=60, clip=0.1), penalty=penalty)
        found.append(built.state_dict())
    differs = [name for name in found[0] if not torch.equal(found[0][name], found[1][name])]
    assert all("running" in name or "num_batches" in name for name in differs)
    assert bool(differs) == norm


def accuracies(weight):
    """Of a discriminator that learns beside the encoder, of a fresh probe, and of the labels in the target."""
    built, layers = network(), dann.discriminator(4, 3)
    train(built, sides(3.0), LOSS, Schedule(rate=1e-3, steps=800), penalty=adversary(weight, layers))
    source, target = Cloud(0.0, 5), Cloud(3.0, 6)
    with torch.no_grad():
        of_source, of_target = (
            built.features(*own.batch(torch.arange(len(own))).inputs)[:, -1] for own in (source, target)
        )
        told = torch.cat([layers(of_source)[:, 0] > 0, layers(of_target)[:, 0] <= 0]).float().mean()
        right = (
            (built(*target.batch(torch.arange(len(target))).inputs)[:, -1].argmax(1) == target.labels).float().mean()
        )
    features = torch.cat([of_source, of_target])
    centred = torch.cat([features - features.mean(0), torch.ones(len(features), 1)], dim=1)
    wanted = torch.cat([torch.ones(len(of_source)), -torch.ones(len(of_target))])
    probe = centred @ torch.linalg.lstsq(centred, wanted[:, None]).solution
    fresh = ((probe[:, 0] > 0) == (wanted > 0)).float().mean()
    return float(told), float(fresh), float(right)


def test_dann_5_the_discriminator_is_confused_and_labels_are_not():
    told, _, right = accuracies(0.0)
    assert told > 0.9
    assert right > 0.9
    told, fresh, right = accuracies(1.0)
    print(f"a fresh linear probe still tells {fresh:.2f} of the rows apart")  # which nothing is asserted of
    assert told < 0.65
    assert right > 0.9


@pytest.mark.parametrize("make", [coral.Coral, mk_mmd.MeanDiscrepancy])
def test_aligned_features_are_nearer_and_labels_stay(make):
    """In units of their own spread; the target's second axis is three times as wide, and moved."""
    found = []
    for weight in (0.0, 10.0):
        built = network()
        drawn = sides(3.0)
        drawn[1].population.x[:, 1] *= 3
        train(built, drawn, LOSS, Schedule(rate=1e-2, steps=150), penalty=make(weight, 3))
        source, target = (side.population for side in drawn)
        with torch.no_grad():
            features = [built.features(own.x[:, None], torch.zeros(256, 0))[:, -1] for own in (source, target)]
            spread = torch.cat(features).std()
            distance = make(1.0, 0).distance(*(own / spread for own in features))
            right = (built(target.x[:, None], torch.zeros(256, 0))[:, -1].argmax(1) == target.labels).float().mean()
        found.append((float(distance), float(right)))
    assert found[1][0] < 0.5 * found[0][0]
    assert found[1][1] > 0.9


# -- cdan ------------------------------------------------------------------------------------------------------


def test_cdan_joins_features_and_classes_in_a_fixed_order():
    joined = cdan.outer(torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[10.0, 100.0]]))
    assert joined.tolist() == [[10, 100, 20, 200, 30, 300]]


def test_cdan_entropy_weights():
    logits = torch.tensor([[0.0, 0.0], [200.0, 0.0]], requires_grad=True)
    weights = cdan.entropy_weights(logits.softmax(1))
    assert weights.tolist() == pytest.approx([1.5, 2.0], abs=1e-6)
    assert not weights.requires_grad


def test_cdan_entropy_weighs_rows_and_brings_no_gradient():
    """A row of weight 2 counts 4 / 3 of one of weight 1.5."""
    logits = torch.tensor([[0.3], [-0.7]], dtype=torch.float64)
    weights = torch.tensor([1.5, 2.0], dtype=torch.float64)
    other = torch.zeros(1, 1, dtype=torch.float64)
    expected = (1.5 * math.log1p(math.exp(-0.3)) + 2 * math.log1p(math.exp(0.7))) / 3.5
    value = dann.domain_loss(logits, other, weights, torch.ones(1, dtype=torch.float64))
    assert float(value) == pytest.approx((expected + math.log(2)) / 2, abs=1e-12)
    # with conditions that do not reach the discriminator, outputs could have a gradient by their weights alone
    outputs = rows(0, 8, 2).requires_grad_()
    used = cdan.Conditional(
        dann.discriminator(3, 1).double(), 1.0, 1e-3, 0, by_entropy=True, join=lambda features, _: features
    )
    used.loss((rows(1, 8).requires_grad_(), outputs), (rows(2, 8), rows(3, 8, 2)), 1.0).backward()
    assert outputs.grad is None


def test_cdan_bins_of_a_regression_hold_equal_shares():
    predictions = torch.arange(8.0)[:, None]
    source, target = cdan.quantile_bins(predictions[::2], predictions[1::2], 4)
    assert (torch.cat([source, target]).sum(0) == 2).all()
    assert source.argmax(1).tolist() == target.argmax(1).tolist() == [0, 1, 2, 3]
    both = torch.cat([predictions, -predictions], dim=1)
    two, _ = cdan.quantile_bins(both, both, 4)
    assert two.shape == (8, 8)
    assert (two.sum(1) == 1).all()


def test_cdan_projects_what_is_too_large():
    join = cdan.Projection(60, 40, 0)
    features, conditions = rows(0, 5, 60).float(), rows(1, 5, 40).float()
    joined = join(features, conditions)
    assert joined.shape == (5, cdan.MOST)
    # inner products are kept in the mean: <f, f'> <c, c'>
    exact = (features @ features.T) * (conditions @ conditions.T)
    assert float((joined @ joined.T - exact).diagonal().abs().max()) < 0.3 * float(exact.diagonal().max())
    assert torch.equal(join.of_features, cdan.Projection(60, 40, 0).of_features)
    assert not list(join.parameters())


# -- rows ------------------------------------------------------------------------------------------------------


def test_rows_are_scored_steps_that_have_a_label():
    features, outputs = torch.arange(40.0).view(2, 20, 1), torch.arange(40.0).view(2, 20, 1)
    weights = torch.zeros(2, 12, 2)
    weights[0, 3, 1] = weights[0, 5, 0] = 1.0  # steps 11 and 13 of the first window
    found, own = Places(0).rows(seen("a", features, outputs, weights))
    assert sorted(found.ravel().tolist()) == sorted(own.ravel().tolist()) == [11, 13]
    found, _ = Places(0).rows(seen("a", features, outputs, torch.ones(2, 12, 2)))
    assert len(found) == 2 * PLACES
    assert ((found % 20) >= 8).all()
    assert len(found.unique()) == 2 * PLACES


def test_rows_of_windows_with_one_class_are_their_last_steps():
    features = torch.arange(6.0).view(2, 3, 1)
    found, own = Places(0).rows(seen("a", features, 10 * features, torch.ones(2)))
    assert found.ravel().tolist() == [2, 5]
    assert own.ravel().tolist() == [20, 50]


def test_rows_of_chips_are_pixels_that_were_seen_or_means_of_whole_chips():
    features = torch.arange(32.0).view(2, 1, 4, 4)
    weights = torch.zeros(2, 4, 4)
    weights[1, 2, 3] = 1.0
    found, own = Places(0).rows(seen("a", features, -features, weights))
    assert found.ravel().tolist() == [27]
    assert own.ravel().tolist() == [-27]
    found, _ = Places(0).rows(seen("a", features, torch.zeros(2, 5), torch.ones(2)))
    assert found.ravel().tolist() == [7.5, 23.5]


def test_rows_of_pooled_windows_have_the_mean_of_their_outputs():
    outputs = torch.tensor([[[9.0], [1.0], [3.0]]])
    _, own = Places(0).rows(seen("a", torch.ones(1, 4), outputs, torch.ones(1, 2, 1)))
    assert own.tolist() == [[2.0]]


def test_a_batch_without_two_rows_adds_nothing():
    nothing = seen(UNLABELLED, torch.ones(2, 1, 4, 4), torch.ones(2, 1, 4, 4), torch.zeros(2, 4, 4))
    something = seen(SOURCE, torch.ones(2, 1, 4, 4), torch.ones(2, 1, 4, 4), torch.ones(2, 4, 4))
    assert float(coral.Coral(1.0, 0)([something, nothing], 0.5)) == 0
    assert float(adversary()([something, nothing], 0.5)) == 0


def test_networks_without_an_encoder_are_not_applicable():
    bare = dlinear.build(Shape(2, 0, 1, 3), {"average": 1})
    whole = tcn.build(Shape(2, 0, 1, 3), {**tcn.DEFAULTS, "blocks": 1})
    assert not bare.has_encoder and not whole.has_encoder and network().has_encoder
    drawn = [Drawn.start(SOURCE, Cloud(0.0, 0), 1.0, 3), Drawn.start(UNLABELLED, Cloud(0.0, 0), 1.0, 3, scored=False)]
    with pytest.raises(NotApplicable, match="no encoder whose features a head reads"):
        train(bare, drawn, LOSS, Schedule(rate=1e-3, steps=1), penalty=coral.Coral(1.0, 0))
    assert isinstance(bare, Network)


def test_settings_that_are_no_numbers_above_zero_are_refused():
    with pytest.raises(StageError, match=r"recipe_settings\.coral: weight is 0; write a number above 0"):
        check({"weight": 0}, "coral", weight=POSITIVE)
