"""Every domain's networks through the whole workflow on a GPU and on the processor: scores, speed, utilisation."""

import re
import statistics
import subprocess
import threading
from datetime import datetime

import pytest
import torch
import yaml
from landbridge import registry
from landbridge.judge import tables

from tests.workflow.conftest import copy_project

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")]

# Of a score, beside the processor's: sums in another order lead trainings apart, little by little. Dropout draws other
# numbers on a GPU, so it is left out.
TOLERANCE = 0.05
RECIPES = ["source_only", "target_only"]
DOMAINS = sorted(registry.domains())


def settings(domain):
    """One scenario of a domain on its twin with all the networks that it offers, trained for a short while."""
    described = yaml.safe_load((registry.domains()[domain] / "domain.yaml").read_text())
    scenario, own = next(iter(described["twin"].items()))
    pixels = own["task"] == "segmentation"
    models = {
        name: {"dropout": 0.0} if "dropout" in registry.models()[name].literals.get("DEFAULTS", {}) else {}
        for name in described["models"]
        if not pixels or name.endswith("unet")
    }
    return scenario, {
        "domains": [domain],
        "scenarios": [scenario],
        "seeds": 1,
        "bootstrap": {"replicates": 50},
        domain: {
            "recipes": RECIPES,
            "models": models,
            "twin": {scenario: {"models": models}},
            "training": {"epochs": 3, "fixed_steps": 60},
        },
    }


class Utilisation(threading.Thread):
    """What nvidia-smi tells of the GPU's use, in percent, once a second."""

    def __init__(self):
        super().__init__(daemon=True)
        self.seen, self.over = [], threading.Event()

    def run(self):
        command = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "--id=0"]
        while not self.over.wait(1.0):
            self.seen.append(float(subprocess.run(command, capture_output=True, text=True, check=True).stdout))


def steps_per_second(project, domain, scenario):
    """Median over the epochs of each pretraining but the first, by model."""
    found = {}
    for log in sorted((project.folder / "results" / "logs" / domain / "pretrain" / scenario).rglob("*.log")):
        lines = [line for line in log.read_text().splitlines() if re.search(r"epoch \d+ of", line)]
        times = [datetime.strptime(line[:23], "%Y-%m-%d %H:%M:%S,%f") for line in lines]
        history = log.relative_to(project.folder / "results" / "logs").with_suffix(".history.csv")
        steps = [float(row["steps"]) for row in tables.read(project.folder / "results" / history)]
        rates = [
            (steps[i] - steps[i - 1]) / max((times[i] - times[i - 1]).total_seconds(), 1e-3)
            for i in range(1, len(times))
        ]
        found[log.parent.name.split("-")[0]] = statistics.median(rates)
    return found


def finished(folder, domain, visible):
    scenario, config = settings(domain)
    project = copy_project(folder, config=yaml.safe_dump(config))
    watch = Utilisation()
    if visible:
        watch.start()
    leaderboard = f"results/{domain}/compare/{scenario}/leaderboard.csv"
    project.snakemake(leaderboard, env={"CUDA_VISIBLE_DEVICES": visible}, timeout=3000)
    watch.over.set()
    rows = tables.read(project.folder / leaderboard)
    headed = ("model", "recipe", "budget", "target", "metric", "statistic")
    scores = {
        tuple(row[name] for name in headed): float(row["value"]) for row in rows if row["value"] not in ("", None)
    }
    return scores, steps_per_second(project, domain, scenario), watch.seen


@pytest.mark.parametrize("domain", DOMAINS)
def test_scores_on_a_gpu_are_those_of_the_processor(tmp_path, domain):
    expected, slow, _ = finished(tmp_path / "cpu", domain, "")
    found, fast, used = finished(tmp_path / "gpu", domain, "0")
    for model, rate in fast.items():
        print(f"\n{domain} {model}: {rate:.0f} steps a second on the GPU, {slow[model]:.0f} on one core", end="")
    mean, most = statistics.mean(used or [0]), max(used or [0])
    print(f"\n{domain}: the GPU was at work {mean:.0f} % of the time, {most:.0f} % at most")
    assert found.keys() == expected.keys()
    apart = {
        key: (value, found[key])
        for key, value in expected.items()
        if abs(found[key] - value) > TOLERANCE * max(abs(value), 0.1)
    }
    assert not apart
