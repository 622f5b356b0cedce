"""One job per GPU, whoever started it."""

import itertools
import multiprocessing
import time

import pytest
from landbridge import device


def test_cpu_where_there_is_no_gpu(monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    with device.acquire(gpus=[], folder=tmp_path) as granted:
        assert granted == "cpu"


def test_the_schedulers_choice_stands(monkeypatch, tmp_path):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    with device.acquire(folder=tmp_path) as granted:
        assert granted == "cuda:0"
    for none in ("", "-1", "NoDevFiles"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", none)
        with device.acquire(folder=tmp_path) as granted:
            assert granted == "cpu"


def test_a_list_that_a_user_set_is_locked_as_well(monkeypatch, tmp_path):
    monkeypatch.setattr(device, "POLL_SECONDS", 0.02)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,3")
    with device.acquire(folder=tmp_path) as first, device.acquire(folder=tmp_path) as second:
        assert {first, second} == {"cuda:0", "cuda:1"}
        assert {path.name for path in tmp_path.iterdir()} == {"gpu1-slot0.lock", "gpu3-slot0.lock"}


def test_a_job_of_a_scheduler_has_what_it_was_given_and_no_more(monkeypatch, tmp_path):
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert device.visible_gpus() == []
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    with device.acquire(folder=tmp_path) as one:
        monkeypatch.setenv("SLURM_JOB_ID", "8")  # whose GPU 0 is another one
        with device.acquire(folder=tmp_path) as other:
            assert one == other == "cuda:0"


def test_a_gpu_that_torch_cannot_use_gives_way_to_the_processor(monkeypatch, caplog):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device.usable("cuda:0") == "cpu"
    assert "can't use it" in caplog.text
    assert device.usable("cpu") == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert device.usable("cuda:1") == "cuda:1"


def test_places_are_spread_over_gpus(monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    two = {"share": 2, "gpus": ["0", "1"], "folder": tmp_path}
    with device.acquire(**two) as first, device.acquire(**two) as second, device.acquire(**two) as third:
        assert {first, second} == {"cuda:0", "cuda:1"}
        assert third == "cuda:0"


def _hold(folder, share, queue):
    with device.acquire(share, gpus=["0"], folder=folder):
        queue.put(1)
        time.sleep(0.3)
        queue.put(-1)


@pytest.mark.parametrize("share", [1, 2])
def test_as_many_jobs_train_on_a_gpu_as_share_it(monkeypatch, tmp_path, share):
    monkeypatch.setattr(device, "POLL_SECONDS", 0.02)
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    jobs = [context.Process(target=_hold, args=(tmp_path, share, queue)) for _ in range(4)]
    for job in jobs:
        job.start()
    in_use = list(itertools.accumulate(queue.get() for _ in range(8)))
    for job in jobs:
        job.join()
    assert max(in_use) == share
