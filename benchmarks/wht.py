"""The fast Walsh-Hadamard transform against the dense matrix product: `python benchmarks/wht.py`.

Both transform the same million numbers as chips of a size, forwards and for the gradient, one after the other in each
repeat, so that the machine's own speed drops out of the ratio:

- fast: `landbridge.models.walsh_hadamard.transform`, channels last.
- dense: H X H with the matrix H, channels first.

Prints milliseconds as medians and dense over fast as a median of pairs, by size, on the processor and on a GPU where
there is one.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from landbridge.models.walsh_hadamard import transform

SIZES = (8, 16, 32, 64, 128, 256)
NUMBERS = 2**20  # at each size
CHANNELS = 16


def dense_matrix(size, device):
    """H of a size, a power of two."""
    matrix = torch.ones(1, 1, device=device)
    while len(matrix) < size:
        matrix = torch.cat([torch.cat([matrix, matrix], 1), torch.cat([matrix, -matrix], 1)]) / 2**0.5
    return matrix


def seconds(function, x):
    """Wall time of a transform and of its gradient."""
    x = x.detach().requires_grad_()
    if x.is_cuda:
        torch.cuda.synchronize()
    begun = time.perf_counter()
    found = function(x)
    found.backward(torch.ones_like(found))
    if x.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - begun


def compare(size, device, repeats):
    """Median seconds of both, and the median of their ratios."""
    matrix = dense_matrix(size, device)
    chips = max(1, NUMBERS // (size * size * CHANNELS))
    x = torch.randn(chips, CHANNELS, size, size, device=device)
    rows = x.flatten(2).transpose(1, 2).contiguous()
    difference = transform(rows).transpose(1, 2).unflatten(-1, (size, size)) - matrix @ x @ matrix
    assert float(difference.abs().max()) < 1e-3
    pairs = []
    for _ in range(repeats + 2):
        pairs.append((seconds(transform, rows), seconds(lambda own: matrix @ own @ matrix, x)))
    pairs = pairs[2:]  # the first ones warm up
    fast, dense = (statistics.median(column) for column in zip(*pairs, strict=True))
    return fast, dense, statistics.median(two / one for one, two in pairs)


def main():
    """Every size on every device at hand."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--threads", type=int, default=1)
    own = parser.parse_args()
    torch.set_num_threads(own.threads)
    for device in ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]:
        print(f"{device}, {own.threads} thread{'s' if own.threads > 1 else ''}" if device == "cpu" else device)
        for size in SIZES:
            fast, dense, ratio = compare(size, device, own.repeats)
            print(f"  {size:4d}  fast {1e3 * fast:8.2f} ms  dense {1e3 * dense:8.2f} ms  dense / fast {ratio:5.2f}")


if __name__ == "__main__":
    main()
