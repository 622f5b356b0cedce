"""No network of series mixes the windows of a batch: time and batch are not confused."""

import importlib

import pytest
import torch
from landbridge import registry
from landbridge.models.network import build, initialise
from landbridge.models.shape import Shape

FIELD = Shape(inputs=5, static=3, outputs=2, length=30, support=2, scored=4)
SMALL = {
    "dlinear": {"average": 5},
    "seq2point": {"filters": [2, 2], "kernels": [5, 5], "dense": 3},
    "tcn": {"filters": 3, "blocks": 3},
    "causal_tcn": {"filters": 3, "blocks": 3},
    "refquery": {"hidden": 4, "trunk": 4, "blocks": 2, "embedding": 3},
    "speed_transformer": {"hidden": 16, "layers": 2, "heads": 4, "key_value_heads": 2},
    "linear": {},
}
NAMES = sorted(name for name, model in registry.models().items() if model.literals["KIND"] in ("series", "any"))


def built(name):
    settings = SMALL.get(name, {"hidden": 8})
    network = build(importlib.import_module(f"landbridge.models.{name}"), FIELD, settings)
    initialise(network, 1)
    for module in network.modules():  # modulations begin at zero, where they could mix nothing
        for parameter in module.parameters(recurse=False):
            if not parameter.detach().any():
                torch.nn.init.normal_(parameter, std=0.3, generator=torch.Generator().manual_seed(4))
    return network.eval()


def inputs(name, rows=5):
    random = torch.Generator().manual_seed(0)
    found = [torch.randn(rows, 30, 5, generator=random), torch.randn(rows, 3, generator=random)]
    literals = registry.models()[name].literals
    if literals.get("PADDED"):
        found.append(torch.ones(rows, 30, dtype=torch.bool))
    elif literals.get("GROUPS"):
        found.append(torch.full((rows,), -1))
    elif literals["DEFAULTS"].get("support"):
        found += [torch.randn(rows, 2, 30, 5, generator=random), torch.ones(rows, 2, dtype=torch.bool)]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_permuted_batch_permutes_the_outputs(name):
    network, given = built(name), inputs(name)
    order = torch.tensor([3, 0, 4, 2, 1])
    torch.testing.assert_close(network(*(item[order] for item in given)), network(*given)[order], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_another_window_changes_no_output_but_its_own(name):
    network, (x, *rest) = built(name), inputs(name)
    moved = x.clone()
    moved[2] += torch.randn(30, 5, generator=torch.Generator().manual_seed(9))
    before, after = network(x, *rest), network(moved, *rest)
    others = [0, 1, 3, 4]
    torch.testing.assert_close(before[others], after[others], rtol=0, atol=1e-6)
    assert not torch.allclose(before[2], after[2], atol=1e-4)


@pytest.mark.parametrize("name", ["transformer", "patch_transformer"])
def test_attention_joins_the_steps_of_one_window(name):
    network, (x, static) = built(name), inputs(name)
    moved = x.clone()
    moved[2, 25] += 1
    changed = (network(x, static) - network(moved, static)).abs().amax(-1)
    assert (changed[2] > 0).all()
    assert changed[[0, 1, 3, 4]].max() < 1e-6
