"""torchvision as tests may import it: also a build for CUDA beside a torch for CPUs."""

import importlib.util
from pathlib import Path

import torch

MISSING = ("nms", "qnms")  # operators that torchvision names when it is imported, and that no residual network uses
_KEPT = []


def torchvision_models():
    """`torchvision.models`. Where the compiled operators do not load, those it names are declared in their place."""
    folder = Path(importlib.util.find_spec("torchvision").submodule_search_locations[0])
    if not _KEPT:
        try:
            torch.ops.load_library(next(folder.glob("_C*")))
            _KEPT.append(None)
        except OSError:
            library = torch.library.Library("torchvision", "DEF")
            for name in MISSING:
                library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            _KEPT.append(library)  # which would be gone with the library
    import torchvision.models

    return torchvision.models
