"""What a row of costs says of the job beside its seconds."""

import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from landbridge.stage import Job
from landbridge.train.cost import Meter

CHECKPOINT = "results/d/pretrain/s/lstm-group_dro/fold0-seed0.safetensors"


def row_of(device="cpu", inputs=None, fitted=None):
    job = Job("transfer", inputs or {}, {"cost": Path("x")}, {"recipe": "r"}, {"model": "lstm"}, device=device)
    return Meter(job).row(fitted, fits=1)


@pytest.mark.parametrize(
    ("device", "given", "computes", "told"),
    [
        ("cpu", None, 1.0, "no"),
        ("cpu", None, 0.5, "yes"),  # half of its seconds it had no core
        ("cuda:0", None, 0.5, "no"),  # under the lock of this machine's GPU
        ("cuda:0", "3", 0.5, "unknown"),  # a scheduler may give one GPU to several jobs
    ],
)
def test_whether_a_job_shared_what_it_ran_on(monkeypatch, device, given, computes, told):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if given is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    clock = iter([100.0, 110.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    computed = iter([5.0, 5.0 + 10 * computes])
    monkeypatch.setattr(time, "process_time", lambda: next(computed))
    found = row_of(device)
    assert (found["seconds"], found["shared"]) == (10.0, told)


def test_which_pretraining_a_job_begins_at():
    assert row_of(inputs={"source_weights": CHECKPOINT})["objective"] == "group_dro"
    assert row_of()["objective"] == ""


def test_notes_of_a_fit_fill_columns_that_are_empty_else():
    fitted = SimpleNamespace(counts=lambda: (1, 2), shipped_bytes=lambda: 3, notes={"effective_share": 0.5})
    assert row_of(fitted=fitted)["effective_share"] == 0.5
    assert row_of()["effective_share"] == ""
