"""Plans without a run: datasets that share files, and code that only some recipes load."""

from types import SimpleNamespace

import pytest
from landbridge.config import ConfigError, read_yaml
from landbridge.offered import read_config
from landbridge.options import FOLDER
from landbridge.plan import Plan
from landbridge.registry import RIGHTS, RIGHTS_OF_RULES, domains, models, recipes, rules
from landbridge.slices import split_recipe
from landbridge.stage import StageError


def plan(**config):
    return Plan(read_config({"domains": ["gps_traces"], **config}, []))


def job(**wildcards):
    return SimpleNamespace(domain="gps_traces", **wildcards)


def test_one_download_serves_datasets_that_share_files():
    own = plan()
    for dataset in ("twin_city_a", "twin_city_a_paper"):
        assert own.manifest(job(dataset=dataset)) == "results/gps_traces/download/twin_city_a.json"
        assert own.places(job(dataset=dataset), None)["raw"] == "data/gps_traces/twin_city_a"
    readings = [own.settings("harmonise")(job(dataset=d)) for d in ("twin_city_a", "twin_city_a_paper")]
    assert [found["reader_settings"].get("cleaning") for found in readings] == [None, "paper"]


@pytest.mark.parametrize("named", ["geolife", "geolife_paper"])
def test_a_dataset_of_anothers_files_may_be_named_by_either(named):
    own = plan(tier="real", datasets=[named])
    assert "geolife_trips_paper" in own.scenarios["gps_traces"]
    assert ("geolife_users" in own.scenarios["gps_traces"]) == (named == "geolife")
    assert "geolife_trips_paper" not in plan(tier="real").scenarios["gps_traces"]


@pytest.mark.parametrize(
    ("model", "recipe", "uses"),
    [
        ("none", "gradient_boosted_trees.source", {"features"}),
        ("none", "rules", {"baselines"}),
        ("none", "sampling_only", {"features"}),
        ("none", "naive", set()),
        ("speed_transformer", "full_finetune", set()),
    ],
)
def test_only_recipes_that_say_so_load_the_domains_modules(model, recipe, uses):
    own = plan().modules("transfer")(job(scenario="twin_cities", model=model, recipe=recipe))
    assert own.keys() - {"model", "recipe"} == uses


def test_a_figure_of_maps_links_twelve_scenes_and_the_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = Plan(read_config({"domains": ["satellite_imagery"]}, []))
    panels = SimpleNamespace(domain="satellite_imagery", scenario="twin_fires", figure="panels")
    assert "`__" not in own.caption(panels, None)  # no map stands yet
    (folder,) = (name for name in own.maps("satellite_imagery", "twin_fires") if "full_finetune" in name)
    (tmp_path / folder).mkdir(parents=True)
    for number in range(13):
        (tmp_path / folder / f"peat_{number:02d}_class.tif").touch()
    text = own.caption(panels, None)
    inside = folder.removeprefix("results/")
    assert (
        f"- unet, full finetune (`folder <{inside}/>`__): ``peat_00`` (`classes <{inside}/peat_00_class.tif>`__" in text
    )
    assert "peat_11_probability.tif" in text and "peat_12" not in text and text.rstrip().endswith("and 1 more.")


def test_where_data_lie_is_no_setting_of_a_training():
    names = {"scenario": "twin_cities", "model": "speed_transformer", "recipe": "full_finetune", "objective": "erm"}
    found = plan(), plan(data_memory_mb=500, gpu_share=2)
    machines = [{"gpu_share": 1}, {"data_memory_mb": 500, "gpu_share": 2}]
    assert [own.machine(job(**names), None) for own in found] == machines
    for stage in ("pretrain", "transfer"):
        first, second = (own.settings(stage)(job(**names)) for own in found)
        assert first == second


@pytest.mark.parametrize("recipe", ["coral", "coral.few", "coral.few.target_val_k"])
def test_a_job_is_given_the_files_of_its_variants_rights(recipe):
    own, wildcards = plan(), job(scenario="twin_cities", model="speed_transformer", recipe=recipe, fold="0", seed="0")
    few = "few" in recipe
    assert [own.needs(right)(wildcards) for right in RIGHTS] == [False, True, True, few]
    settings = own.settings("transfer")(wildcards)
    assert settings["rights"] == [right for right in RIGHTS if own.needs(right)(wildcards)]
    assert settings["variant"] == ("few" if few else "plain")


@pytest.fixture(scope="module")
def of_methods():
    file = FOLDER / "methods.yaml"
    return Plan(read_config(read_yaml(file), [file]))


@pytest.mark.parametrize("domain", domains())
def test_the_run_of_all_methods_has_every_recipe_in_every_domain_or_a_reason_in_its_tables(of_methods, domain):
    scenario = next(iter(of_methods.scenarios[domain]))
    ran = {split_recipe(name)[0] for _, name in of_methods.runs(domain, scenario)}
    told = of_methods.settings("compare")(SimpleNamespace(domain=domain, scenario=scenario))["unfit"]
    left_out = {row["recipe"] for row in told}
    assert ran | left_out == set(recipes())
    assert not ran & left_out
    for row in told:
        assert row["status"].startswith("not_applicable: needs ")


def test_every_recipe_runs_somewhere_among_all_methods(of_methods):
    runs = [
        run for domain, own in of_methods.scenarios.items() for name in own for run in of_methods.runs(domain, name)
    ]
    assert {split_recipe(name)[0] for _, name in runs} == set(recipes())
    assert {model for model, _ in runs} - {"none"} <= set(models())


def test_what_can_not_run_is_a_setting_of_comparisons_alone_and_only_where_there_is_any(of_methods):
    job_of = {"domain": "flux_towers", "scenario": "twin_towers"}
    told = of_methods.settings("compare")(SimpleNamespace(**job_of))["unfit"]
    by_recipe = {(row["recipe"], row["variant"]): row["status"] for row in told}
    assert by_recipe["embedding_only", ""] == (
        "not_applicable: needs one of the models refquery, and the scenario has none of them"
    )
    assert by_recipe["simulate_then_finetune", "lp_ft"].startswith(
        "not_applicable: needs a source that is a simulation"
    )
    assert "unfit" not in of_methods.settings("draw")(SimpleNamespace(**job_of, figure="map"))
    default = Plan(read_config({}, []))
    for domain, own in default.scenarios.items():
        for scenario in own:
            assert "unfit" not in default.settings("compare")(SimpleNamespace(domain=domain, scenario=scenario))


@pytest.mark.parametrize(
    ("recipe", "more"),
    [
        ("full_finetune", set()),
        ("full_finetune.target_val_large", {"validation_labels"}),
        ("full_finetune.leave_one_source_domain_out", {"source_labels"}),
        ("full_finetune.unsup_iw", {"source_labels", "target_inputs"}),
        ("full_finetune.unsup_entropy", {"target_inputs"}),
        ("full_finetune.oracle", set()),
    ],
)
def test_a_job_is_given_the_files_of_its_rule_beside_those_of_its_recipe(recipe, more):
    own = plan(search={"trials": 4})
    wildcards = job(scenario="twin_cities", model="speed_transformer", recipe=recipe, fold="0", seed="0")
    needed = {right for right in RIGHTS_OF_RULES if own.needs(right)(wildcards)}
    assert needed == {"source_weights", "target_labels"} | more
    settings, modules = own.settings("transfer")(wildcards), own.modules("transfer")(wildcards)
    assert settings["rights"] == ["source_weights", "target_labels"]  # a recipe sees no more for the rule
    assert settings["search"] == {"trials": 4}
    assert ("stops_by" in settings) == ("selection" in modules) == ("." in recipe and "large" not in recipe)
    assert ("objective" in modules) == ("objective_settings" in settings) == ("leave_one" in recipe)


def test_without_a_search_no_training_knows_of_one():
    names = {"scenario": "twin_cities", "model": "speed_transformer"}
    for recipe, trials, known in (("full_finetune", 1, False), ("source_only", 8, False), ("full_finetune", 8, True)):
        settings = plan(search={"trials": trials}).settings("transfer")(job(recipe=recipe, **names))
        assert ("search" in settings) == known


@pytest.mark.parametrize("rule", ["target_val_large", "oracle"])
def test_rows_that_stand_apart_are_no_input_of_tables_and_figures(rule):
    own = plan(gps_traces={"recipes": ["naive", "full_finetune", f"full_finetune.{rule}"]}, search={"trials": 3})
    wildcards = job(scenario="twin_cities", figure="cost")
    for files in (own.scores(wildcards), own.examples(wildcards)):
        assert any("full_finetune." in name for name in files) and not [name for name in files if rule in name]
    apart = own.scores_apart(wildcards)
    assert apart and all(name.endswith(f"-full_finetune.{rule}.parquet") for name in apart)


def test_one_figure_alone_knows_what_the_test_would_have_chosen():
    recipes = ["naive", "full_finetune", "full_finetune.target_val_large"]
    plain = plan(gps_traces={"recipes": recipes}, search={"trials": 3})
    asked = plan(gps_traces={"recipes": [*recipes, "full_finetune.oracle"]}, search={"trials": 3})
    for own, figure, known in (
        (plain, "learning_curve", False),
        (asked, "learning_curve", True),
        (asked, "effects", False),
    ):
        wildcards = job(scenario="twin_cities", figure=figure)
        assert bool(own.table_apart(wildcards)) == ("trials" in own.settings("draw")(wildcards)) == known
    names = {"scenario": "twin_cities", "model": "speed_transformer"}
    for recipe, modules in (
        ("full_finetune", {}),
        ("full_finetune.target_val_large", {}),
        ("full_finetune.oracle", {"oracle": "landbridge.judge.oracle"}),
    ):
        assert asked.modules("evaluate")(job(recipe=recipe, **names)) == modules


def test_what_the_test_chose_is_on_no_map_and_in_no_contrast():
    recipe = "full_finetune.oracle"
    arms = {"flattering": "twin_fires_planted", "honest": "twin_fires", "title": "t", "model": "unet", "recipe": recipe}
    for where, own in (("maps", [recipe]), ("contrasts", {"planted_copies": arms})):
        with pytest.raises(
            StageError, match=rf"{where}: {recipe}: oracle is chosen by the test .* write full_finetune$"
        ):
            plan(
                domains=["satellite_imagery"],
                satellite_imagery={"recipes": ["naive", recipe], "maps": [], where: own},
                search={"trials": 3},
            )


@pytest.mark.parametrize(
    ("recipe", "text"),
    [
        ("full_finetune.unsup_entrop", "did you mean 'unsup_entropy'?"),
        ("full_finetune.prophet", "write one of: fixed, source_val, target_val_k, target_val_large, "),
    ],
)
def test_a_mistyped_rule_is_answered_with_the_rules(recipe, text):
    with pytest.raises(ConfigError) as caught:
        plan(gps_traces={"recipes": [recipe]})
    assert "has no variant or selection rule" in str(caught.value) and text in str(caught.value)
    assert "did you" in text or all(rule in str(caught.value) for rule in rules())


def test_networks_that_stand_anyway_are_measured_before_they_are_adapted():
    recipes = ["naive", "target_only", "full_finetune", "gradient_boosted_trees.source"]
    own = plan(gps_traces={"recipes": recipes})
    measures = own.measures(job(scenario="twin_cities"))
    assert measures == ["results/gps_traces/transferability/twin_cities/speed_transformer/fold0-seed0.csv"]
    assert own.summaries() == ["results/summary-twin.csv", "results/transferability-twin.csv"]
    assert "results/gps_traces/transferability/twin_cities.ranks.csv" in own.targets()
    assert own.modules("transferability")(job(scenario="twin_cities", model="lstm")).keys() == {"model", "features"}
    for other in ({"gps_traces": {"recipes": ["naive", "target_only"]}}, {"transferability": False}):
        none = plan(**other)
        assert none.summaries() == ["results/summary-twin.csv"]
        assert not [name for name in none.targets() if "transferability" in name]


def test_measures_depend_on_the_network_and_not_on_how_it_is_trained():
    names = {"scenario": "twin_cities", "model": "speed_transformer", "fold": "0", "seed": "0"}
    first = plan().settings("transferability")(job(**names))
    assert plan(gps_traces={"training": {"epochs": 7}}).settings("transferability")(job(**names)) == first
    assert plan(bootstrap={"level": 0.8}).settings("transferability")(job(**names)) != first


def test_only_figures_of_cost_are_drawn_anew_with_new_seconds():
    own, of = plan(), {"scenario": "twin_cities"}
    table = ["results/gps_traces/compare/twin_cities/cost.csv"]
    assert own.cost_table(job(figure="pareto", **of)) == own.cost_table(job(figure="cost", **of)) == table
    assert own.cost_table(job(figure="coverage", **of)) == []


def test_sums_of_intervals_are_added_up_where_a_metric_asks_for_them():
    run = {"model": "none", "recipe": "naive", "scenario": "twin_cities"}
    assert plan().settings("evaluate")(job(**run))["intervals"] is True  # its metrics hold ece_scaled
    assert "intervals" not in plan(gps_traces={"metrics": ["accuracy", "macro_f1.unit"]}).settings("evaluate")(
        job(**run)
    )
