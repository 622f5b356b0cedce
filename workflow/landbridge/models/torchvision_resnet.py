"""A residual network of torchvision, an optional package, for chips of any bands: one class for a chip.

He et al. (2016), arXiv 1512.03385. `variant` is one of torchvision's residual networks, such as resnet18 or resnet50;
`weights` a file with the weights that torchvision publishes for it, or others in the same names. Four halvings and more
make chips of 64 pixels or larger fit it. Its 1x1 convolutions, which low-rank changes act on, are the shortcuts in
resnet18 and resnet34.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from landbridge.models.convolutions import Chain, halved_by_three
from landbridge.models.network import Network, join_static_to_chips
from landbridge.models.shape import Shape
from landbridge.stage import StageError

KIND = "chips"
PARTS = ("stem", "stage1", "stage2", "stage3", "stage4", "head")
DEFAULTS: dict[str, Any] = {
    "variant": "resnet18",
    "weights": None,
    "weights_bands": ["red", "green", "blue"],
    "weights_exposure": None,
}
# Part here by what torchvision calls it.
PUBLISHED_NAMES = {
    "conv1": "stem.convolution",
    "bn1": "stem.norm",
    "layer1": "stage1",
    "layer2": "stage2",
    "layer3": "stage3",
    "layer4": "stage4",
    "fc": "head",
}
SHRINKS = 32  # times, from rows of a chip to rows of the last stage
INSTALL = "install the packages of envs/torchvision.txt"


class TorchvisionResNet(Network):
    """Stem, the four stages of a network of torchvision, the mean over pixels, and a head.

    Args:
        shape: sizes.
        made: the network of torchvision, whose stages are taken over.
    """

    levels = ("stage1", "stage2", "stage3", "stage4")

    def __init__(self, shape: Shape, made: Any) -> None:
        super().__init__()
        width = made.conv1.out_channels
        stem = nn.Conv2d(shape.inputs + shape.static, width, 7, stride=2, padding=3, bias=False)
        parts: dict[str, nn.Module] = {
            "stem": Chain({"convolution": stem, "norm": made.bn1}, activated=("norm",)),
            **{f"stage{number}": getattr(made, f"layer{number}") for number in (1, 2, 3, 4)},
            "head": nn.Linear(made.fc.in_features, shape.outputs),
        }
        self.parts = nn.ModuleDict(parts)

    def features(self, x: Tensor, static: Tensor) -> Tensor:
        """(b, inputs, y, x) to (b, channels of the last stage).

        Raises:
            ValueError: chips that end as a single row or column of pixels.
        """
        if min(x.shape[2:]) <= SHRINKS:  # one pixel of one chip has no variance
            raise ValueError(
                f"chips of {x.shape[2]} by {x.shape[3]} pixels are too small for a network that makes them {SHRINKS} "
                f"times smaller; cut them with 64 pixels a side, or take the model resnet"
            )
        x = halved_by_three(self.parts["stem"](join_static_to_chips(x, static)))
        for name in self.levels:
            x = self.parts[name](x)
        return x.mean((2, 3))


def torchvision_models() -> Any:
    """The module `torchvision.models`.

    Raises:
        StageError: torchvision is not installed, or is a build for another torch.
    """
    try:
        import torchvision.models
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != "torchvision":
            raise
        raise StageError(f"the model torchvision_resnet needs torchvision, which is not here; {INSTALL}") from error
    except (ImportError, OSError, RuntimeError) as error:  # compiled parts that do not load beside this torch
        raise StageError(
            f"torchvision does not load beside this torch ({error}); install both from one place and of one kind, for "
            f"CPUs or for CUDA, in the versions of envs/torchvision.txt"
        ) from error
    return torchvision.models


def build(shape: Shape, settings: Mapping[str, Any]) -> Network:
    """The network for chips of `shape`.

    Raises:
        ValueError: torchvision has no residual network of that name.
        StageError: as `torchvision_models`.
    """
    offered, variant = torchvision_models(), {**DEFAULTS, **settings}["variant"]
    networks = [name for name in offered.list_models(module=offered) if "resnet" in name or "resnext" in name]
    if variant not in networks:
        raise ValueError(
            f"torchvision has no residual network '{variant}'; write variant: one of {', '.join(networks)}"
        )
    return TorchvisionResNet(shape, offered.get_model(variant, weights=None))
