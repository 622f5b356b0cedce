"""Plans without a run: datasets that share files, and code that only some recipes load."""

from types import SimpleNamespace

import pytest
from landbridge.config import read_yaml
from landbridge.offered import read_config
from landbridge.options import FOLDER
from landbridge.plan import Plan
from landbridge.registry import RIGHTS, domains, models, recipes
from landbridge.slices import split_recipe


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
    found = plan(), plan(data_memory_mb=500)
    assert [own.data_memory(job(**names), None) for own in found] == [{}, {"data_memory_mb": 500}]
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
