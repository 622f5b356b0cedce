"""What a configuration may hold, what is filled in, and the very words that a broken one is answered with."""

import subprocess
import sys
from pathlib import Path

import landbridge
import pytest
import yaml
from landbridge.config import ConfigError, Offered, load, merge, read_yaml
from landbridge.offered import read_config

PACKAGE = Path(landbridge.__file__).parent
DOMAIN = """\
title: Ponds
summary: Temperature of ponds.
variables:
  warmth: {role: target, dimension: obs, units: degC, long_name: water temperature}
  doubt: {role: quality, dimension: obs, units: "1", long_name: share of good readings}
  air: {role: input, dimension: obs, units: degC, long_name: air temperature}
  rain: {role: input, dimension: obs, units: mm, long_name: rain}
  basin: {role: group, dimension: unit, long_name: basin}
  country: {role: static, dimension: unit, long_name: country}
datasets:
  twin_ponds: {title: Made-up ponds, step: day, reader: ponds, twin: {seed: 1, ponds: 20}}
  lakes: {title: Lakes, step: day, reader: ponds}
twin:
  north_south:
    title: From northern ponds to southern ones
    task: regression
    source: {dataset: twin_ponds, where: {country: ["NO", SE]}}
    target: {dataset: twin_ponds, where: {country: [IT]}}
    split: {rule: grouped, group: basin, stratify: country}
    targets: [warmth]
    inputs: [air, rain]
    one_hot: {country: ["NO", SE, IT]}
    window: {length: 30, stride: 15, scored: 15}
    quality: {variable: doubt, score_from: 0.5}
    budgets: [0, 1, 4, all]
    headline: {target: warmth, metric: rmse, statistic: mean}
  first_days:
    title: The first days of a pond
    default: false
    extends: north_south
    budget_axis: time
    budgets: [0, 30]
    split: {gap: 30}
models:
  lstm: {hidden: 8}
recipes: [naive, full_finetune]
metrics: [rmse, bias]
statistics: [mean, median]
worst_class_of: country
"""


class Bench:
    """A folder with one domain and one configuration file, as a newcomer has it."""

    def __init__(self, folder):
        self.file = folder / "config.yaml"
        self.domains = {"ponds": folder / "ponds", "rivers": folder / "rivers"}
        for name, path in self.domains.items():
            path.mkdir()
            (path / "domain.yaml").write_text(DOMAIN.replace("Ponds", name))

    def load(self, text="", **command_line):
        """Load a configuration file with this text, and the values of --config on top."""
        self.file.write_text(text)
        try:
            values = yaml.safe_load(text) or {}
        except yaml.YAMLError:
            values = {}  # Snakemake has stopped by then
        offered = Offered(
            domains=self.domains,
            recipes={"naive": ("climatology", "mean"), "full_finetune": (), "lp_ft": ()},
            recipe_settings={"naive": (), "full_finetune": ("rate",), "lp_ft": ()},
            selections=("source_val", "fixed"),
            model_settings={"lstm": ("hidden", "layers"), "linear": (), "switch": ()},
            on_off=("switch",),
            of_states=("f1",),
            metrics={"regression": ("rmse", "bias", "f1"), "classification": ("rmse", "bias", "accuracy")},
            statistics=("mean", "median"),
            split_rules=("grouped",),
            readers={"ponds": ("ponds",)},
            figures={"ponds": ("map", "effects")},
        )
        return load(merge(values, command_line), [self.file], offered)

    def faults(self, text="", **command_line):
        """The texts that a broken configuration is answered with."""
        with pytest.raises(ConfigError) as caught:
            self.load(text, **command_line)
        return caught.value.texts


@pytest.fixture
def bench(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Bench(tmp_path)


BROKEN = {
    "a misspelt key": (
        "tier: twin\nsedes: 3\n",
        "config.yaml, line 2: sedes: unknown key 'sedes'; did you mean 'seeds'?",
    ),
    "a key that nothing resembles": (
        "colour: red\n",
        "config.yaml, line 1: colour: unknown key 'colour'; write one of: tier, scenarios, datasets, mirror, raw, "
        "seeds, folds, bootstrap, search, transferability, data_memory_mb, gpu_share, domains, ponds, rivers",
    ),
    "an unknown domain": (
        "domains: [pond]\n",
        "config.yaml, line 1: domains: there is no domain 'pond'; did you mean 'ponds'?",
    ),
    "a wrong tier": (
        "\ntier: reel\n",
        "config.yaml, line 2: tier: 'reel' is not allowed; did you mean 'real'?",
    ),
    "a negative budget": (
        "ponds:\n  twin:\n    north_south:\n      budgets: [0, -1]\n",
        "config.yaml, line 4: ponds.twin.north_south.budgets: '-1' is no budget; write whole numbers from 0 on, and "
        "'all' for the whole pool",
    ),
    "budgets out of order": (
        "ponds:\n  twin:\n    north_south:\n      budgets: [all, 4, 0]\n",
        "config.yaml, line 4: ponds.twin.north_south.budgets: [all, 4, 0] does not grow, and each budget holds the "
        "last; write [0, 4, all]",
    ),
    "an unknown recipe": (
        "ponds:\n  recipes:\n    - naive\n    - full_fintune\n",
        "config.yaml, line 4: ponds.recipes: there is no recipe 'full_fintune'; did you mean 'full_finetune'?",
    ),
    "an unknown variant": (
        "ponds: {recipes: [naive.meen]}\n",
        "config.yaml, line 1: ponds.recipes: recipe naive has no variant or selection rule 'meen'; did you mean "
        "'mean'?",
    ),
    "a recipe twice": (
        "ponds: {recipes: [naive, lp_ft, naive]}\n",
        "config.yaml, line 1: ponds.recipes: 'naive' stands 2 times; keep one",
    ),
    "an unknown model": (
        "ponds:\n  models:\n    ltsm: {hidden: 4}\n",
        "config.yaml, line 3: ponds.models.ltsm: there is no model 'ltsm'; did you mean 'lstm'?",
    ),
    "an unknown setting of a model": (
        "ponds:\n  models:\n    lstm:\n      hiden: 4\n",
        "config.yaml, line 4: ponds.models.lstm.hiden: lstm has no setting 'hiden'; did you mean 'hidden'?",
    ),
    "an unknown setting of a recipe": (
        "ponds:\n  recipe_settings:\n    full_finetune: {ratio: 4}\n",
        "config.yaml, line 3: ponds.recipe_settings.full_finetune.ratio: full_finetune has no setting 'ratio'; did "
        "you mean 'rate'?",
    ),
    "an unknown key of a scenario": (
        "ponds:\n  twin:\n    north_south:\n      min_score: 3\n",
        "config.yaml, line 4: ponds.twin.north_south.min_score: unknown key 'min_score'; did you mean 'min_scored'?",
    ),
    "a word for a number": (
        "seeds: three\n",
        "config.yaml, line 1: seeds: 'three' is not a whole number; write a whole number",
    ),
    "a truth value for a number": (
        "seeds: yes\n",
        "config.yaml, line 1: seeds: true is not a number; write a number",
    ),
    "a number that is too small": (
        "bootstrap:\n  replicates: 3\n",
        "config.yaml, line 2: bootstrap.replicates: 3 is out of range; write a number from 20 on",
    ),
    "a headline that is no metric": (
        "ponds:\n  twin:\n    north_south:\n      headline: {metric: rmsd}\n",
        "config.yaml, line 4: ponds.twin.north_south.headline.metric: 'rmsd' is not among this domain's metrics; did "
        "you mean 'rmse'?",
    ),
    "an unknown metric": (
        "ponds:\n  metrics:\n  - rmse\n  - byas\n",
        "config.yaml, line 4: ponds.metrics: there is no metric of regression 'byas'; did you mean 'bias'?",
    ),
    "an unknown statistic": (
        "ponds: {statistics: [mean, mode]}\n",
        "config.yaml, line 1: ponds.statistics: there is no statistic 'mode'; write one of: mean, median",
    ),
    "an unknown figure": (
        "ponds: {figures: maps}\n",
        "config.yaml, line 1: ponds.figures: there is no figure 'maps'; did you mean 'map'?",
    ),
    "an unknown reader": (
        "ponds: {datasets: {lakes: {reader: lakes}}}\n",
        "config.yaml, line 1: ponds.datasets.lakes.reader: there is no reader 'lakes'; write one of: ponds",
    ),
    "an unknown split rule": (
        "ponds: {twin: {north_south: {split: {rule: group}}}}\n",
        "config.yaml, line 1: ponds.twin.north_south.split.rule: there is no split rule 'group'; did you mean "
        "'grouped'?",
    ),
    "a target among the inputs": (
        "ponds:\n  twin:\n    north_south:\n      inputs: [air, warmth]\n",
        "config.yaml, line 4: ponds.twin.north_south.inputs: 'warmth' has the role target, not input; write one of: "
        "air, rain",
    ),
    "a column that units do not have": (
        "ponds:\n  twin:\n    north_south:\n      split: {group: basins}\n",
        "config.yaml, line 4: ponds.twin.north_south.split.group: units have no column 'basins'; did you mean 'basin'?",
    ),
    "a window that is shorter than what it scores": (
        "ponds:\n  twin:\n    north_south:\n      window: {length: 10}\n",
        "config.yaml, line 4: ponds.twin.north_south.window: scored is 15; write at most the window's length, 10",
    ),
    "a window with more after the scored steps than it holds": (
        "ponds:\n  twin:\n    north_south:\n      window: {lookahead: 16}\n",
        "config.yaml, line 4: ponds.twin.north_south.window: scored and lookahead are 31 steps together; write at most "
        "the window's length, 30",
    ),
    "a step that would be predicted twice": (
        "ponds:\n  twin:\n    north_south:\n      window: {predicted: 2}\n",
        "config.yaml, line 4: ponds.twin.north_south.window: predicted is 2; write at most scored (15) and "
        "predict_stride (1), or a step would be predicted twice",
    ),
    "a network of states for a target without": (
        "ponds: {models: {switch: {}}}\n",
        "ponds/domain.yaml, line 14: ponds.twin.north_south.models: 'switch' is for targets that are on or off; "
        "write on_from for each of them",
    ),
    "a metric of states for a target without": (
        "ponds:\n  metrics: [rmse, f1]\n",
        "ponds/domain.yaml, line 20: ponds.twin.north_south.targets: f1 asks what is on; write on_from for each of "
        "these variables",
    ),
    "a state of nothing": (
        "ponds: {variables: {warmth: {on_from: 0}}}\n",
        "config.yaml, line 1: ponds.variables.warmth.on_from: 0 is out of range; write a number above 0.0",
    ),
    "shares of more than everything": (
        "ponds: {twin: {north_south: {split: {shares: {target_pool: 0.8, target_test: 0.7}}}}}\n",
        "config.yaml, line 1: ponds.twin.north_south.split: shares add up to 1.5; write shares that add up to 1",
    ),
    "a mirror that is neither text nor a list": (
        "mirror: {folder: data}\n",
        "config.yaml, line 1: mirror: {'folder': 'data'} is neither text nor a list; write one text, or a list such "
        "as [one, two]",
    ),
    "Norway": (
        "ponds:\n  twin:\n    north_south:\n      source:\n        where: {country: [NO]}\n",
        "config.yaml, line 5: ponds.twin.north_south.source.where.country: false is not text; put the word in quotes: "
        "YAML reads a bare yes, no, on or off as true or false",
    ),
    "a list where keys belong": (
        "ponds: [naive]\n",
        "config.yaml, line 1: ponds: ['naive'] is not keys and values; write keys of its domain.yaml under it",
    ),
    "a new scenario without what it needs": (
        "ponds:\n  twin:\n    mine: {extends: north_south, title: 3, targets: []}\n",
        "config.yaml, line 3: ponds.twin.mine.targets: is empty; write one or more",
    ),
    "a scenario that extends none": (
        "ponds:\n  twin:\n    first_days: {extends: north_suth}\n",
        "config.yaml, line 3: ponds.twin.first_days.extends: there is no scenario 'north_suth'; did you mean "
        "'north_south'?",
    ),
    "a scenario that the tier does not have": (
        "scenarios: [first_day]\n",
        "config.yaml, line 1: scenarios: the twin tier has no scenario 'first_day'; did you mean 'first_days'?",
    ),
    "an unknown dataset": (
        "datasets: lake\n",
        "config.yaml, line 1: datasets: there is no dataset 'lake'; did you mean 'lakes'?",
    ),
    "YAML that is none": (
        "tier: twin\ndomains: [ponds\nseeds: 3\n",
        "config.yaml, line 3: not YAML: did not find expected ',' or ']'; look at the indentation, the colons and the "
        "brackets of this line and the one above",
    ),
    "a key that stands twice": (
        "ponds:\n  training: {epochs: 3}\n  recipes: [naive]\n  training: {batch: 3}\n",
        "config.yaml, line 4: ponds.training: stands in line 2 already; keep one of the two",
    ),
    "text without keys": (
        "twin\n",
        "config.yaml, line 1: holds no keys; write for example 'tier: twin'",
    ),
}


@pytest.mark.parametrize("name", [name for name in BROKEN if name != "a scenario that extends none"])
def test_broken_configurations_and_their_texts(bench, name):
    text, expected = BROKEN[name]
    if name == "text without keys":
        bench.file.write_text(text)
        with pytest.raises(ConfigError) as caught:
            read_yaml(bench.file)
        assert caught.value.texts == [expected]
        return
    assert bench.faults(text) == [expected]


def test_a_scenario_that_extends_none_is_told_first(bench):
    text, expected = BROKEN["a scenario that extends none"]
    assert bench.faults(text)[0] == expected


def test_source_and_target_of_unknown_datasets(bench):
    text = "ponds:\n  twin:\n    north_south:\n      source: {dataset: pondz}\n      target: {dataset: laks}\n"
    assert bench.faults(text) == [
        "config.yaml, line 4: ponds.twin.north_south.source.dataset: there is no dataset 'pondz'; write one of: "
        "twin_ponds, lakes",
        "config.yaml, line 5: ponds.twin.north_south.target.dataset: there is no dataset 'laks'; did you mean 'lakes'?",
    ]


def test_all_faults_are_told_at_once(bench):
    with pytest.raises(ConfigError) as caught:
        bench.load("seeds: 0\nponds:\n  recipes: [nave]\n", tier="twn")
    assert str(caught.value) == (
        "the configuration has 3 faults:\n"
        "  the command line (--config): tier: 'twn' is not allowed; did you mean 'twin'?\n"
        "  config.yaml, line 1: seeds: 0 is out of range; write a number from 1 on\n"
        "  config.yaml, line 3: ponds.recipes: there is no recipe 'nave'; did you mean 'naive'?"
    )


def test_a_value_of_the_command_line_is_not_blamed_on_the_file(bench):
    assert bench.faults("seeds: 3\n", seeds="many") == [
        "the command line (--config): seeds: 'many' is not a whole number; write a whole number"
    ]


def test_a_fault_of_the_domain_is_told_with_its_own_file_and_line(bench):
    path = bench.domains["ponds"] / "domain.yaml"
    path.write_text(DOMAIN.replace("reader: ponds}", "raeder: ponds}"))
    assert bench.faults() == [
        "ponds/domain.yaml, line 12: ponds.datasets.lakes.reader: is missing; write it: name of its reader in "
        "readers.py; none for tables",
        "ponds/domain.yaml, line 12: ponds.datasets.lakes.raeder: unknown key 'raeder'; did you mean 'reader'?",
    ]


def test_a_gap_that_is_shorter_than_a_window(bench):
    assert bench.faults("ponds: {twin: {first_days: {split: {gap: 29}}}}\n") == [
        "config.yaml, line 1: ponds.twin.first_days: split.gap is 29, and windows of 30 steps would reach from the "
        "test into the pool; write gap: 30 or more"
    ]


def test_scenarios_that_extend_one_another_in_a_circle(bench):
    text = "ponds:\n  twin:\n    one: {extends: two}\n    two: {extends: one}\n"
    assert bench.faults(text)[0] == (
        "config.yaml, line 4: ponds.twin.two.extends: 'one' extends this one; write one of: north_south, first_days"
    )


def test_a_file_that_does_not_exist(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        read_yaml(Path("mine.yaml"))
    assert caught.value.texts == ["mine.yaml: No such file or directory; write the path of a YAML file"]


def test_nothing_written_is_the_default(bench):
    config = bench.load()
    assert (config.tier, config.seeds, config.mirror, config.raw, config.scenarios) == ("twin", 3, [], "data", None)
    assert list(config.domains) == ["ponds", "rivers"]
    assert config.domains["ponds"].training.epochs == 60
    assert config.bootstrap.model_dump() == {"replicates": 2000, "level": 0.95}


def test_a_scenario_takes_over_what_it_extends_but_not_its_default(bench):
    scenario = bench.load().domains["ponds"].twin["first_days"]
    assert scenario.inputs == ["air", "rain"]
    assert (scenario.budget_axis, scenario.budgets, scenario.default) == ("time", ["0", "30"], False)
    assert (scenario.split.rule, scenario.split.group, scenario.split.gap) == ("grouped", ["basin"], 30)


def test_overrides_reach_the_scenario_that_extends(bench):
    config = bench.load("ponds: {twin: {north_south: {inputs: [air]}}}")
    assert config.domains["ponds"].twin["first_days"].inputs == ["air"]
    assert config.domains["rivers"].twin["first_days"].inputs == ["air", "rain"]


def test_values_as_snakemake_hands_them_over(bench):
    """Inside a mapping of --config every number is text; a single text may stand for a list."""
    config = bench.load(
        seeds="3",
        domains="ponds",
        mirror="../elsewhere",
        ponds={
            "datasets": {"twin_ponds": {"twin": {"seed": "9", "share": "1e-3", "name": "x1", "flat": "False"}}},
            "training": {"epochs": "2", "learning_rate": "1e-2"},
            "twin": {"north_south": {"budgets": ["0", "04", "all"], "quality": "false"}},
            "models": {"lstm": {"hidden": "4"}},
        },
    )
    ponds = config.domains["ponds"]
    assert (config.seeds, list(config.domains), config.mirror) == (3, ["ponds"], ["../elsewhere"])
    assert ponds.datasets["twin_ponds"].twin == {"seed": 9, "ponds": 20, "share": 0.001, "name": "x1", "flat": False}
    assert (ponds.training.epochs, ponds.training.learning_rate) == (2, 0.01)
    assert ponds.twin["north_south"].budgets == ["0", "4", "all"]
    assert ponds.twin["north_south"].quality is None
    assert ponds.models == {"lstm": {"hidden": 4}}


def test_false_takes_away_and_an_empty_key_leaves_as_it_is(bench):
    text = "bootstrap:\nponds:\n  training:\n  models: {lstm: false, linear: }\n  twin: {first_days: false}\n"
    config = bench.load(text)
    assert config.domains["ponds"].models == {"linear": {}}
    assert list(config.domains["ponds"].twin) == ["north_south"]
    assert config.bootstrap.replicates == 2000


def test_a_list_of_recipes_inside_another_stands_for_its_members(bench):
    shared = "ponds: {recipes: [naive, [full_finetune, lp_ft]]}\n"
    assert bench.load(shared).domains["ponds"].recipes == ["naive", "full_finetune", "lp_ft"]
    with pytest.raises(ConfigError, match="'naive' stands 2 times; keep one"):
        bench.load("ponds: {recipes: [naive, [naive]]}\n")
    with pytest.raises(ConfigError, match="line 1: ponds\\.recipes: there is no recipe 'lp_fd'; did you mean 'lp_ft'"):
        bench.load("ponds: {recipes: [naive, [full_finetune, lp_fd]]}\n")


def test_merge_leaves_its_arguments_alone():
    base, over = {"a": {"b": 1, "c": [1]}, "d": False}, {"a": {"c": [2]}, "d": True}
    assert merge(base, over) == {"a": {"b": 1, "c": [2]}, "d": True}
    assert (base, over) == ({"a": {"b": 1, "c": [1]}, "d": False}, {"a": {"c": [2]}, "d": True})
    assert merge(base, {}) == base
    assert merge({}, over) == over


def test_a_domain_that_does_not_run_is_checked_where_it_is_mentioned(bench):
    assert bench.faults("domains: ponds\nrivers: {recipes: [nave]}\n") == [
        "config.yaml, line 2: rivers.recipes: there is no recipe 'nave'; did you mean 'naive'?"
    ]
    assert list(bench.load("domains: ponds\nrivers: {recipes: [naive]}\n").domains) == ["ponds"]


def test_a_column_of_units_csv_that_no_variable_gives(bench):
    assert bench.faults("ponds: {unit_columns: {lake: unit_name, RMSE: rmse, land: contry}}\n") == [
        "config.yaml, line 1: ponds.unit_columns.land: units have no column 'contry', nor is it a metric; did you mean "
        "'country'?"
    ]


def test_classes_are_taken_from_the_target_variable(bench):
    text = """
ponds:
  variables:
    state: {role: target, dimension: obs, long_name: state, flag_values: [0, 1], flag_meanings: open frozen}
  twin:
    north_south:
      task: classification
      targets: state
      headline: {target: label}
"""
    assert bench.load(text).domains["ponds"].twin["north_south"].classes == ["open", "frozen"]


def test_a_configuration_never_changes_once_it_is_loaded(bench):
    config = bench.load()
    with pytest.raises(ValueError, match="frozen"):
        config.seeds = 4


@pytest.mark.parametrize(
    "name",
    [
        "config.yaml",
        "test.yaml",
        "paper.yaml",
        "methods.yaml",
        "flux_towers.yaml",
        "gps_traces.yaml",
        "smart_meters.yaml",
    ],
)
def test_the_configurations_that_come_along_are_in_order(name):
    file = PACKAGE.parents[1] / "config" / name
    read_config(read_yaml(file), [file])


def test_a_population_that_is_chosen_otherwise_takes_nothing_over():
    """The daily files know no climate, by which the scenario that theirs extends chooses its towers."""
    scenario = read_config({}, []).domains["flux_towers"].twin["twin_daily_files"]
    assert list(scenario.source.where) == list(scenario.target.where) == ["igbp"]


def test_a_run_starts_without_delay():
    """Import and validation are paid by every call of Snakemake and by every one of its jobs."""
    code = "import time; t = time.process_time(); from landbridge.offered import read_config; read_config({}, [])"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; print(time.process_time() - t)"],
        env={"PYTHONPATH": str(PACKAGE.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert float(done.stdout) < 1.0  # 0.15 s on a machine with nothing else to do


def test_weights_are_one_file_and_their_bands_a_list():
    wrong = {"models": {"resnet": {"weights": [3], "weights_bands": "red"}}}
    with pytest.raises(ConfigError) as error:
        read_config({"domains": ["satellite_imagery"], "satellite_imagery": wrong}, [])
    first, _, second = error.value.texts
    assert "satellite_imagery.models.resnet.weights: [3] is no name of a file; write the path of a file" in first
    assert "resnet.weights_bands: 'red' is no list of bands; write for example [red, green, blue]" in second
    with pytest.raises(ConfigError, match="lstm has no setting 'weights'"):
        read_config({"domains": ["flux_towers"], "flux_towers": {"models": {"lstm": {"weights": "a.pth"}}}}, [])
