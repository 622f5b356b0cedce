"""A network trained from a random start on labelled target data and on what the source network says of the same inputs.

Hinton et al. (2015), Distilling the knowledge in a neural network, arXiv 1503.02531, section 2: with a = `share` and
tau = `temperature` the loss is (1 - a) L_T + a tau^2 KL(p_teacher || p_student), both softened by tau; of a regression
(1 - a) L_T + a (f_student - f_teacher)^2 over standardised targets. The teacher is the pretrained network and stays as
it is. The student has its architecture, smaller where `student` changes settings of the network, and its scaler. In the
variant `unlabelled` the teacher labels the target's unlabelled inputs too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from landbridge.kinds import number
from landbridge.methods.checked import POSITIVE, check
from landbridge.methods.given import Fitted, Given, Penalty, Seen, Side

RIGHTS = ("source_weights", "target_labels")
RIGHTS_OF_VARIANTS = {"unlabelled": ("source_weights", "target_inputs", "target_labels")}
VARIANTS = ("plain", "unlabelled")
OBJECTIVE = "erm"
MODELS = "any"
PLACE = "A"
DEFAULTS: dict[str, Any] = {"rate": 1e-3, "share": 0.5, "temperature": 2.0, "student": {}}
SEARCH = {"share": (0.1, 0.9), "temperature": (1.0, 8.0)}


def softened_divergence(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """tau^2 KL(p_teacher || p_student) of each row: logits (n, class) to (n,)."""
    of_teacher = (teacher / temperature).log_softmax(1)
    of_student = (student / temperature).log_softmax(1)
    return temperature**2 * (of_teacher.exp() * (of_teacher - of_student)).sum(1)


class Teaching(Penalty):
    """What a student's outputs are from a teacher's, weighed by a.

    Args:
        teacher: a network that stays as it is, in evaluation mode.
        share: a.
        temperature: tau, of classes.
        task: regression, classification or segmentation.
    """

    features = False

    def __init__(self, teacher: Any, share: float, temperature: float, task: str) -> None:
        self.teacher = teacher.eval()
        self.share = share
        self.temperature = temperature
        self.task = task

    def distance(self, own: Seen) -> Tensor:
        """Mean over the scored steps of a regression, over windows or chips, or over pixels with a weight; scalar."""
        with torch.no_grad():
            taught = self.teacher(*own.batch.inputs)
        outputs = own.outputs
        if self.task == "regression":
            scored = own.batch.labels.shape[1]
            return (outputs[:, -scored:] - taught[:, -scored:]).square().mean()
        if self.task == "segmentation":
            real = own.batch.weights > 0  # (b, y, x)
            if not real.any():
                return outputs.new_zeros(())
            outputs, taught = (x.movedim(1, -1)[real] for x in (outputs, taught))
        elif outputs.ndim == 3:
            outputs, taught = outputs[:, -1], taught[:, -1]
        return softened_divergence(outputs, taught, self.temperature).mean()

    def __call__(self, seen: Sequence[Seen], progress: float) -> Tensor:
        """The mean over the sides."""
        return self.share * torch.stack([self.distance(own) for own in seen]).mean()


def fit(given: Given) -> Fitted:
    """A student of the pretrained network.

    Raises:
        StageError: a share outside 0..1, or a setting of the student that the model does not have.
    """
    settings = given.settings
    part = number("a number above 0 and below 1", above=0, below=1)
    check(settings, "distillation", rate=POSITIVE, share=part, temperature=POSITIVE)
    share = settings["share"]
    target = given.target
    teacher: Any = given.pretrained()
    student = given.untrained_like(teacher, settings["student"])
    sides = [Side("target", target, 1 - share)]
    if given.variant == "unlabelled":
        sides.append(Side("unlabelled", given.unlabelled, labelled=False, by_group=True))
    penalty = Teaching(teacher.network, share, settings["temperature"], target.task)
    given.train(student, sides, rate=settings["rate"], penalty=penalty)
    return student
