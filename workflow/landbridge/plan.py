"""What the rules need from the package: which jobs there are, and the slice of the configuration that each depends on.

Rules hold no logic. A param that is a function of the wildcards comes from here, and holds plain values only, since
Snakemake compares it with that of the last run: a job reruns when, and only when, its own slice changes.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Collection
from functools import cached_property
from pathlib import Path
from typing import Any

from landbridge import captions, device, registry
from landbridge.config import Config, ConfigError, Domain, Scenario
from landbridge.estimate import estimate, fits_of
from landbridge.fingerprint import PACKAGE, ROOT, fingerprint
from landbridge.io import sources
from landbridge.offered import read_config
from landbridge.registry import STAGES, Recipe
from landbridge.selections import check_not_by_the_test, check_selections
from landbridge.slices import ORACLE, REFERENCE_MODEL, Slices, split_recipe
from landbridge.stage import StageError

DRY_RUN = {"-n", "--dry-run", "--dryrun"}
TRUTH = "truth"
MEASURED = "erm"  # objective whose networks are measured before they are adapted
FIGURES_OF_COST = ("cost", "pareto")
DAY = 1440  # minutes
TABLES = ("leaderboard", "leaderboard_large", "effects", "labels", "units", "cost")  # of each comparison


def plan_of(workflow: Any, config: dict[str, Any]) -> Plan:
    """The plan of a Snakemake run; a broken configuration ends it with one readable text and no traceback."""
    files = [Path(path) for path in workflow.configfiles]
    try:
        plan = Plan(read_config(config, files))
    except (ConfigError, StageError) as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    plan.grouped = lambda: workflow.group_settings.group_components  # which is there only once all is parsed
    plan.group_of = workflow.parent_groupids
    gpus = len(device.visible_gpus())
    if gpus and workflow.is_main_process and workflow.global_resources.get("_nodes").value is None:
        # Without a limit a local run starts as many trainings as there are cores, and most would wait for a GPU.
        workflow.global_resources.setdefault("gpu", gpus * plan.config.gpu_share)
    if DRY_RUN & set(sys.argv):
        print(estimate(plan), file=sys.stderr)
    return plan


class Plan:
    """Every job of a run, from a validated configuration.

    Attributes:
        grouped: gives the groups of which a profile says how many jobs they hold; no others are made.
        group_of: by the name of a group in one domain, the name by which a profile knows it; Snakemake reads it.
    """

    def __init__(self, config: Config) -> None:
        self.grouped: Callable[[], Collection[str]] = tuple
        self.group_of: dict[str, str] = {}
        self.config = config
        self.tier = config.tier
        self.recipes = registry.recipes()
        self.scenarios: dict[str, dict[str, Scenario]] = {}
        self.slices = Slices(config, self.scenarios)
        self.left_out: list[str] = [
            f"mirror: {mirror} is not a folder here, and is passed over"
            for mirror in config.mirror
            if "://" not in mirror and not Path(mirror).is_dir()
        ]
        for name, domain in config.domains.items():
            self.scenarios[name] = self._scenarios(name, domain)
            check_selections(f"{name}.recipes", domain.recipes, config.search.trials)
            check_not_by_the_test(f"{name}.maps", domain.maps)
            contrasts = [contrast.recipe for contrast in domain.contrasts.values()]
            check_not_by_the_test(f"{name}.contrasts", contrasts)
            for scenario_name, scenario in self.scenarios[name].items():
                where = f"{name}.{self.tier}.{scenario_name}.recipes"
                check_selections(where, scenario.recipes or (), config.search.trials)
                for model in dict.fromkeys(model for model, _ in self.runs(name, scenario_name)):
                    self.slices.weights(name, scenario_name, model)  # a file that is not here is told before any job
        self.domains = list(config.domains)
        for line in self.left_out:
            print(line, file=sys.stderr)

    # -- which runs ---------------------------------------------------------------------------------------------

    def _scenarios(self, name: str, domain: Domain) -> dict[str, Scenario]:
        """Scenarios of the tier that are wanted and, in the real tier, whose files are at hand or named."""
        offered = domain.twin if self.tier == "twin" else domain.real
        chosen: dict[str, Scenario] = {}
        for scenario_name, scenario in offered.items():
            named = self.config.scenarios is not None and scenario_name in self.config.scenarios
            if not named and (self.config.scenarios is not None or not scenario.default):
                continue
            missing = [] if self.tier == "twin" else self._missing(name, scenario)
            if missing and not named:
                self.left_out.append(
                    f"{name}: scenario {scenario_name} is left out, since {', '.join(missing)} is not at hand; give "
                    f"--config mirror=FOLDER, put the files under {self.config.raw}/{name}/, or name it in `datasets:`"
                )
                continue
            chosen[scenario_name] = scenario
        return chosen

    def _missing(self, domain: str, scenario: Scenario) -> list[str]:
        """Datasets of a scenario that are neither at hand nor named."""
        both = sorted({scenario.source.dataset, scenario.target.dataset})
        return [dataset for dataset in both if not self._at_hand(domain, dataset)]

    def _at_hand(self, domain: str, dataset: str) -> bool:
        """Whether a published dataset was named, or its files lie in the raw folder or a mirror."""
        owner = self.slices.files_of(domain, dataset)
        rows = sources.sources_of(registry.domains()[domain], owner)
        raw = Path(self.config.raw) / domain / owner
        mirrors = [Path(mirror) / domain / owner for mirror in self.config.mirror]
        return bool({dataset, owner} & set(self.config.datasets)) or sources.at_hand(rows, raw, mirrors)

    def runs(self, domain: str, scenario: str) -> list[tuple[str, str]]:
        """(model, recipe) of every run of a scenario; recipes that bring their own learner have model `none`."""
        return self.slices.runs(domain, scenario)[0]

    def folds(self, domain: str, scenario: str) -> list[int]:
        """Numbers of the folds of a scenario."""
        count = self.scenarios[domain][scenario].split.folds
        return list(range(count if self.config.folds is None else min(count, self.config.folds)))

    def has_truth(self, domain: str, scenario: str) -> bool:
        """Whether the noise-free truth is known, which only a twin's is."""
        return (
            self.tier == "twin"
            and self.slices.raw_files(domain, self.scenarios[domain][scenario].target.dataset).twin is not None
        )

    def figures(self, domain: str) -> list[str]:
        """Figures of each comparison."""
        return list(self.config.domains[domain].figures)

    def targets(self, domain: str | None = None) -> list[str]:
        """Files that `all`, or the target of one domain, asks for."""
        found = []
        for name in self.domains if domain is None else [domain]:
            for scenario in self.scenarios[name]:
                folder = f"results/{name}/compare/{scenario}"
                found += [f"{folder}/{table}.csv" for table in TABLES]
                found += [f"{folder}/{figure}.svg" for figure in self.figures(name)]
                found += self.maps(name, scenario)
                if self.measured(name, scenario):
                    place = f"results/{name}/transferability/{scenario}"
                    found += [f"{place}{ending}" for ending in (".csv", ".ranks.csv", ".svg")]
            for contrast in self.contrasts(name):
                found += [f"results/{name}/contrast/{contrast}.{ending}" for ending in ("csv", "svg")]
            published = self.config.domains[name].published_scores
            if published is not None and self.tier == "real" and self._at_hand(name, published):
                found.append(f"results/{name}/recompute/{published}.csv")
        return found

    def summaries(self) -> list[str]:
        """Tables over all scenarios."""
        measured = any(self.measured(domain, name) for domain in self.domains for name in self.scenarios[domain])
        return [f"results/{table}-{self.tier}.csv" for table in ("summary", *(["transferability"] if measured else []))]

    def measured(self, domain: str, scenario: str) -> list[str]:
        """Models whose fit for the target is measured: those of which a network of the source is trained anyway."""
        found = [
            model
            for model, recipe in self.runs(domain, scenario)
            if model != REFERENCE_MODEL and self.recipes[split_recipe(recipe)[0]].objective == MEASURED
        ]
        return list(dict.fromkeys(found)) if self.config.transferability else []

    def maps(self, domain: str, scenario: str) -> list[str]:
        """Folders of predictions on the map: of the recipes that the domain names, by their first seed."""
        if self.scenarios[domain][scenario].task != "segmentation":
            return []
        wanted = self.config.domains[domain].maps
        return [
            f"results/{domain}/maps/{scenario}/{model}-{recipe}/seed0"
            for model, recipe in self.runs(domain, scenario)
            if recipe in wanted
        ]

    def _recipe(self, wildcards: Any) -> Recipe:
        return self.recipes[split_recipe(wildcards.recipe)[0]]

    # -- inputs of rules ----------------------------------------------------------------------------------------

    def manifest(self, wildcards: Any) -> str:
        """Manifest of the raw files that a dataset is read from."""
        return f"results/{wildcards.domain}/download/{self.slices.files_of(wildcards.domain, wildcards.dataset)}.json"

    def harmonised(self, side: str) -> Callable[[Any], str]:
        """Harmonised file of the source or target population."""

        def file(wildcards: Any) -> str:
            population = getattr(self.scenarios[wildcards.domain][wildcards.scenario], side)
            return f"results/{wildcards.domain}/harmonise/{population.dataset}.nc"

        return file

    def population(self, side: str) -> Callable[[Any], str]:
        """File that one population is parted from: harmonised, or what the domain's process model made of that."""
        harmonised = self.harmonised(side)

        def file(wildcards: Any) -> str:
            if self.scenarios[wildcards.domain][wildcards.scenario].simulator is None:
                return harmonised(wildcards)
            return f"results/{wildcards.domain}/simulate/{wildcards.scenario}/{side}.nc"

        return file

    def needs(self, right: str) -> Callable[[Any], bool]:
        """Whether the recipe of a job, or the rule by which it selects, may read what `right` names."""

        def needed(wildcards: Any) -> bool:
            recipe_id, variant, selection = split_recipe(wildcards.recipe)
            of_rule = self.slices.rules[selection].rights if selection is not None else ()
            return right in (*self.recipes[recipe_id].rights_of(variant), *of_rule)

        return needed

    def checkpoint(self, wildcards: Any) -> str:
        """The pretrained weights that a recipe starts from."""
        place = f"results/{wildcards.domain}/pretrain/{wildcards.scenario}"
        objective = self._recipe(wildcards).objective
        return f"{place}/{wildcards.model}-{objective}/fold{wildcards.fold}-seed{wildcards.seed}.safetensors"

    def weights(self, wildcards: Any) -> str:
        """The file of weights that the network of a job begins at."""
        return str(self.slices.weights(wildcards.domain, wildcards.scenario, wildcards.model))

    def begins_at_weights(self, wildcards: Any) -> bool:
        """Whether a job trains a network from its start, and that is a file of weights."""
        adapts = hasattr(wildcards, "recipe") and self._recipe(wildcards).objective is not None
        if adapts and self.slices.pretrains_anew(wildcards):
            adapts = False
        own = self.slices.model(wildcards.domain, wildcards.scenario, wildcards.model)
        return not adapts and bool(own.get("weights"))

    def of_folds(self, pattern: str) -> Callable[[Any], list[str]]:
        """`pattern`, with the wildcards of the job filled in, for every fold of the scenario."""

        def files(wildcards: Any) -> list[str]:
            own = dict(wildcards.items())
            return [pattern.format(**own, fold=fold) for fold in self.folds(wildcards.domain, wildcards.scenario)]

        return files

    def predictions(self, wildcards: Any) -> list[str]:
        """Predictions of one recipe for all folds and seeds; none for the truth, which is scored as it is."""
        if wildcards.recipe == TRUTH:
            return []
        place = f"results/{wildcards.domain}/transfer/{wildcards.scenario}/{wildcards.model}-{wildcards.recipe}"
        return [
            f"{place}/fold{fold}-seed{seed}.nc"
            for fold in self.folds(wildcards.domain, wildcards.scenario)
            for seed in range(self.config.seeds)
        ]

    def cost_table(self, wildcards: Any) -> list[str]:
        """Table of costs for the figures that show them: any other would be drawn anew with every new time."""
        shown = wildcards.figure in FIGURES_OF_COST
        return [f"results/{wildcards.domain}/compare/{wildcards.scenario}/cost.csv"] if shown else []

    def table_apart(self, wildcards: Any) -> list[str]:
        """Table of the runs that stand apart, for the one figure that draws lines of the rule `oracle`."""
        shown = self.slices.draws_oracle(wildcards)
        return [f"results/{wildcards.domain}/compare/{wildcards.scenario}/leaderboard_large.csv"] if shown else []

    def apart(self, recipe: str) -> bool:
        """Whether the rows of a run stand in a table of their own, for what its rule chooses by."""
        selection = split_recipe(recipe)[2]
        return selection is not None and self.slices.rules[selection].apart

    def compared(self, domain: str, scenario: str) -> list[tuple[str, str]]:
        """The runs of a scenario that stand in its main tables and figures."""
        return [(model, recipe) for model, recipe in self.runs(domain, scenario) if not self.apart(recipe)]

    def scores_apart(self, wildcards: Any) -> list[str]:
        """Scores of the runs of a scenario that stand in a table of their own."""
        place = f"results/{wildcards.domain}/evaluate/{wildcards.scenario}"
        runs = self.runs(wildcards.domain, wildcards.scenario)
        return [f"{place}/{model}-{recipe}.parquet" for model, recipe in runs if self.apart(recipe)]

    def scores(self, wildcards: Any) -> list[str]:
        """Scores of every recipe of a scenario, and of the truth where it is known."""
        runs = self.compared(wildcards.domain, wildcards.scenario)
        if self.has_truth(wildcards.domain, wildcards.scenario):
            runs = [*runs, (REFERENCE_MODEL, TRUTH)]
        place = f"results/{wildcards.domain}/evaluate/{wildcards.scenario}"
        return [f"{place}/{model}-{recipe}.parquet" for model, recipe in runs]

    def examples(self, wildcards: Any) -> list[str]:
        """Examples of every recipe of a scenario, the only labels that figures see."""
        place = f"results/{wildcards.domain}/evaluate/{wildcards.scenario}"
        runs = self.compared(wildcards.domain, wildcards.scenario)
        return [f"{place}/{model}-{recipe}.examples.nc" for model, recipe in runs]

    def costs(self, wildcards: Any) -> list[str]:
        """Cost files of every job that trains in a scenario."""
        place = f"results/{wildcards.domain}"
        found: dict[str, None] = {}
        for model, recipe in self.runs(wildcards.domain, wildcards.scenario):
            objective = self.recipes[split_recipe(recipe)[0]].objective
            for fold in self.folds(wildcards.domain, wildcards.scenario):
                for seed in range(self.config.seeds):
                    run = f"fold{fold}-seed{seed}.cost.json"
                    if objective:
                        found[f"{place}/pretrain/{wildcards.scenario}/{model}-{objective}/{run}"] = None
                    found[f"{place}/transfer/{wildcards.scenario}/{model}-{recipe}/{run}"] = None
        return list(found)

    def arm(self, side: str, stage: str) -> Callable[[Any], list[str]]:
        """Files of one scenario of a contrast: the scores of its recipe, or its splits."""

        def files(wildcards: Any) -> list[str]:
            contrast = self.config.domains[wildcards.domain].contrasts[wildcards.contrast]
            scenario = getattr(contrast, side)
            place = f"results/{wildcards.domain}/{stage}/{scenario}"
            if stage == "evaluate":
                return [f"{place}/{contrast.model}-{contrast.recipe}.parquet"]
            return [f"{place}/fold{fold}/split.csv" for fold in self.folds(wildcards.domain, scenario)]

        return files

    def contrasts(self, domain: str) -> list[str]:
        """Names of the contrasts both of whose scenarios run."""
        run = self.scenarios[domain]
        offered = self.config.domains[domain].contrasts.items()
        return [name for name, contrast in offered if contrast.flattering in run and contrast.honest in run]

    def all_comparisons(self, table: str) -> Callable[[Any], list[str]]:
        """One table of every scenario of the run."""

        def files(wildcards: Any) -> list[str]:
            return [
                f"results/{domain}/compare/{scenario}/{table}"
                for domain in self.domains
                for scenario in self.scenarios[domain]
            ]

        return files

    def measures(self, wildcards: Any) -> list[str]:
        """Measures of each network of a scenario, of every fold and its first seed."""
        place = f"results/{wildcards.domain}/transferability/{wildcards.scenario}"
        return [
            f"{place}/{model}/fold{fold}-seed0.csv"
            for model in self.measured(wildcards.domain, wildcards.scenario)
            for fold in self.folds(wildcards.domain, wildcards.scenario)
        ]

    def all_measures(self, wildcards: Any) -> list[str]:
        """Their means of every scenario of the run."""
        return [
            f"results/{domain}/transferability/{scenario}.csv"
            for domain in self.domains
            for scenario in self.scenarios[domain]
            if self.measured(domain, scenario)
        ]

    # -- params -------------------------------------------------------------------------------------------------

    def settings(self, stage: str) -> Callable[[Any], dict[str, Any]]:
        """The slice of the configuration that a job of `stage` depends on, as plain values."""
        of_stage = getattr(self.slices, stage)

        def values(wildcards: Any) -> dict[str, Any]:
            found: dict[str, Any] = of_stage(wildcards)
            return {**found, "code": self.code(stage)(wildcards)} if stage in ("harmonise", "maps") else found

        return values

    def modules(self, stage: str) -> Callable[[Any], dict[str, str]]:
        """Full names of the modules that a job of `stage` loads late."""

        def names(wildcards: Any) -> dict[str, str]:
            found: dict[str, str] = {}
            base = f"{PACKAGE}.domains.{getattr(wildcards, 'domain', '')}"
            if stage == "download" and self.slices.dataset(wildcards.domain, wildcards.dataset).twin is not None:
                found["twin"] = f"{base}.twin"
            if stage == "harmonise":
                found["readers"] = f"{base}.readers"
            if stage == "simulate":
                found["simulate"] = f"{base}.simulate"
            if stage in ("pretrain", "transfer", "transferability") and wildcards.model != REFERENCE_MODEL:
                found["model"] = f"{PACKAGE}.models.{wildcards.model}"
            if stage == "pretrain":
                found["objective"] = f"{PACKAGE}.methods.{wildcards.objective}"
            if stage == "transfer":
                recipe_id, _, selection = split_recipe(wildcards.recipe)
                found["recipe"] = f"{PACKAGE}.methods.{recipe_id}"
                if selection is not None and self.slices.compares(wildcards):
                    found["selection"] = f"{PACKAGE}.train.selection.{self.slices.rules[selection].module}"
                if self.slices.pretrains_anew(wildcards):
                    found["objective"] = f"{PACKAGE}.methods.{self.recipes[recipe_id].objective}"
                for use in self._recipe(wildcards).uses:
                    if (ROOT / "domains" / wildcards.domain / f"{use}.py").is_file():
                        found[use] = f"{base}.{use}"
            if stage == "evaluate" and split_recipe(wildcards.recipe)[2] == ORACLE:
                found["oracle"] = f"{PACKAGE}.judge.oracle"
            if stage == "transferability" and (ROOT / "domains" / wildcards.domain / "features.py").is_file():
                found["features"] = f"{base}.features"
            if stage == "recompute":
                found["published"] = f"{base}.published"
            if stage == "draw" and (ROOT / "domains" / wildcards.domain / "figures.py").is_file():
                found["figures"] = f"{base}.figures"
            return found

        return names

    def code(self, stage: str) -> Callable[[Any], str]:
        """Fingerprint of the code that a job of `stage` runs.

        A download of published data carries none: gigabytes are not fetched again for an edited line.
        """
        modules = self.modules(stage)

        def value(wildcards: Any) -> str:
            late = modules(wildcards)
            if stage == "download" and "twin" not in late:
                return "published"
            return fingerprint(STAGES[stage], *late.values())

        return value

    def places(self, wildcards: Any, resources: Any) -> dict[str, Any]:
        """Where raw files lie and are looked for. Naming `resources` tells Snakemake that a change reruns nothing."""
        inside = f"{wildcards.domain}/{self.slices.files_of(wildcards.domain, wildcards.dataset)}"
        return {
            "raw": f"{self.config.raw}/{inside}",
            "mirrors": [f"{mirror}/{inside}" for mirror in self.config.mirror],
        }

    def machine(self, wildcards: Any, resources: Any) -> dict[str, Any]:
        """What a training may take of its machine. It does not change what is computed: it reruns nothing."""
        given = self.config.data_memory_mb
        memory = {} if given is None else {"data_memory_mb": given}
        return {**memory, "gpu_share": self.config.gpu_share}

    def caption(self, wildcards: Any, resources: Any) -> str:
        """Caption of a figure, from the file that draws it; a changed word reruns nothing."""
        bootstrap, scenario = self.config.bootstrap, self.slices.scenario(wildcards)
        return captions.caption(
            wildcards.domain,
            wildcards.figure,
            scenario=wildcards.scenario,
            level=f"{100 * bootstrap.level:g}",
            replicates=bootstrap.replicates,
            budget_unit="days" if scenario.budget_axis == "time" else scenario.budget_axis,
            maps=captions.links_to_maps(self.maps(wildcards.domain, wildcards.scenario)),
        )

    # -- resources ----------------------------------------------------------------------------------------------

    @staticmethod
    def memory(megabytes: int) -> Callable[..., int]:
        """Memory that doubles with each attempt; rules begin at twice what twins took at most (docs/scale.md)."""

        def needed(wildcards: Any, attempt: int) -> int:
            return megabytes * 2 ** (attempt - 1)

        return needed

    disk = memory  # room under TMPDIR and for outputs, which grows in the same way

    @staticmethod
    def runtime(minutes: int) -> Callable[..., int]:
        """Minutes that double with each attempt, up to a day: few partitions give more, and such a job never starts."""

        def needed(wildcards: Any, attempt: int) -> int:
            return min(minutes * 2 ** (attempt - 1), DAY)

        return needed

    def transfer_runtime(self, wildcards: Any, attempt: int) -> int:
        """Minutes of an adaptation: few where nothing is trained, since such jobs travel together and add up."""
        return self.runtime(240 if self._trains(wildcards) else 20)(wildcards, attempt)

    def _trains(self, wildcards: Any) -> bool:
        """Whether a job of `transfer` trains a network."""
        recipe_id, variant, _ = split_recipe(wildcards.recipe)
        return bool(self.wants_gpu(wildcards) and fits_of(self.recipes[recipe_id].rights_of(variant), 1))

    def wants_gpu(self, wildcards: Any) -> int:
        """One GPU for a job with a network, none for the others."""
        return int(wildcards.model != REFERENCE_MODEL)

    def untrained(self, wildcards: Any) -> str | None:
        """Group of a job that trains no network, where a profile sends several as one job: each is seconds of work."""
        group = "untrained_gpu" if self.wants_gpu(wildcards) else "untrained_cpu"
        if group not in self.grouped() or self._trains(wildcards):
            return None
        own = f"{group}_{wildcards.domain}"
        self.group_of[own] = group
        return own

    @cached_property
    def arguments(self) -> str:
        """The configuration arguments of this very command, so that a report is made of the same run."""
        kept, keep = [], False
        for argument in sys.argv[1:]:
            if argument.startswith("-"):
                keep = argument in ("--config", "-C", "--configfile", "--configfiles")
            elif not keep:
                continue
            if keep or argument.startswith(("--config=", "--configfile=")):
                kept.append(argument)
        return " ".join(shlex.quote(argument) for argument in kept)

    def this_command(self, wildcards: Any, resources: Any) -> str:
        """The command that runs Snakemake as it runs now; as a param, it reruns nothing."""
        return f"{shlex.quote(sys.executable)} -m snakemake"

    def same_configuration(self, wildcards: Any, resources: Any) -> str:
        """`arguments`, as a param that reruns nothing. They go last: `--config` takes all words that follow it."""
        return self.arguments
