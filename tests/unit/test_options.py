"""The reference of options is that of the code, and the command line tells faults from files that are in order."""

import json

import pytest
from landbridge import options
from landbridge.__main__ import main
from landbridge.settings import Domain, Scenario, UserConfig
from landbridge.stage import StageError

STALE = "is not what the code says; write it anew with `make docs`"


def test_the_schema_is_that_of_the_code():
    assert (options.FOLDER / "schema.json").read_text() == options.schema_text(), f"config/schema.json {STALE}"


def test_the_tables_are_those_of_the_code():
    text = (options.FOLDER / "README.md").read_text()
    assert text == options.with_tables(text), f"config/README.md {STALE}"


def test_every_key_says_what_it_means():
    tables = options.tables()
    for model, heading in options.TABLES:
        assert f"### {heading}\n" in tables
        for name, field in model.model_fields.items():
            assert field.description, f"{model.__name__}.{name} has no description"
            assert f"| `{name}` |" in tables


def test_every_table_that_is_pointed_to_exists():
    anchors = {heading.lower().replace(",", "").replace(" ", "-") for _, heading in options.TABLES}
    for part in options.tables().split("](#")[1:]:
        assert part.split(")")[0] in anchors


def test_the_schema_requires_nothing_of_an_override():
    schema = options.schema()
    assert "required" not in schema
    assert schema["additionalProperties"] == {"$ref": "#/$defs/Domain"}
    for name in ("Domain", "Scenario", "Window"):
        assert "required" not in schema["$defs"][name]
    assert set(schema["properties"]) == set(UserConfig.model_fields)
    assert set(schema["$defs"]["Scenario"]["properties"]) == set(Scenario.model_fields)
    assert set(schema["$defs"]["Domain"]["properties"]) == set(Domain.model_fields)


def test_the_schema_has_bounds_choices_and_words():
    properties = options.schema()["properties"]
    assert properties["seeds"]["minimum"] == 1
    assert properties["tier"]["enum"] == ["twin", "real"]
    assert {"type": "string"} in properties["mirror"]["anyOf"]
    assert {"enum": [False, None]} in options.schema()["$defs"]["Scenario"]["properties"]["quality"]["anyOf"]


def test_a_file_that_is_up_to_date_is_not_written(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"Before\n\n{options.BEGIN}\nold\n{options.END}\n\nafter\n")
    assert options.write(tmp_path) == [tmp_path / "schema.json", readme]
    assert readme.read_text().startswith(f"Before\n\n{options.BEGIN}\n### ")
    assert readme.read_text().endswith(f"{options.END}\n\nafter\n")
    assert options.write(tmp_path) == []


def test_a_readme_without_markers_is_refused():
    with pytest.raises(StageError, match="must hold the line <!-- options --> once; write it where the tables belong"):
        options.with_tables("no markers here")


def test_check_tells_what_a_file_runs(tmp_path, capsys):
    file = tmp_path / "mine.yaml"
    file.write_text("seeds: 5\n")
    assert main(["config", "check", str(file)]) == 0
    assert capsys.readouterr().out.startswith(f"{file}: in order. Tier twin, seeds 5, domains ")


def test_check_tells_faults_and_fails(tmp_path, capsys):
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text("seeds: 5\ntier: twn\n")
    second.write_text("seeds: -5\n")
    assert main(["config", "check", str(first), str(second)]) == 1
    assert capsys.readouterr().err == (
        "the configuration has 2 faults:\n"
        f"  {first}, line 2: tier: 'twn' is not allowed; did you mean 'twin'?\n"
        f"  {second}, line 1: seeds: -5 is out of range; write a number from 1 on\n"
    )


def test_schema_and_options_are_printed(capsys):
    assert main(["config", "schema"]) == 0
    assert json.loads(capsys.readouterr().out) == options.schema()
    assert main(["config", "options"]) == 0
    assert capsys.readouterr().out == options.tables()


def test_a_record_that_does_not_exist_is_one_line(tmp_path, capsys):
    assert main(["replay", str(tmp_path / "none.job.json")]) == 1
    assert "no such record; name a .job.json file under results/logs" in capsys.readouterr().err
