"""Data that lie in files, gathered there and trained on a GPU."""

import numpy as np
import pytest
import torch
from landbridge.io import mapped, netcdf
from landbridge.prepare.scaling import fit_scaler
from landbridge.train.layout import Layout
from landbridge.train.samples import Samples

from tests import synthetic

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("task", ["regression", "classification", "segmentation"])
def test_batches_on_a_gpu_are_the_same_from_files(tmp_path, monkeypatch, task):
    monkeypatch.setattr(mapped, "LEAST", 1)
    synthetic.write(tmp_path / "a.nc", task)
    both = []
    for in_files in (False, True):
        dataset = netcdf.read(tmp_path / "a.nc", in_files=in_files)
        layout = Layout.of(synthetic.settings(task), dataset)
        samples = Samples(dataset, layout, "cuda:0")
        assert samples.values.is_cuda is not in_files
        batch = samples.tensors.scaled(fit_scaler([dataset], *layout.scaler_arguments())).batch(torch.arange(20))
        assert all(tensor.is_cuda for tensor in (*batch.inputs, batch.labels, batch.weights))
        both.append([tensor.cpu().numpy() for tensor in (*batch.inputs, batch.labels, batch.weights)])
    for resident, from_files in zip(*both, strict=True):
        np.testing.assert_array_equal(resident, from_files)
