"""Selection rules: known answers, and every rule through the stage on small sets of all three tasks."""

import csv
import importlib
import json
import logging
from pathlib import Path

import numpy as np
import pytest
from landbridge import job, registry
from landbridge.contract import Variable
from landbridge.io import netcdf
from landbridge.methods import full_finetune
from landbridge.methods.given import Diverged, NotApplicable
from landbridge.prepare import ragged
from landbridge.prepare.streams import stream
from landbridge.stage import StageError
from landbridge.train import fitting
from landbridge.train.selection import held_out_domains, search, unlabelled_outputs, weighted_risk

from tests import line as all_stages
from tests import synthetic

TINY = {"epochs": 2, "epoch_steps": 3, "fixed_steps": 5}
TRIALS = {"trials": 3}
FULL, POOLED = "full_finetune", "pooled"
RULES = {
    FULL: [name for name in registry.rules() if name not in ("source_val", "target_val_k", "oracle")],
    POOLED: [name for name in registry.rules() if name not in ("fixed", "target_val_k", "oracle")],
}
OF_CLASSES = ("unsup_entropy", "unsup_snd", "unsup_mixval")


def test_dev_takes_a_control_variate():
    weights, losses = np.array([1.0, 3.0]), np.array([2.0, 1.0])
    assert weighted_risk.weighted_risk(weights, losses) == 2.5
    assert weighted_risk.dev_risk(weights, losses) == pytest.approx(2.0)  # eta is -0.5
    assert weighted_risk.dev_risk(np.ones(2), losses) == 1.5  # equal weights vary with nothing


def test_dev_varies_less_than_the_plain_weighted_risk():
    random = np.random.default_rng(0)
    plain, controlled = [], []
    for _ in range(200):
        x = random.normal(size=200)
        weights, losses = np.exp(x - 0.5), 1 + 0.1 * x
        plain.append(weighted_risk.weighted_risk(weights, losses))
        controlled.append(weighted_risk.dev_risk(weights, losses))
    assert np.std(controlled) < 0.5 * np.std(plain)
    assert np.mean(controlled) == pytest.approx(1.1, abs=0.02)


def test_entropy_and_density_prefer_a_collapsed_model_that_is_sure():
    """Their documented weakness: one class for everything, with certainty, looks better than two classes told apart."""
    right = np.repeat([[0.9, 0.1], [0.1, 0.9]], 50, axis=0)
    collapsed = np.repeat([[0.999, 0.001]], 100, axis=0)
    assert unlabelled_outputs.entropy(collapsed) < unlabelled_outputs.entropy(right)
    assert unlabelled_outputs.density(collapsed) > unlabelled_outputs.density(right)


def test_entropy_and_density_have_known_answers():
    assert unlabelled_outputs.entropy(np.full((3, 2), 0.5)) == pytest.approx(np.log(2))
    alike = np.repeat([[0.7, 0.3]], 9, axis=0)
    assert unlabelled_outputs.density(alike) == pytest.approx(np.log(8))  # all others are equally near
    pairs = np.repeat(np.eye(3), 2, axis=0)
    assert unlabelled_outputs.density(pairs) == pytest.approx(0, abs=1e-6)  # one other is near, the rest far


def test_trials_are_drawn_within_their_ranges_and_alike_for_all_seeds():
    ranges = {"rate": (1e-5, 1e-3), "rank": (1, 16)}
    found = [search.drawn(ranges, "lora", number) for number in range(200)]
    assert found[0] == {}
    assert found[1:] == [search.drawn(dict(reversed(ranges.items())), "lora", number) for number in range(1, 200)]
    rates, ranks = (np.array([own[name] for own in found[1:]]) for name in ("rate", "rank"))
    assert rates.min() >= 1e-5 and rates.max() <= 1e-3 and 0.4 < (rates < 1e-4).mean() < 0.6  # in the logarithm
    assert ranks.dtype == np.int64 and set(ranks) == set(range(1, 17))
    assert search.drawn(ranges, "lora", 1) != search.drawn(ranges, "adapter", 1)


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    """A line up to the pretrained network for each task, made when a test asks for it."""
    patch = pytest.MonkeyPatch()
    patch.setattr(all_stages, "TRAINING", {**all_stages.TRAINING, **TINY})
    made = {}

    def line(task):
        if task not in made:
            made[task] = all_stages.Line(tmp_path_factory.mktemp(task), task)
            made[task].settings["budgets"] = ["0", "4"]
            made[task].pretrain()
        return made[task]

    yield line
    patch.undo()


def trials_of(line, recipe, budget="4"):
    with (line.folder / recipe / "fold0-seed0.trials.csv").open(newline="") as handle:
        return [row for row in csv.DictReader(handle) if row["budget"] == budget]


def cost_of(line, recipe):
    return json.loads((line.folder / recipe / "0.json").read_text())[0]


@pytest.mark.parametrize("task", ["regression", "classification", "segmentation"])
@pytest.mark.parametrize(("recipe", "rule"), [(recipe, rule) for recipe, rules in RULES.items() for rule in rules])
def test_every_rule_keeps_the_best_of_its_trials(lines, task, recipe, rule):
    line = lines(task)
    found = line.transfer(recipe, selection=rule, search=TRIALS)
    rows, status = trials_of(line, recipe), str(found["status"][1])
    assert found["status"][0].startswith("not_applicable")
    if rule in OF_CLASSES and task == "regression":
        assert status.startswith(f"not_applicable: {rule}: looks at probabilities of classes")
        assert rows[0]["chosen"] == "0" and np.isnan(found["prediction"][1]).all()
        return
    assert status == "ok" and found["selection"][1] == rule
    (name,) = registry.recipes()[recipe].search
    chosen = [row for row in rows if row["chosen"] == "1"]
    assert len(chosen) == 1 and {row["rule"] for row in rows} == {rule}
    if rule == "fixed":
        assert len(rows) == 1 and rows[0]["score"] == "" and "nothing was searched" in rows[0]["status"]
    else:
        assert [row["trial"] for row in rows] == ["0", "1", "2"]
        scores = [float(row["score"]) for row in rows]
        assert float(chosen[0]["score"]) == min(scores)
        assert len({row["settings"] for row in rows}) == 3
        assert cost_of(line, recipe)["search_seconds"] > 0
    assert found["labels_for_selection"][1] == (rule == "target_val_large")  # of one validation group
    own = line.transfer(recipe, selection=rule, recipe_settings=json.loads(chosen[0]["settings"]))
    values = next(key for key in own.variables if key in ("prediction", "log_probability", "probability"))
    assert np.array_equal(found[values], own[values], equal_nan=True)  # what was chosen is what was predicted
    assert json.loads(trials_of(line, recipe)[0]["settings"])[name] == json.loads(chosen[0]["settings"])[name]


def test_a_trial_that_diverges_is_told_and_never_chosen(lines, monkeypatch):
    plain, fits = full_finetune.fit, []

    def fit(given):
        fits.append(given.settings["rate"])
        if given.settings["rate"] != full_finetune.DEFAULTS["rate"]:
            return plain(given)
        raise Diverged("the training loss became nan")

    monkeypatch.setattr(full_finetune, "fit", fit)
    line = lines("regression")
    found = line.transfer(FULL, selection="unsup_iw", search=TRIALS, budgets=["4"])
    rows = trials_of(line, FULL)
    assert (rows[0]["chosen"], rows[0]["score"]) == ("0", "") and rows[0]["status"].startswith("failed: ")
    assert found["status"][0] == "ok" and len(fits) == 3 and sum(row["chosen"] == "1" for row in rows) == 1
    monkeypatch.setattr(full_finetune, "DEFAULTS", {"rate": 1e-4})
    monkeypatch.setattr(full_finetune, "SEARCH", {"rate": (1e-4, 1.0000001e-4)})
    found = line.transfer(FULL, selection="unsup_iw", search={"trials": 2}, budgets=["4"])
    assert found["status"][0].startswith("failed: ")  # where all of them do


def test_a_quarter_of_the_budget_chooses_among_trials_too(lines):
    line = lines("regression")
    found = line.transfer(FULL, selection="target_val_k", search=TRIALS)
    scores = [float(row["score"]) for row in trials_of(line, FULL)]
    assert len(scores) == 3 and found["labels_for_selection"][1] == 1
    assert trials_of(line, FULL)[int(np.argmin(scores))]["chosen"] == "1"


def test_learners_without_a_network_are_searched_by_a_rule_that_compares(lines):
    line = lines("regression")
    small = {"rounds": 2, "bins": 16}
    for rule, scored in (("fixed", 0), ("source_val", 2), ("unsup_iw", 2)):
        line.transfer(
            "gradient_boosted_trees", selection=rule, search={"trials": 2}, variant="pooled", recipe_settings=small
        )
        assert sum(row["score"] != "" for row in trials_of(line, "gradient_boosted_trees")) == scored
    line.transfer(
        "gradient_boosted_trees", selection="unsup_circular", search=TRIALS, variant="pooled", recipe_settings=small
    )
    assert "brings a learner of its own" in trials_of(line, "gradient_boosted_trees")[0]["status"]


@pytest.mark.parametrize("task", ["regression", "segmentation"])
def test_what_the_test_chooses_among_is_all_predicted_without_the_answers(lines, monkeypatch, task):
    line, jobs, plain = lines(task), [], all_stages.transfer.run
    monkeypatch.setattr(all_stages.transfer, "run", lambda own: jobs.append(own) or plain(own))
    found = line.transfer(FULL, selection="oracle", search=TRIALS)
    rows = trials_of(line, FULL)
    files = {Path(file).name for own in jobs for file in own.inputs.values()}
    assert files and not files & {"answers.nc", "truth.nc", "validation_labels.nc"}
    assert list(zip(found["budget"], found["trial"], strict=True)) == [("0", 0), ("4", 0), ("4", 1), ("4", 2)]
    assert found["status"][0].startswith("not_applicable") and set(found["selection"][1:]) == {"oracle"}
    assert found["spread"].tolist() == ["", *[search.NO_SPREAD] * 3] and "quantile_offset" not in found
    assert [(row["trial"], row["score"], row["chosen"]) for row in rows] == [(n, "", "0") for n in ("0", "1", "2")]
    assert cost_of(line, FULL)["search_seconds"] > 0
    own = line.transfer(FULL, recipe_settings=json.loads(rows[2]["settings"]))
    name = {"regression": "prediction", "segmentation": "probability"}[task]
    assert np.array_equal(found[name][3], own[name][1])  # each as if it were the only one
    assert not np.array_equal(found[name][3], found[name][1])


def test_a_recipe_without_labels_is_fitted_once_for_all_budgets_by_every_trial(lines):
    line = lines("regression")
    found = line.transfer("coral", selection="oracle", search={"trials": 2})
    assert list(zip(found["budget"], found["trial"], strict=True)) == [("0", 0), ("0", 1), ("4", 0), ("4", 1)]
    assert np.array_equal(found["prediction"][:2], found["prediction"][2:]) and cost_of(line, "coral")["fits"] == 2


@pytest.mark.parametrize("rule", ["target_val_large", "oracle"])
def test_shuffled_answers_change_no_trial_and_no_prediction(lines, rule):
    line = lines("classification")
    answers = line.folder / "answers.nc"
    whole = netcdf.read(answers)
    outputs = [line.folder / POOLED / name for name in ("fold0-seed0.nc", "fold0-seed0.trials.csv")]
    found = []
    for values in (whole["label"], np.random.default_rng(0).permutation(whole["label"])):
        like = whole.variables["label"]
        netcdf.write(
            answers, ragged.with_variables(whole, {"label": Variable(like.dimensions, values, like.attributes)})
        )
        line.transfer(POOLED, selection=rule, search=TRIALS)
        found.append([path.read_bytes() for path in outputs])
    assert not np.array_equal(netcdf.read(answers)["label"], whole["label"])
    assert found[0] == found[1]


def test_full_finetuning_at_four_groups_moves_the_weights(lines, monkeypatch):
    seen, plain = [], full_finetune.fit
    monkeypatch.setattr(full_finetune, "fit", lambda given: seen.append((given, plain(given))) or seen[-1][1])
    found = lines("regression").transfer(FULL)
    assert found["selection"][1] == "fixed"
    given, learner = seen[-1]
    before, after = (own.network.state_dict() for own in (given.pretrained(), learner))
    assert all(not before[name].equal(after[name]) for name in before if before[name].is_floating_point())


def test_two_methods_see_one_subset_and_the_initialisation_does_not_change_it(lines, monkeypatch):
    seen = {}
    for name, shift in (("full_finetune", 0), ("target_only", 0), ("target_only", 1)):
        recipe = importlib.import_module(f"landbridge.methods.{name}")

        def look(given, key=(name, shift)):
            seen[key] = given.seed, given.target.dataset["unit_name"].tolist()
            raise NotApplicable("looked")

        monkeypatch.setattr(recipe, "fit", look)
        monkeypatch.setattr(fitting, "stream", lambda *keys, shift=shift: stream(*keys) + shift)
        lines("regression").transfer(name)
    seeds, subsets = zip(*seen.values(), strict=True)
    assert len(subsets[0]) == 4 and subsets[0] == subsets[1] == subsets[2]
    assert seeds[0] == seeds[1] != seeds[2]


def test_all_adapting_recipes_of_a_table_stop_by_one_rule_at_a_budget(lines):
    line = lines("regression")
    by_default = [
        name
        for name, recipe in registry.recipes().items()
        if recipe.selection is None and "target_labels" in recipe.rights and recipe.models == "any"
    ]
    assert {"target_only", "full_finetune", "linear_probe", "lp_ft", "l2_sp"} <= set(by_default)
    for threshold, rule in ((8, "fixed"), (4, "target_val_k")):
        for recipe in by_default:
            found = line.transfer(recipe, selection_from=threshold)
            if found["status"][1] == "ok":
                assert found["selection"][1] == rule, recipe


def test_parts_of_the_source_are_disjoint_and_never_pretrained_on(lines, monkeypatch):
    groups = [f"g{number}" for number in range(11)]
    found = held_out_domains.parts(groups, "s", 0)
    assert len(found) == 4 and sorted(name for own in found for name in own) == sorted(groups)
    assert found != held_out_domains.parts(groups, "s", 1)
    seen, plain = [], held_out_domains.trained_on_source

    def looked_at(job, layout, source, progress, what):
        seen.append(set(source.train.dataset["group"].tolist()))
        return plain(job, layout, source, progress, what)

    monkeypatch.setattr(held_out_domains, "trained_on_source", looked_at)
    line = lines("regression")
    line.transfer(FULL, selection="leave_one_source_domain_out", search={"trials": 2})
    whole = netcdf.read(line.folder / "source.nc")
    trained = set(whole["group"][whole["part"] == "source_train"].tolist())
    left_out = [trained - own for own in seen]
    assert len(left_out) == 4 and all(len(own) >= 2 for own in left_out)
    assert sorted(name for own in left_out for name in own) == sorted(trained)
    assert cost_of(line, FULL)["fits"] == 4 + 4 * 2 + 1  # pretrained anew, every trial in each part, the chosen one


def test_a_part_plays_with_as_many_labels_as_the_target_has(lines, monkeypatch):
    seen, plain = [], held_out_domains._cast

    def cast(tools, held_out, size):
        budget, scored = plain(tools, held_out, size)
        names = [set(part["group"].tolist()) for part in (budget.train, scored, held_out)]
        assert names[0] | names[1] == names[2] and not names[0] & names[1]
        seen.append((size, budget.size))
        return budget, scored

    monkeypatch.setattr(held_out_domains, "_cast", cast)
    line = lines("regression")
    line.transfer(POOLED, selection="leave_one_source_domain_out", search={"trials": 2}, budgets=["1", "all"])
    pool = len(set(netcdf.read(line.folder / "target_labels.nc")["group"].tolist()))
    assert {size for size, _ in seen} == {1, pool}
    assert {labelled for size, labelled in seen if size == 1} == {1}


def test_validation_groups_that_are_not_there_are_missed(lines, tmp_path):
    line = lines("regression")
    path = line.folder / "validation_labels.nc"
    whole = path.read_bytes()
    empty = netcdf.read(path)
    netcdf.write(path, ragged.select_units(empty, np.zeros(len(empty["unit_name"]), bool)))
    with pytest.raises(StageError, match=r"no labelled window to choose by; give target_val a share in split\.shares"):
        line.transfer(FULL, selection="target_val_large")
    path.write_bytes(whole)


def test_days_of_a_group_are_searched_for_all_groups_together(tmp_path, monkeypatch):
    monkeypatch.setattr(all_stages, "TRAINING", {**all_stages.TRAINING, **TINY})
    changes = {"budget_axis": "time", "split": {**synthetic.COMMON["split"], "gap": 3, "test_share": 0.5}}
    line = all_stages.Line(tmp_path, "regression", budgets=["8"], **changes)
    found = line.transfer(POOLED, search=TRIALS)
    rows = trials_of(line, POOLED, "8")
    assert found["status"][0] == "ok" and [row["score"] != "" for row in rows] == [True] * 3
    assert cost_of(line, POOLED)["fits"] % 3 == 0
    found = line.transfer(POOLED, selection="leave_one_source_domain_out", search=TRIALS)
    assert "this budget is counted in days" in found["status"][0] and np.isnan(found["prediction"]).all()


def test_a_sealed_replay_holds_what_a_rule_may_read(lines, tmp_path, monkeypatch, capsys):
    line, jobs, plain = lines("regression"), [], all_stages.transfer.run
    monkeypatch.setattr(all_stages.transfer, "run", lambda own: jobs.append(own) or plain(own))
    line.transfer(POOLED, selection="unsup_dev", search={"trials": 2})
    (own,) = jobs
    assert "target_inputs" in own.inputs and "target_inputs" not in own.settings["rights"]
    monkeypatch.chdir(line.folder)
    within = {name: str(Path(path).relative_to(line.folder)) for name, path in own.inputs.items()}
    record = {"stage": "transfer", "inputs": within, "settings": own.settings, "wildcards": own.wildcards}
    record |= {"outputs": {name: str(path.relative_to(line.folder)) for name, path in own.outputs.items()}}
    record["outputs"]["cost"] = "pooled/0.cost.json"
    record |= {"modules": own.modules, "places": {}, "code": "", "threads": 1}
    logger = logging.getLogger("landbridge")
    before = list(logger.handlers), logger.level, logger.propagate
    for given, status in ((within, 0), ({key: value for key, value in within.items() if key != "target_inputs"}, 1)):
        (tmp_path / "job.json").write_text(json.dumps({**record, "inputs": given}))
        folder = tmp_path / f"sealed{status}"
        assert job.replay(tmp_path / "job.json", folder, sealed=True) == status
    logger.handlers, logger.level, logger.propagate = before
    told = capsys.readouterr().out
    assert told.count("identical") == 2 and "DIFFERENT" not in told  # predictions and trials
