"""Distances of features and weights of rows beside those of another library; `envs/checks.txt` names what it takes."""

import numpy as np
import pytest
import torch
from landbridge.methods import coral, dann, importance_weighting, mk_mmd

skada = pytest.importorskip("skada", exc_type=ImportError)
losses = pytest.importorskip("skada.deep.losses", exc_type=ImportError)


@pytest.fixture
def features():
    """Rows of two sides, other in mean, spread and number."""
    generator = torch.Generator().manual_seed(0)
    source, target = (torch.randn(size, 5, generator=generator, dtype=torch.float64) for size in (40, 60))
    return source, 2 * target + 1


def test_coral(features):
    assert float(coral.coral(*features)) == pytest.approx(float(losses.deepcoral_loss(*features)), rel=1e-12)


def test_mk_mmd(features):
    """Their estimate of the discrepancy by our kernels; theirs fall with the distance itself, and are added up."""
    widths = [0.5, 1.0, 3.0]

    def kernel(x, y):
        return sum(torch.exp(-(torch.cdist(x, y) ** 2) / (2 * width**2)) for width in widths) / len(widths)

    theirs = float(losses._maximum_mean_discrepancy(*features, kernel))
    assert float(mk_mmd.mmd(*features, widths, biased=True)) == pytest.approx(theirs, rel=1e-6)


def test_the_discriminators_loss(features):
    """Theirs is the sum of the two sides, ours their mean; theirs takes chances of being of the target."""
    from skada.deep import DANNLoss

    source, target = (side[:, :1] for side in features)  # logits of being of the source
    chances = [torch.sigmoid(-side[:, 0]).float() for side in (source, target)]
    theirs = float(DANNLoss()(*chances))
    assert 2 * float(dann.domain_loss(source, target)) == pytest.approx(theirs, rel=1e-5)


def test_weights_of_two_gaussians():
    """By densities there, by a classifier here: nearly the same ratios where there are rows to learn from.

    Their `DiscriminatorReweightAdapter` (0.6.0) gives the inverse ratio and is no measure here.
    """
    from skada import GaussianReweightAdapter

    random = np.random.default_rng(0)
    source, target = random.normal(0, 1, (4000, 1)), random.normal(1, 1, (4000, 1))
    rows, domain = np.concatenate([source, target]), np.repeat([1, -2], 4000)
    adapter = GaussianReweightAdapter().fit(rows, sample_domain=domain)
    theirs = adapter.compute_weights(rows, sample_domain=domain)[:4000]
    theirs = theirs / theirs.mean()
    fold = np.arange(4000) % 5
    found = importance_weighting.logits(source, target, fold, fold, 1.0, 10_000)
    ours = importance_weighting.weights_of(found, 1.0, 1e9)
    near = np.abs(source[:, 0]) < 2
    assert np.abs(np.log(ours) - np.log(theirs))[near].max() < 0.1
    assert np.corrcoef(ours, theirs)[0, 1] > 0.995
