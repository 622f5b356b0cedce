"""One job per GPU, whoever started it."""

import multiprocessing
import time

from landbridge import device


def test_cpu_where_there_is_no_gpu(monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    with device.acquire(gpus=0, folder=tmp_path) as granted:
        assert granted == "cpu"


def test_the_schedulers_choice_stands(monkeypatch, tmp_path):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    with device.acquire(gpus=0, folder=tmp_path) as granted:
        assert granted == "cuda:0"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with device.acquire(gpus=4, folder=tmp_path) as granted:
        assert granted == "cpu"


def test_two_local_gpus_go_to_two_jobs(monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    with device.acquire(gpus=2, folder=tmp_path) as first, device.acquire(gpus=2, folder=tmp_path) as second:
        assert {first, second} == {"cuda:0", "cuda:1"}


def _hold(folder, queue):
    with device.acquire(gpus=1, folder=folder):
        queue.put(("in", time.monotonic()))
        time.sleep(0.3)
        queue.put(("out", time.monotonic()))


def test_one_gpu_is_never_shared(monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(device, "POLL_SECONDS", 0.02)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    jobs = [context.Process(target=_hold, args=(tmp_path, queue)) for _ in range(3)]
    for job in jobs:
        job.start()
    events = [queue.get(timeout=20) for _ in range(6)]
    for job in jobs:
        job.join()
    in_use = 0
    for event, _ in sorted(events, key=lambda item: item[1]):
        in_use += 1 if event == "in" else -1
        assert in_use in (0, 1)
