"""Descriptions are read from the syntax tree, so that a look-up imports nothing."""

import pytest
from landbridge.registry import RIGHTS, RIGHTS_OF_RULES, domains, literals, members, models, recipes, rules


def test_literals_are_read_and_computed_values_are_not(tmp_path):
    path = tmp_path / "recipe.py"
    path.write_text(
        '"""One line.\n\nMore."""\nimport absent\nA = (1, 2)\nB: dict[str, int] = {"x": 1}\nC = absent.of()\nd = 3\n'
    )
    assert literals(path) == {"__doc__": "One line.", "A": (1, 2), "B": {"x": 1}}


def test_members_of_mappings_and_tuples(tmp_path):
    path = tmp_path / "rules.py"
    path.write_text('import absent\nQ = {"q10": 0.1}\nR = {"a": absent.a, **Q}\nS = ("mean", *Q)\nT = absent.of()\n')
    assert members(path, "R") == ("a", "q10")
    assert members(path, "S") == ("mean", "q10")
    assert members(path, "T") == members(path, "U") == members(tmp_path / "none.py", "R") == ()


def test_every_recipe_and_model_describes_itself():
    assert {"naive", "source_only", "target_only"} <= set(recipes())
    for recipe in recipes().values():
        assert recipe.title
        assert set(recipe.rights) <= set(RIGHTS)
        assert recipe.objective is None or "source_weights" in recipe.rights
    for model in models().values():
        assert model.title
        assert "DEFAULTS" in model.literals, f"models/{model.id}.py has no DEFAULTS, so its settings are not known"


def test_a_variant_may_have_rights_of_its_own(tmp_path, monkeypatch):
    from landbridge import registry
    from landbridge.stage import StageError

    recipe = recipes()["coral"]
    assert recipe.rights_of("") == recipe.rights_of("plain") == recipe.rights == ("source_labels", "target_inputs")
    assert recipe.rights_of("few") == (*recipe.rights, "target_labels")
    assert recipes()["naive"].rights_of("zero") == recipes()["naive"].rights
    for wrong, text in (
        ('{"fewer": ("source_labels",)}', r"methods/one\.py: RIGHTS_OF_VARIANTS names fewer; write words of VARIANTS"),
        ('{"few": ("answers",)}', r"methods/one\.py: RIGHTS names answers; write one of source_weights"),
    ):
        (tmp_path / "methods").mkdir(exist_ok=True)
        (tmp_path / "methods" / "one.py").write_text(
            f'"""One."""\nRIGHTS = ("source_labels",)\nVARIANTS = ("few",)\nRIGHTS_OF_VARIANTS = {wrong}\n'
        )
        monkeypatch.setattr(registry, "ROOT", tmp_path)
        with pytest.raises(StageError, match=text):
            registry.recipes.__wrapped__()


def test_templates_are_no_domains():
    assert domains()
    assert not [name for name in domains() if name.startswith("_")]


@pytest.mark.parametrize(
    ("recipe", "text"),
    [
        (
            "full_finetune.source_val",
            "stopping by it would leave the source model unchanged; write target_val_k or fixed",
        ),
        ("stacking_on_surrogate.boosted.target_val_k", "stacking_on_surrogate trains no network"),
        ("naive.mean.target_val_k", "naive trains no network, so there is no 'target_val_k'"),
        ("coral.target_val_k", "it reads no labels of the target, so none can be put aside; leave it out"),
        ("full_finetune.unsup_dev", r"chooses among trials, and there is one; write search: \{trials: 8\}"),
        ("full_finetune.oracle", r"oracle chooses among trials, and there is one; write search: \{trials: 8\}"),
        ("adabn.unsup_entropy", "unsup_entropy chooses among trials, and adabn has nothing to search"),
        ("gradient_boosted_trees.pooled.source_val", "source_val chooses among trials, and there is one"),
        ("adabn.target_val_large", "it trains nothing after pretraining, so there is nothing to choose"),
    ],
)
def test_a_selection_rule_that_a_recipe_cannot_follow_is_refused(recipe, text):
    from landbridge.offered import read_config
    from landbridge.plan import Plan
    from landbridge.stage import StageError

    with pytest.raises(StageError, match=text):
        Plan(read_config({"flux_towers": {"recipes": [recipe]}}, []))
    assert Plan(
        read_config(
            {"flux_towers": {"recipes": ["pooled.fixed", "full_finetune.target_val_k", "coral.few.target_val_k"]}}, []
        )
    )


def test_ranges_of_a_search_are_checked_where_they_are_declared(tmp_path, monkeypatch):
    from landbridge import registry
    from landbridge.stage import StageError

    for recipe in recipes().values():
        for name, (low, high) in recipe.search.items():
            assert low <= recipe.defaults[name] <= high, f"{recipe.id}: the default of {name} lies outside its range"
    (tmp_path / "methods").mkdir()
    monkeypatch.setattr(registry, "ROOT", tmp_path)
    for wrong in ('{"rat": (1e-3, 1e-1)}', '{"rate": (0, 1e-1)}', '{"rate": (0.1, 0.01)}', '{"rate": (0.1,)}'):
        (tmp_path / "methods" / "one.py").write_text(
            f'"""One."""\nRIGHTS = ("source_labels",)\nDEFAULTS = {{"rate": 1e-2}}\nSEARCH = {wrong}\n'
        )
        with pytest.raises(StageError, match=r"methods/one\.py: SEARCH gives rate? .*name a setting of DEFAULTS"):
            registry.recipes.__wrapped__()


def test_every_rule_describes_itself():
    for name, rule in rules().items():
        assert rule.name == name and rule.by and rule.labels
        assert set(rule.rights) <= set(RIGHTS_OF_RULES)
    assert [name for name, rule in rules().items() if rule.apart] == ["target_val_large", "oracle"]
