"""Steps a second of the networks of config/paper.yaml: `python benchmarks/paper_networks.py`, on one core or a GPU.

Forward, backward and AdamW on one batch of random numbers, in the shape of each domain's first published scenario. A
GPU is taken where torch finds one; on a processor, seconds are those of the process, so other work drops out.
"""

from __future__ import annotations

import importlib
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import torch
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow"))

from landbridge import registry
from landbridge.models.network import initialise
from landbridge.models.shape import Shape
from landbridge.offered import read_config
from landbridge.plan import Plan
from landbridge.train.adamw import AdamW

CHIP = 64  # pixels
LEAST = 2.0  # seconds that are measured
MOST_ON_CORE = 64  # windows of a batch that a processor is given; its time grows with their number
OWN_INPUTS = {"tam_rl", "refquery"}  # networks that take more than windows


def measured(name: str, settings: dict, shape: Shape, batch: int, device: str) -> tuple[int, float]:
    """Weights, and steps a second."""
    module = importlib.import_module(f"landbridge.models.{name}")
    network = module.build(shape, settings).to(device)
    initialise(network, 1)
    chips = registry.models()[name].literals["KIND"] == "chips"
    size = (batch, shape.inputs, CHIP, CHIP) if chips else (batch, shape.length, shape.inputs)
    inputs = [torch.randn(size, device=device), torch.zeros(batch, shape.static, device=device)]
    if getattr(module, "PADDED", False):
        inputs.append(torch.ones(batch, shape.length, dtype=torch.bool, device=device))
    optimiser = AdamW(list(network.parameters()), 1e-3, 1e-4)
    clock = time.process_time if device == "cpu" else time.perf_counter
    steps, begun = -1, 0.0
    while steps < 2 or clock() - begun < LEAST:
        if steps == -1:  # the first step is not counted: it fills caches
            begun = clock()
        optimiser.zero_grad()
        network(*inputs).square().mean().backward()
        optimiser.step()
        if device != "cpu":
            torch.cuda.synchronize()
        steps += 1
        if steps == 0:
            begun = clock()
    return sum(parameter.numel() for parameter in network.parameters()), steps / (clock() - begun)


def main() -> None:
    """Print one line a network."""
    torch.set_num_threads(1)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    print(f"torch {torch.__version__}, {torch.cuda.get_device_name() if device == 'cuda' else 'one core'}")
    paper = yaml.safe_load((ROOT / "config" / "paper.yaml").read_text())
    for domain, folder in registry.domains().items():
        described = yaml.safe_load((folder / "domain.yaml").read_text())
        scenario = next(iter(described["real"]))
        own = {"domains": [domain], "tier": "real", "scenarios": [scenario], domain: paper[domain]}
        plan = Plan(read_config(own, []))
        for name in paper[domain]["models"]:
            if name in OWN_INPUTS:
                continue
            names = SimpleNamespace(domain=domain, scenario=scenario, model=name, objective="erm", fold="0", seed="0")
            settings = plan.settings("pretrain")(names)
            chips = settings["kind"] == "chips"
            window = settings.get("window") or {"length": CHIP, "scored": 1}
            shape = Shape(
                inputs=len(settings["inputs"]),
                static=len(settings["static"]) + sum(len(words) for words in settings["one_hot"].values()),
                outputs=len(settings.get("classes") or settings["targets"]),
                length=CHIP if chips else window["length"],
                scored=1 if chips else window["scored"],
                lookahead=window.get("lookahead", 0),
            )
            batch = settings["training"]["batch"]
            tried = min(batch, MOST_ON_CORE) if device == "cpu" else batch
            weights, rate = measured(name, settings["network"], shape, tried, device)
            print(
                f"{domain:18} {name:18} {weights:10,} weights  {rate * tried:9.0f} windows a second, "
                f"{rate * tried / batch:8.2f} steps of {batch}",
                flush=True,
            )


if __name__ == "__main__":
    main()
