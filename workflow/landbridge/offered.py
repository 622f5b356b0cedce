"""What a configuration may choose from, read from the package without importing it, and configurations checked so."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from landbridge import registry
from landbridge.config import Config, Offered, load
from landbridge.fingerprint import ROOT
from landbridge.slices import scales


def read_config(config: Mapping[str, Any], files: list[Path]) -> Config:
    """Validate and fill in a merged configuration against what the package offers."""
    return load(config, files, offered())


def offered() -> Offered:
    """What there is to choose from, read from the package without importing it."""
    by_domain = registry.domains()
    folder = ROOT / "judge" / "metrics"
    of_classes, scaled = (registry.members(folder / "confusion.py", name) for name in ("METRICS", "SCALED"))
    of_series, of_states = (registry.members(folder / "regression.py", name) for name in ("METRICS", "OF_STATES"))
    of_intervals = registry.members(folder / "intervals.py", "METRICS")
    figures = registry.members(ROOT / "judge" / "figures.py", "FIGURES")
    return Offered(
        domains=by_domain,
        recipes={name: recipe.variants for name, recipe in registry.recipes().items()},
        recipe_settings={name: tuple(recipe.defaults) for name, recipe in registry.recipes().items()},
        selections=tuple(registry.rules()),
        model_settings={name: tuple(model.literals.get("DEFAULTS", ())) for name, model in registry.models().items()},
        metrics={
            "regression": (
                *(*of_series, *of_states, *of_intervals),
                *(f"{name}.{scale}" for name in of_series for scale in scales()),
            ),
            "classification": of_classes,
            "segmentation": of_classes,
        },
        statistics=registry.members(ROOT / "judge" / "bootstrap.py", "STATISTICS"),
        split_rules=registry.members(ROOT / "prepare" / "split_rules.py", "RULES"),
        padded=[name for name, model in registry.models().items() if model.literals.get("PADDED")],
        on_off=[name for name, model in registry.models().items() if model.literals.get("ON_OFF")],
        readers={name: registry.members(folder / "readers.py", "READERS") for name, folder in by_domain.items()},
        of_one_class=registry.members(ROOT / "judge" / "metrics" / "confusion.py", "OF_ONE_CLASS"),
        votes=scales("VOTES"),
        of_states=of_states,
        scaled=scaled,
        figures={
            name: (*figures, *registry.members(folder / "figures.py", "FIGURES")) for name, folder in by_domain.items()
        },
        simulators=[name for name, folder in by_domain.items() if (folder / "simulate.py").is_file()],
    )
