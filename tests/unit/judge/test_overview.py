"""The summary over scenarios: its tables, its sentences and its page."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from landbridge.judge import heatmap, page, summarise, tables, words
from landbridge.stage import Job

HEADLINE = {"target": "y", "metric": "rmse", "statistic": "mean"}
SCORE = {"target": "label", "metric": "macro_f1", "statistic": "pooled"}
SETTINGS = {"tier": "twin", "bootstrap": {"replicates": 100, "level": 0.95}}


def scenario(name="s", domain="a", **changes):
    own = {"domain": domain, "domain_title": f"Domain {domain}", "scenario": name, "title": f"From here to {name}"}
    own |= {"task": "regression", "classes": [], "headline": HEADLINE, "budget_axis": "groups"}
    own |= {"target_words": {"units": "g m-2", "long_name": "yield"}, "target_population": f"{domain}/{name}"}
    return {**own, "budget_words": "towers", **changes}


def of_classes(name="s", domain="b", **changes):
    own = {"task": "classification", "classes": ["x", "y"], "headline": SCORE, "budget_axis": "units"}
    return scenario(name, domain, **{**own, "target_words": {}, "budget_words": "trips", **changes})


def effect(recipe, budget, delta, half=0.05, reference="target_only", status="ok", model="m", variant="", **changes):
    low, high = delta - half, delta + half
    word = "helps" if low > 0 else "harms" if high < 0 else "unclear"
    own = {"model": model, "recipe": recipe, "variant": variant, "selection": "fixed", "reference": reference}
    own |= {"budget": budget, "budget_unit": "groups", **HEADLINE, "delta": delta, "low": low, "high": high}
    own |= {"interval": "groups", "groups": 12, "seeds": 3, "p_improve": 0.5, "p_wilcoxon": 0.1, "p_holm": 0.1}
    own |= {"verdict": word, "status": status, "leakage": "", "pretraining_exposure": "none"}
    if status.startswith("not_applicable"):
        own |= dict.fromkeys(("delta", "low", "high"), float("nan")) | {"verdict": "not_applicable"}
    return {**own, **changes}


def score(recipe, budget, value, model="m", variant="", status="ok"):
    own = {"model": model, "recipe": recipe, "variant": variant, "selection": "fixed", "budget": budget}
    own |= {"budget_unit": "groups", **HEADLINE, "value": value, "low": value, "high": value, "interval": "groups"}
    own |= {"groups": 12, "seeds": 3, "status": status, "leakage": "", "pretraining_exposure": "none"}
    return {**own, "spread": ""}


def labelled(recipe, budget, saved, low, high, censored=""):
    own = {"model": "m", "recipe": recipe, "variant": "", "selection": "fixed", **HEADLINE, "budget": budget}
    own |= {"n_equivalent": 1.0, "saved": saved, "ratio": 1.0, "low": low, "high": high, "censored": censored}
    return {**own, **dict.fromkeys(("area", "area_low", "area_high"), 0.5), "status": "ok", "leakage": ""}


GAINS = {"full_finetune": {"1": 0.4, "4": -0.3}, "lp_ft": {"1": 0.02, "4": 0.01}, "pooled": {"1": -0.5, "4": 0.2}}
NAN = float("nan")


def write(folder, headline=HEADLINE, gains=GAINS, leakage=""):
    """Tables of one comparison: training from scratch has an error of 1, the naive reference of 2."""
    effects = [effect(name, budget, gain) for name, own in gains.items() for budget, gain in own.items()]
    effects.append(effect("full_finetune", "0", NAN, status="not_applicable: needs labels"))
    effects.append(effect("coral", "1", NAN, status="not_applicable: no unlabelled inputs"))
    board = [score("naive", budget, 2.0, "none", "climatology") for budget in ("0", "1", "4")]
    board += [score("target_only", budget, 1.0) for budget in ("1", "4")]
    board += [score(name, budget, 1.0 - gain) for name, own in gains.items() for budget, gain in own.items()]
    board += [score("full_finetune", "0", NAN), score("coral", "1", NAN)]
    board.append(score("embedding_only", "1", NAN, "none", status="not_applicable: needs one of the models refquery"))
    labels = [labelled("full_finetune", "1", 7.0, 2.0, float("inf"))]
    for name, columns, rows in (
        ("effects", tables.EFFECTS, effects),
        ("leaderboard", tables.LEADERBOARD, board),
        ("labels", tables.LABELS, labels),
    ):
        tables.write(folder / f"{name}.csv", columns, [{**row, **headline, "leakage": leakage} for row in rows])


def run(folder, scenarios, leakage="", **inputs):
    """`leakage` of the first scenario."""
    inputs |= {"effects": [], "leaderboards": [], "labels": []}
    for number, own in enumerate(scenarios):
        place = folder / str(number)
        place.mkdir(exist_ok=True)
        write(place, own["headline"], leakage="" if number else leakage)
        for name, file in (("effects", "effects"), ("leaderboards", "leaderboard"), ("labels", "labels")):
            inputs[name].append(str(place / f"{file}.csv"))
    outputs = {name: folder / f"{name}.csv" for name in ("summary", "negative", "ranks")}
    outputs["overview"] = folder / "overview.html"
    summarise.run(Job("summarise", inputs, outputs, {**SETTINGS, "scenarios": scenarios}))
    return {name: tables.read(path) for name, path in outputs.items() if name != "overview"}, outputs["overview"]


def test_a_scenario_with_leaks_counts_in_no_rate_and_no_rank(tmp_path):
    both = [scenario("leaky"), scenario("honest")]
    found, path = run(tmp_path, both, leakage="near duplicates")
    assert {row["scenario"] for row in found["summary"]} == {"leaky", "honest"}
    assert {row["recipe"]: row["pairs"] for row in found["negative"]}["full_finetune"] == "2"
    assert {row["worst_scenario"] for row in found["negative"]} == {"honest"}
    text = path.read_text()
    assert "leaks are known of them: <code>a/leaky</code>" in text and "From here to leaky" not in text
    assert "leaks are known" not in run(tmp_path, both)[1].read_text()


def test_a_recipe_that_can_not_run_has_a_cell_that_says_why(tmp_path):
    found, path = run(tmp_path, [scenario()])
    own = next(row for row in found["summary"] if row["recipe"] == "embedding_only")
    assert (own["budget"], own["delta"], own["verdict"]) == ("1", "", "not_applicable")
    assert "needs one of the models refquery" in path.read_text()
    assert not [name for name in ("negative", "ranks") for row in found[name] if row["recipe"] == "embedding_only"]


def test_the_alarm_of_shuffled_labels_is_no_method(tmp_path, monkeypatch):
    monkeypatch.setitem(GAINS, "shuffled_labels", {"1": -0.9, "4": -0.9})
    found, path = run(tmp_path, [scenario(), of_classes()])
    assert "shuffled_labels" in {row["recipe"] for row in found["summary"]}
    assert not [name for name in ("negative", "ranks") for row in found[name] if row["recipe"] == "shuffled_labels"]
    assert "shuffled_labels" not in path.read_text()


def test_tables_and_page_of_two_domains(tmp_path):
    found, path = run(tmp_path, [scenario(), of_classes()])
    own = {(r["domain"], r["recipe"], r["budget"]): r for r in found["summary"]}
    assert float(own["a", "full_finetune", "1"]["skill_gain"]) == pytest.approx(0.4 / 2)  # of the naive error
    assert own["a", "full_finetune", "1"]["saved_high"] == "inf"
    assert own["a", "coral", "1"]["skill_gain"] == ""
    harm = {row["recipe"]: row for row in found["negative"]}
    assert (harm["full_finetune"]["pairs"], harm["full_finetune"]["flagged"], harm["full_finetune"]["rate"]) == (
        *("4", "2", "0.5"),
    )
    ranked = {row["recipe"]: row for row in found["ranks"]}
    assert float(ranked["full_finetune"]["a"]) == pytest.approx((0.7 + 0.35) / 2)
    assert "coral" not in ranked
    text = path.read_text()
    assert "With 1 labelled tower, fine-tuning lowers the RMSE of yield by 0.40 g m-2 (0.35 to 0.45)" in text
    assert "With 4 labelled towers, fine-tuning raises the RMSE of yield by 0.30 g m-2 (0.25 to 0.35)" in text
    assert "Ranking across 2 domains is descriptive" in text and "there are 2 domains" in text
    first = {file.name: file.read_bytes() for file in tmp_path.glob("*.*")}
    run(tmp_path, [scenario(), of_classes()])
    assert first == {file.name: file.read_bytes() for file in tmp_path.glob("*.*")}


class Cells(HTMLParser):
    """Cells of the maps of gains, with their title and text; addresses and scripts."""

    def __init__(self, text):
        super().__init__()
        self.cells, self.outside, self.inside = [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.inside = (
            given if tag == "td" and given.get("class", "").split()[:1] in (["gain"], ["none"]) else self.inside
        )
        if self.inside is given:
            self.cells.append([given, ""])
        if tag in ("script", "link", "img", "iframe") or {"src", "href"} & set(given):
            self.outside.append(tag)

    def handle_endtag(self, tag):
        self.inside = None if tag == "td" else self.inside

    def handle_data(self, data):
        if self.inside is not None:
            self.cells[-1][1] += data


def test_no_cell_is_empty_without_a_reason_and_nothing_is_fetched(tmp_path):
    _, path = run(tmp_path, [scenario(), of_classes()])
    text = path.read_text()
    read = Cells(text)
    assert read.outside == [] and "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert len(read.cells) == 5 * 4  # recipes by scenarios and labelled budgets
    assert all(words_ and given["title"] for given, words_ in read.cells)
    reasons = dict(re.findall(r"<li><b>(\w+)</b> ([^<]+)</li>", text))
    blank = [words_ for given, words_ in read.cells if given["class"].startswith("none")]
    assert len(blank) == 8
    assert {reasons[words_.removeprefix("n/a").removeprefix("·")] for words_ in blank} == {
        "not applicable: no unlabelled inputs",
        "not applicable: needs one of the models refquery",
        "not among the recipes of this scenario",
    }


def row(delta=0.12, low=0.08, high=0.16, verdict="helps", budget="10", **changes):
    own = {"recipe": "full_finetune", "model": "m", "variant": "", "delta": str(delta), "low": str(low)}
    own |= {"high": str(high), "verdict": verdict, "budget": budget, "status": "ok", "interval": "groups"}
    own |= {"saved": "", "saved_low": "", "saved_high": "", "groups": "12", "seeds": "3", "skill_gain": 0.1}
    return {**own, **changes}


def about(own):
    return summarise.with_metric(own)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"saved": "40.2", "saved_low": "12", "saved_high": "61"},
            "With 10 labelled trips, fine-tuning gains 12 points of macro F1 (8 to 16) and saves about 40 labelled "
            "trips (12 to 61).",
        ),
        (
            {"saved": "> 200", "budget": "all"},
            "With all labelled trips of the pool, fine-tuning gains 12 points of macro F1 (8 to 16), better than "
            "training from scratch with 200 labelled trips.",
        ),
        (
            {"delta": -0.05, "low": -0.09, "high": -0.01, "verdict": "harms", "saved": "-3"},
            "With 10 labelled trips, fine-tuning loses 5 points of macro F1 (1 to 9) against training from scratch: "
            "it harms.",
        ),
        (
            {"delta": 0.02, "low": -0.03, "high": 0.07, "verdict": "unclear"},
            "With 10 labelled trips, it is unclear whether fine-tuning helps: the macro F1 changes by +2 points (−3 to "
            "+7).",
        ),
        ({"verdict": "unclear"}, "yet is not surely better than the naive reference: unclear."),
        ({"verdict": "harms"}, "yet does worse than the source model left as it is: it harms."),
        (
            {"delta": 0.02, "low": -0.03, "high": 0.07, "verdict": "harms"},
            "fine-tuning does worse than the source model left as it is, and so harms",
        ),
        ({"interval": "blocks", "verdict": "helps_here"}, ", which holds for these 12 test groups alone."),
        ({"low": "", "high": "", "verdict": "unclear"}, "+12 points (no interval: too few groups)."),
        ({"status": "failed: loss is not finite"}, "(which failed: loss is not finite, and is scored as the naive"),
    ],
)
def test_a_sentence_says_what_the_numbers_say(changes, expected):
    assert expected in words.sentence(about(of_classes()), row(**changes))


def test_an_error_that_falls_is_a_gain_and_days_are_the_first_ones():
    own = about(scenario(budget_axis="time", budget_words="days"))
    told = words.sentence(own, row(0.4123, 0.2, 0.6249, budget="30", saved="9.6", saved_low="-2", saved_high="inf"))
    assert told == (
        "With the first 30 labelled days, fine-tuning lowers the RMSE of yield by 0.41 g m-2 (0.20 to 0.62) and saves "
        "about 10 labelled days (−2 to more than were tried)."
    )
    assert "the RMSE of yield changes by −0.10 g m-2 (−0.30 to +0.10)" in words.sentence(
        own, row(0.1, -0.1, 0.3, verdict="unclear")
    )
    assert words.budget_words(own, "1") == "the first labelled day"


def test_the_recipe_that_is_spoken_of_is_fixed_beforehand_and_not_the_best():
    rows = [row(0.9, recipe="bss"), row(0.5, recipe="lp_ft"), row(-0.2, recipe="full_finetune")]
    assert [own["recipe"] for own in words.spoken_of(rows)] == ["full_finetune"]
    assert [own["recipe"] for own in words.spoken_of(rows[:2])] == ["lp_ft"]
    assert words.spoken_of([row(recipe="lp_ft", budget="0")]) == []


@pytest.mark.parametrize(
    ("changes", "mark"),
    [
        ({}, "▲"),
        ({"verdict": "unclear"}, "△"),
        ({"low": -0.2, "high": -0.1, "verdict": "harms"}, "▼"),
        ({"low": -0.2, "high": 0.1, "verdict": "harms"}, "▽"),
        ({"low": -0.2, "high": 0.1, "verdict": "unclear"}, ""),
        ({"low": "", "high": "", "verdict": "unclear"}, ""),
    ],
)
def test_marks(changes, mark):
    assert heatmap.mark_of(row(**changes)) == mark


def test_harm_is_as_visible_as_help():
    white = np.array([255, 255, 255])

    def rgb(text):
        return np.array([int(text[place : place + 2], 16) for place in (1, 3, 5)])

    for gain in (5.0, 20.0, 40.0, 90.0):
        far = [np.abs(white - rgb(heatmap.colour(own))).sum() for own in (gain, -gain)]
        assert 0.8 < far[0] / far[1] < 1.25
    assert heatmap.colour(40.0) == heatmap.colour(90.0) and heatmap.colour(0.0) == "#ffffff"
    assert (heatmap.ink("#ffffff"), heatmap.ink("#0072b2")) == ("#000000", "#ffffff")


def test_tables_stay_narrow_and_scenarios_together():
    columns = [("d", f"s{number}", "m", budget) for number in range(12) for budget in "1248"]
    panels = heatmap._panels(columns)
    assert [len(panel) for panel in panels] == [20, 20, 8]
    assert [column for panel in panels for column in panel] == columns
    assert [len(panel) for panel in heatmap._panels([("d", "s", "m", str(n)) for n in range(24)])] == [20, 4]


def test_a_failed_fit_is_marked(tmp_path):
    own = about(of_classes())
    cell = heatmap._cell(row(status="failed: diverged"), own, "dann", ("b", "s", "m", "10"), heatmap.Reasons(), "")
    assert "✕<sup>a</sup>" in cell and "failed: diverged" in cell


def test_many_reasons_have_marks_of_their_own():
    reasons = heatmap.Reasons()
    marks = [reasons.mark(f"reason {number}") for number in range(60)]
    assert len(set(marks)) == 60 and marks[25:28] == ["z", "aa", "ab"]


def test_a_run_without_labels_says_so():
    own = about(scenario())
    text = page.overview([own], [], [], [], [], {}, SETTINGS)
    assert "Nothing is trained from scratch here" in text
    assert "No scenario of this run has a labelled budget" in text


def test_ten_domains_have_a_diagram(tmp_path):
    _, path = run(tmp_path, [scenario(domain=f"d{number:02d}") for number in range(10)])
    text = path.read_text()
    assert "No critical-difference diagram" not in text and text.count("<svg") == 2


def test_networks_have_columns_of_their_own_and_other_learners_stand_beside_each():
    own = about(of_classes())
    rows = [row(model=model, domain="b", scenario="s") for model in ("m", "other")]
    rows.append(row(model="none", recipe="gradient_boosted_trees", variant="source", domain="b", scenario="s"))
    text = heatmap.tables([own], rows)
    assert len(Cells(text).cells) == 4
    assert text.count("<br>m<br>") == text.count("<br>other<br>") == 1
    assert "gradient boosted trees (source)" in text and 'class="reasons"' not in text
