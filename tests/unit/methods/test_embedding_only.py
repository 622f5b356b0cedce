"""What all homes learn together, and what each learns after that."""

import numpy as np
import pytest
from landbridge.methods import embedding_only


class Target:
    def uses(self):
        return np.array([0, 1, 50])


class Given:
    """Keeps what a recipe asks for."""

    target = Target()

    def __init__(self, begun=None):
        self.settings = {**embedding_only.DEFAULTS, "share_of_common_steps": 0.5, "share_of_steps": 0.25}
        self.start, self.calls = begun, []

    def begun(self):
        return self.start

    def pretrained(self):
        return "pretrained"

    def train(self, learner, sides, **asked):
        self.calls.append((learner, [side.samples for side in sides], asked))


def test_all_groups_together_are_not_held_to_the_source():
    given = Given()
    assert embedding_only.begin(given) == "pretrained"
    [(learner, samples, asked)] = given.calls
    assert learner == "pretrained"
    assert samples == [given.target]
    assert asked == {"parts": "embedding", "rate": 1e-2, "share_of_steps": 0.5}


@pytest.mark.parametrize("start", [None, "of all groups"])
def test_each_group_starts_from_what_all_have_learned_and_is_held_by_what_it_has_not_used(start):
    given = Given(start)
    assert embedding_only.fit(given) == (start or "pretrained")
    [(learner, _, asked)] = given.calls
    assert learner == (start or "pretrained")
    assert asked == {"parts": "embedding", "rate": 1e-2, "share_of_steps": 0.25, "pull": [0.5, 0.5, 0.01]}
