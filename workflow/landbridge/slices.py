"""The slice of the configuration that the jobs of each stage depend on, as plain values.

Snakemake compares a job's slice with that of its last run: what is not in the slice can't rerun the job, so a slice
holds all that the stage reads and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from landbridge import registry
from landbridge.config import Config, Scenario
from landbridge.io import sources, weights
from landbridge.registry import Recipe, members

REFERENCE_MODEL = "none"
ORACLE = "oracle"  # the rule whose trial the test chooses
METRICS = registry.ROOT / "judge" / "metrics"


def split_recipe(name: str) -> tuple[str, str, str | None]:
    """`id[.variant][.selection]` to id, variant ("" without) and selection rule (None for the default)."""
    recipe_id, *rest = name.split(".")
    selection = rest.pop() if rest and rest[-1] in registry.rules() else None
    return recipe_id, rest[0] if rest else "", selection


def scales(of: str = "SCALES") -> tuple[str, ...]:
    """Coarser scales of time that a metric of a regression may name; of classes those `of="VOTES"`."""
    return registry.members(registry.ROOT / "judge" / "scales.py", of)


class Slices:
    """One method for each stage, from the wildcards of a job to its settings."""

    def __init__(self, config: Config, scenarios: Mapping[str, Mapping[str, Scenario]]) -> None:
        self.config = config
        self.scenarios = scenarios
        self.recipes: Mapping[str, Recipe] = registry.recipes()
        self.rules = registry.rules()
        self.models = registry.models()

    def model(self, domain: str, scenario: str, name: str) -> dict[str, Any]:
        """Settings of a model in a scenario: those of the domain with the scenario's own laid over them."""
        if name == REFERENCE_MODEL:
            return {}
        below = dict(self.config.domains[domain].models[name])
        above = dict((self.scenarios[domain][scenario].models or {}).get(name, {}))
        training = {**below.pop("training", {}), **above.pop("training", {})}
        return {**below, **above, "training": training}

    def weights(self, domain: str, scenario: str, name: str) -> Path | None:
        """File of weights that a model begins at in a scenario; None where it begins at random.

        Raises:
            StageError: it is not here.
        """
        named = self.model(domain, scenario, name).get("weights")
        if not named:
            return None
        folders = [self.config.raw, *(mirror for mirror in self.config.mirror if "://" not in mirror)]
        places = [Path(folder) / domain / "weights" for folder in folders]
        return weights.find(str(named), places, f"{domain}.models.{name}.weights")

    def dataset(self, domain: str, name: str) -> Any:
        """Description of a dataset."""
        return self.config.domains[domain].datasets[name]

    def files_of(self, domain: str, name: str) -> str:
        """Dataset whose raw files a dataset is read from; for most it is itself."""
        return self.dataset(domain, name).files_of or name

    def raw_files(self, domain: str, name: str) -> Any:
        """Description of that dataset."""
        return self.dataset(domain, self.files_of(domain, name))

    def download(self, wildcards: Any) -> dict[str, Any]:
        """The rows of `sources.csv`, or the settings of a twin."""
        dataset = self.dataset(wildcards.domain, wildcards.dataset)
        folder = registry.domains()[wildcards.domain]
        found: dict[str, Any] = {"dataset": wildcards.dataset, "domain": wildcards.domain, "twin": dataset.twin}
        if dataset.twin is None:
            found |= sources.as_settings(sources.sources_of(folder, wildcards.dataset), folder)
        return found

    def harmonise(self, wildcards: Any) -> dict[str, Any]:
        """The dataset, its reader and the variables of the domain."""
        domain = self.config.domains[wildcards.domain]
        dataset = self.dataset(wildcards.domain, wildcards.dataset)
        return {
            "domain": wildcards.domain,
            "dataset": wildcards.dataset,
            "title": dataset.title,
            "step": dataset.step,
            "kind": dataset.kind,
            "feature_type": dataset.feature_type,
            "reader": dataset.reader,
            "reader_settings": dataset.reader_settings,
            "variables": {name: variable.model_dump(exclude_none=True) for name, variable in domain.variables.items()},
        }

    def scenario(self, wildcards: Any) -> Scenario:
        """Description of a job's scenario."""
        return self.scenarios[wildcards.domain][wildcards.scenario]

    def _task(self, wildcards: Any) -> dict[str, Any]:
        """What every stage after `split` must know of the scenario: task, columns and windows."""
        scenario = self.scenario(wildcards)
        dataset = self.dataset(wildcards.domain, scenario.target.dataset)
        keep = {"task", "targets", "classes", "inputs", "one_hot", "window", "quality", "static", "product"}
        keep.add("partial_labels")
        variables = self.config.domains[wildcards.domain].variables
        states = {name: variables[name].on_from for name in scenario.targets if name in variables}
        return {
            "scenario": wildcards.scenario,
            "step": dataset.step,
            "kind": dataset.kind,
            "on_from": {name: value for name, value in states.items() if value is not None},
            **scenario.model_dump(include=keep),
        }

    def simulate(self, wildcards: Any) -> dict[str, Any]:
        """Settings of the process model, and the variable that its values become beside the target."""
        scenario = self.scenario(wildcards)
        variables = self.config.domains[wildcards.domain].variables
        return {
            "scenario": wildcards.scenario,
            "simulator": dict(scenario.simulator or {}),
            "seed": scenario.split.seed,
            "product": dict(scenario.product),
            "variables": {
                name: variables[name].model_dump(exclude_none=True)
                for name in scenario.product.values()
                if name in variables
            },
        }

    def split(self, wildcards: Any) -> dict[str, Any]:
        """The whole scenario but for what is cut or judged later."""
        scenario = self.scenario(wildcards)
        left_out = {"title", "default", "extends", "budgets", "headline", "per_group", "models", "recipes", "balance"}
        left_out |= {"budget_stratify", "selection_from", "budget_words", "hold"}  # the pool is cut in `transfer`
        left_out.add("simulator")  # what it made is an input
        own = scenario.model_dump(exclude=left_out)
        if own["split"]["plant"] is None:  # only where it is so: a key more would part every scenario anew
            del own["split"]["plant"]
        return {
            **self._task(wildcards),
            **own,
            "class_of": self.config.domains[wildcards.domain].worst_class_of,
            "longest_budget": self._longest_budget(scenario),
        }

    @staticmethod
    def _longest_budget(scenario: Scenario) -> int | None:
        """Days that the pool must hold on a time axis; elsewhere no business of `split`, which knows no budgets."""
        if scenario.budget_axis != "time":
            return None
        return max((int(budget) for budget in scenario.budgets if budget != "all"), default=0)

    def _network(self, wildcards: Any) -> dict[str, Any]:
        domain = self.config.domains[wildcards.domain]
        own = self.model(wildcards.domain, wildcards.scenario, wildcards.model)
        own.pop("weights_exposure", None)  # changes what is said of a score, and no training
        training = {**domain.training.model_dump(), **own.pop("training", {})}
        training.pop("gpu_minutes")
        defaults = self.models[wildcards.model].literals if wildcards.model in self.models else {}
        support = own.get("support", defaults.get("DEFAULTS", {}).get("support", 0))
        # Only where it is so: a key more would rerun every network.
        rare: dict[str, Any] = {"grouped": True} if defaults.get("GROUPS") else {}
        if hold := self.scenario(wildcards).hold:
            rare["hold"] = sorted(hold)
        file = self.weights(wildcards.domain, wildcards.scenario, wildcards.model)
        if file is not None:  # the bytes, since a file may be put in the place of another and keep its date
            rare["weights"] = {"file": file.name, "sha256": weights.checksum(file)}
        return {
            **self._task(wildcards),
            **rare,
            "support": support,
            "balance": dict(self.scenario(wildcards).balance),
            "training": training,
            "network": None if wildcards.model == REFERENCE_MODEL else own,
        }

    def pretrain(self, wildcards: Any) -> dict[str, Any]:
        """The network, its training and the task."""
        own = self.config.domains[wildcards.domain].recipe_settings.get(wildcards.objective, {})
        return {**self._network(wildcards), "objective_settings": dict(own)}

    def transfer(self, wildcards: Any) -> dict[str, Any]:
        """The network, the recipe and the budgets."""
        scenario = self.scenario(wildcards)
        recipe_id, variant, selection = split_recipe(wildcards.recipe)
        recipe = self.recipes[recipe_id]
        domain = self.config.domains[wildcards.domain]
        return {
            **self._network(wildcards),
            **self._search(wildcards),
            "budget_stratify": scenario.budget_stratify,
            "selection_from": scenario.selection_from,
            "recipe": recipe_id,
            "variant": variant or (recipe.variants[0] if recipe.variants else ""),
            "selection": selection or recipe.selection,
            "place": recipe.place,
            "rights": list(recipe.rights_of(variant)),
            "recipe_settings": dict(domain.recipe_settings.get(recipe_id, {})),
            "budget_axis": scenario.budget_axis,
            "budgets": list(scenario.budgets),
            "per_group": scenario.per_group,
            **({"transductive": True} if recipe.transductive else {}),
        }

    def _search(self, wildcards: Any) -> dict[str, Any]:
        """What a search and its rule need, only where there are any: a key more would rerun every training."""
        recipe_id, _, selection = split_recipe(wildcards.recipe)
        recipe = self.recipes[recipe_id]
        rare: dict[str, Any] = {}
        if self.config.search.trials > 1 and recipe.search:
            rare["search"] = self.config.search.model_dump()
        if self.compares(wildcards):
            rare["stops_by"] = recipe.selection
        if self.pretrains_anew(wildcards):
            own = self.config.domains[wildcards.domain].recipe_settings.get(str(recipe.objective), {})
            rare["objective_settings"] = dict(own)
        return rare

    def compares(self, wildcards: Any) -> bool:
        """Whether the rule of a transfer does no more than compare trials."""
        selection = split_recipe(wildcards.recipe)[2]
        return selection is not None and self.rules[selection].compares

    def pretrains_anew(self, wildcards: Any) -> bool:
        """Whether a transfer pretrains on parts of the source, to hold out the others."""
        recipe_id, _, selection = split_recipe(wildcards.recipe)
        return selection == "leave_one_source_domain_out" and self.recipes[recipe_id].objective is not None

    def transferability(self, wildcards: Any) -> dict[str, Any]:
        """The task, the network and the level of intervals."""
        own = self._network(wildcards)
        beside: dict[str, Any] = {name: own[name] for name in ("support", "grouped", "network") if name in own}
        return {**self._task(wildcards), **beside, "level": self.config.bootstrap.level}

    def evaluate(self, wildcards: Any) -> dict[str, Any]:
        """The task, and what an example is chosen by."""
        recipe_id, variant, _ = split_recipe(wildcards.recipe)
        metrics = self.config.domains[wildcards.domain].metrics
        about = {*members(METRICS / "intervals.py", "METRICS"), *members(METRICS / "confusion.py", "SCALED")}
        # Only where a metric asks for it: a key more would score everything anew.
        rare = {"intervals": True} if about & set(metrics) else {}
        return {
            **rare,
            **{
                key: self._task(wildcards)[key] for key in ("scenario", "step", "task", "targets", "classes", "on_from")
            },
            "scales": [
                scale for scale in (*scales(), *scales("VOTES")) if any(name.endswith(f".{scale}") for name in metrics)
            ],
            "model": wildcards.model,
            "recipe": recipe_id,
            "variant": self._variant(recipe_id, variant),
            **({"transductive": True} if recipe_id in self.recipes and self.recipes[recipe_id].transductive else {}),
            "min_scored": self.scenario(wildcards).min_scored,
            "headline": self.scenario(wildcards).headline.model_dump(),
        }

    def _variant(self, recipe_id: str, variant: str) -> str:
        declared = self.recipes[recipe_id].variants if recipe_id in self.recipes else ()
        return variant or (declared[0] if declared else "")

    def runs(self, domain: str, scenario: str) -> tuple[list[tuple[str, str]], dict[str, str]]:
        """(model, recipe) of every run of a scenario, and the reasons why other recipes can't run there.

        Recipes that bring their own learner have model `none`.
        """
        description, chosen = self.config.domains[domain], self.scenarios[domain][scenario]
        models = description.models if chosen.models is None else chosen.models
        simulated = chosen.simulator is not None or chosen.split.simulated_at is not None
        found, unfit = [], {}
        for name in description.recipes if chosen.recipes is None else chosen.recipes:
            recipe = self.recipes[split_recipe(name)[0]]
            wanted = recipe.models
            fitting = [REFERENCE_MODEL] if wanted == "none" else [m for m in models if wanted == "any" or m in wanted]
            if recipe.simulation and not simulated:
                unfit[name] = "needs a source that is a simulation, by `simulator` or `split.simulated_at`"
            elif not fitting:
                unfit[name] = f"needs one of the models {', '.join(wanted)}, and the scenario has none of them"
            else:
                found += [(model, name) for model in fitting]
        return found, unfit

    def _unfit(self, wildcards: Any) -> list[dict[str, str]]:
        """Recipes that can't run in a scenario, each with the reason as a status."""
        found = []
        for name, reason in self.runs(wildcards.domain, wildcards.scenario)[1].items():
            recipe_id, variant, _ = split_recipe(name)
            own = {"recipe": recipe_id, "variant": self._variant(recipe_id, variant)}
            found.append({**own, "status": f"not_applicable: {reason}"})
        return found

    def compare(self, wildcards: Any) -> dict[str, Any]:
        """Metrics, statistics, headline and intervals."""
        domain = self.config.domains[wildcards.domain]
        scenario = self.scenario(wildcards)
        unfit = self._unfit(wildcards)
        return {
            **({"unfit": unfit} if unfit else {}),  # only where it is so: a key more would rerun every comparison
            "scenario": wildcards.scenario,
            "task": scenario.task,
            "classes": list(scenario.classes),
            "metrics": list(domain.metrics),
            "statistics": list(domain.statistics),
            "headline": scenario.headline.model_dump(),
            "worst_class_of": domain.worst_class_of,
            "unit_columns": dict(domain.unit_columns),
            "bootstrap": self.config.bootstrap.model_dump(),
            "budgets": list(scenario.budgets),
            "budget_axis": scenario.budget_axis,
            "pretraining_exposure": self._exposures(wildcards),
        }

    def _exposures(self, wildcards: Any) -> dict[str, str]:
        """Of models that begin at weights from elsewhere: whether these may have seen the target."""
        domain, scenario = self.config.domains[wildcards.domain], self.scenario(wildcards)
        names = domain.models if scenario.models is None else scenario.models
        own = {name: self.model(wildcards.domain, wildcards.scenario, name) for name in names}
        return {
            name: weights.exposure(settings.get("weights_exposure")) or "unknown"
            for name, settings in own.items()
            if settings.get("weights")
        }

    def draw(self, wildcards: Any) -> dict[str, Any]:
        """What `compare` knows, and the words for titles."""
        scenario = self.scenario(wildcards)
        known = self.compare(wildcards)
        known.pop("unfit", None)
        # Only where the figure says it: a key more would draw everything anew.
        rare = {"trials": self.config.search.trials} if self.draws_oracle(wildcards) else {}
        return {
            **known,
            **rare,
            "domain": wildcards.domain,
            "title": scenario.title,
            "figure": wildcards.figure,
            "targets": self._target_words(wildcards.domain, scenario),
            "product": dict(scenario.product),
        }

    def draws_oracle(self, wildcards: Any) -> bool:
        """Whether a figure has lines of what the test itself would have chosen."""
        runs = self.runs(wildcards.domain, wildcards.scenario)[0]
        return wildcards.figure == "learning_curve" and any(split_recipe(name)[2] == ORACLE for _, name in runs)

    def _target_words(self, domain: str, scenario: Scenario) -> dict[str, dict[str, str | None]]:
        """Units and long name of each target that a headline may name."""
        variables = self.config.domains[domain].variables
        targets = {
            name if scenario.task == "regression" else "label": variables[name].model_dump(
                include={"units", "long_name"}
            )
            for name in scenario.targets
            if name in variables
        }
        units = {words["units"] for words in targets.values()}
        targets["macro"] = {"long_name": "all targets (mean)", "units": units.pop() if len(units) == 1 else "1"}
        return targets

    def rank_transferability(self, wildcards: Any) -> dict[str, Any]:
        """The headline, intervals and the words for titles."""
        scenario, known = self.scenario(wildcards), self.compare(wildcards)
        names = ("scenario", "headline", "bootstrap", "budgets", "budget_axis")
        words = {"title": scenario.title, "targets": self._target_words(wildcards.domain, scenario)}
        return {**{name: known[name] for name in names}, **words}

    def maps(self, wildcards: Any) -> dict[str, Any]:
        """The scenario and its classes."""
        return {"scenario": wildcards.scenario, "classes": list(self.scenario(wildcards).classes)}

    def contrast(self, wildcards: Any) -> dict[str, Any]:
        """The two scenarios, and what `compare` knows of the honest one."""
        domain = self.config.domains[wildcards.domain]
        contrast = domain.contrasts[wildcards.contrast]
        scenario = self.scenarios[wildcards.domain][contrast.honest]
        headline = scenario.headline.model_dump()
        of_classes = scenario.task != "regression"
        macro = headline["target"] == "macro"
        variable = domain.variables.get(scenario.targets[0] if of_classes or macro else headline["target"])
        return {
            "contrast": contrast.model_dump(),
            "task": scenario.task,
            "classes": list(scenario.classes),
            "metrics": list(domain.metrics),
            "statistics": [name for name in domain.statistics if name != "worst_class"],
            "headline": headline,
            "bootstrap": self.config.bootstrap.model_dump(),
            "target_words": {
                "units": (variable.units if variable else None) or "1",
                "long_name": variable.long_name if of_classes and variable else "each target",
            },
        }

    def recompute(self, wildcards: Any) -> dict[str, Any]:
        """Statistics and intervals."""
        statistics = list(self.config.domains[wildcards.domain].statistics)
        return {"statistics": statistics, "bootstrap": self.config.bootstrap.model_dump()}

    def summarise(self, wildcards: Any) -> dict[str, Any]:
        """The scenarios of the run: their headlines, populations, and words for sentences."""
        return {
            "tier": self.config.tier,
            "bootstrap": self.config.bootstrap.model_dump(),
            "scenarios": [
                {
                    "domain": name,
                    "domain_title": domain.title,
                    "scenario": scenario_name,
                    "title": scenario.title,
                    "task": scenario.task,
                    "classes": list(scenario.classes),
                    "headline": scenario.headline.model_dump(),
                    "target_words": self._target_words(name, scenario).get(scenario.headline.target, {}),
                    # Two readings of the same files are one population, and so are two selections of it.
                    "target_population": f"{name}/{self.files_of(name, scenario.target.dataset)}",
                    "budget_axis": scenario.budget_axis,
                    "budget_words": (
                        "days" if scenario.budget_axis == "time" else scenario.budget_words or scenario.budget_axis
                    ),
                }
                for name, domain in self.config.domains.items()
                for scenario_name, scenario in self.scenarios[name].items()
            ],
        }

    def summarise_transferability(self, wildcards: Any) -> dict[str, Any]:
        """The scenarios of the run, whose targets are not independent where they share a dataset, and intervals."""
        return {
            "tier": self.config.tier,
            "scenarios": [
                {"domain": domain, "scenario": name, "target": scenario.target.dataset}
                for domain in self.config.domains
                for name, scenario in self.scenarios[domain].items()
            ],
            "bootstrap": self.config.bootstrap.model_dump(),
        }
