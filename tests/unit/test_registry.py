"""Descriptions are read from the syntax tree, so that a look-up imports nothing."""

import pytest
from landbridge.registry import RIGHTS, domains, literals, members, models, recipes


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
