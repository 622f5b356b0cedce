"""Losses: known answers, the balance of targets, weights of classes."""

import numpy as np
import pytest
import torch
from landbridge.methods.given import NotApplicable
from landbridge.methods.group_dro import GroupDRO, objective
from landbridge.prepare.scaling import Scaler
from landbridge.train.losses import Balance, Batch, MeanLoss


def batch(labels, weights):
    return Batch((), labels, weights, torch.arange(len(labels)))


def test_known_answers():
    outputs, labels = torch.tensor([[[1.0], [2.0]]]), torch.tensor([[[5.0]]])
    loss = MeanLoss("regression")
    assert loss(outputs, batch(labels, torch.ones_like(labels))) == 9  # the last step alone
    assert loss(outputs, batch(labels, torch.zeros_like(labels))) == 0
    assert MeanLoss("regression", "absolute")(outputs, batch(labels, torch.full_like(labels, 0.5))) == 3
    logits = torch.tensor([[0.0, 0.0], [5.0, 0.0]])
    found = MeanLoss("classification")(logits, batch(torch.tensor([1, 255]), torch.ones(2)))
    assert found == pytest.approx(0.693147, abs=1e-6)
    pixels = torch.zeros(1, 2, 1, 2)
    found = MeanLoss("segmentation")(pixels, batch(torch.tensor([[[0, 255]]]), torch.ones(1, 1, 2)))
    assert found == pytest.approx(0.693147, abs=1e-6)


def scaler(mean, spread):
    none = np.zeros(0)
    return Scaler(none, none, np.array(mean), np.array(spread), none, none, "")


def test_the_balance_is_taken_in_the_targets_own_units():
    own = scaler([3.0, 2.0, -1.5], [4.0, 2.0, 2.5])
    balance = Balance({"nee": 1, "reco": -1, "gpp": 1}, ("gpp", "reco", "nee"), own, "cpu")
    gpp, reco = torch.tensor([5.0, 1.0]), torch.tensor([2.0, 4.0])
    fluxes = torch.stack([gpp, reco, reco - gpp], dim=-1)[None]  # (1, 2, 3): closes
    standard = (fluxes - torch.tensor(own.target_mean).float()) / torch.tensor(own.target_spread).float()
    assert balance(standard, 2) == pytest.approx(0, abs=1e-10)
    broken = standard.clone()
    broken[..., 2] += 1  # one spread of NEE
    assert balance(broken, 2) == pytest.approx(1, rel=1e-6)
    assert balance(broken, 1) == pytest.approx(1, rel=1e-6)


def test_weight_zero_of_the_balance_changes_nothing_and_a_weight_adds_it():
    own = scaler([0.0, 0.0], [1.0, 1.0])
    outputs = torch.tensor([[[1.0, 2.0]]])
    drawn = batch(torch.zeros(1, 1, 2), torch.ones(1, 1, 2))
    balance = Balance({"a": 1, "b": -1}, ("a", "b"), own, "cpu")
    plain = MeanLoss("regression")(outputs, drawn)
    assert MeanLoss("regression", balance=balance)(outputs, drawn) == plain
    assert MeanLoss("regression", balance=balance, balance_weight=0.5)(outputs, drawn) == plain + 0.5


@pytest.mark.parametrize(("eta", "q", "expected"), [(1.0, (0.2689, 0.7311), 1.7311), (0.1, (0.4750, 0.5250), 1.5250)])
def test_group_dro_known_answer(eta, q, expected):
    robust = GroupDRO(MeanLoss("regression"), torch.tensor([0, 1]), eta)
    losses = torch.tensor([1.0, 2.0], requires_grad=True)
    loss = robust.combine(losses, torch.tensor([True, True]))
    assert float(loss.detach()) == pytest.approx(expected, abs=5e-5)
    assert robust.log_q.exp().tolist() == pytest.approx(q, abs=5e-5)
    loss.backward()
    assert losses.grad.tolist() == pytest.approx(q, abs=5e-5)  # q carries no gradient of its own


def test_group_dro_weights_sum_to_one_with_many_groups_and_large_losses():
    robust = GroupDRO(MeanLoss("regression"), torch.arange(200), 0.1)
    for _ in range(50):
        loss = robust.combine(torch.linspace(0, 1e4, 200), torch.ones(200, dtype=torch.bool))
    assert torch.isfinite(loss)
    assert float(robust.log_q.exp().sum()) == pytest.approx(1)


def test_group_dro_of_a_batch_is_the_weighted_sum_of_its_groups():
    robust = GroupDRO(MeanLoss("regression"), torch.tensor([0, 0, 1]), 1e-12)
    outputs, labels = torch.zeros(3, 1, 1), torch.tensor([[[1.0]], [[3.0]], [[2.0]]])
    assert float(robust(outputs, batch(labels, torch.ones(3, 1, 1)))) == pytest.approx((5 + 4) / 2)  # not 14 / 3


def test_group_dro_of_two_groups_says_so():
    with pytest.raises(NotApplicable, match="3 groups or more"):
        objective(MeanLoss("regression"), torch.tensor([0, 1]), {"eta": 0.01})
