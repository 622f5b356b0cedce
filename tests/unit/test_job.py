"""The harness: outputs appear whole or not at all, and two jobs are equal only if all that they depend on is."""

import pytest
from landbridge import job


def record(tmp_path, **changes):
    (tmp_path / "in.txt").write_text("1")
    base = {
        "stage": "pretrain",
        "settings": {"a": 1},
        "wildcards": {"seed": "0"},
        "modules": {},
        "code": "x",
        "threads": 1,
        "inputs": {"source": str(tmp_path / "in.txt")},
    }
    return {**base, **changes}


def test_outputs_are_renamed_when_the_stage_ends(tmp_path):
    target = tmp_path / "deep" / "a.nc"
    with job._finished({"a": str(target)}) as outputs:
        outputs["a"].write_text("whole")
        assert not target.exists()
    assert target.read_text() == "whole"
    assert [path.name for path in target.parent.iterdir()] == ["a.nc"]


def test_a_fault_leaves_the_old_output_and_no_trace(tmp_path):
    target = tmp_path / "a.nc"
    target.write_text("old")

    def fail():
        with job._finished({"a": str(target)}) as outputs:
            outputs["a"].write_text("half")
            raise ValueError

    with pytest.raises(ValueError):
        fail()
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.nc"]


def test_an_output_that_was_not_written_is_named(tmp_path):
    with pytest.raises(RuntimeError, match=r"did not write .*a\.nc"), job._finished({"a": str(tmp_path / "a.nc")}):
        pass


@pytest.mark.parametrize(
    "changes",
    [{"settings": {"a": 2}}, {"code": "y"}, {"wildcards": {"seed": "1"}}, {"threads": 2}, {"modules": {"model": "m"}}],
)
def test_identity_knows_settings_code_and_wildcards(tmp_path, changes):
    assert job.identity(record(tmp_path)) == job.identity(record(tmp_path))
    assert job.identity(record(tmp_path, **changes)) != job.identity(record(tmp_path))


def test_identity_knows_the_bytes_of_inputs(tmp_path):
    before = job.identity(record(tmp_path))
    made = record(tmp_path)
    (tmp_path / "in.txt").write_text("2")
    assert job.identity(made) != before
