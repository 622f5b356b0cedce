"""Weights from elsewhere must say whether they may have seen the target, and every row of the tables repeats it."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from landbridge.config import ConfigError
from landbridge.offered import read_config
from landbridge.plan import Plan


def exposed(exposure=None, of_scenario=False):
    """A configuration whose `resnet` begins at a file."""
    own = {"weights": "a.pth"} | ({} if exposure is None else {"weights_exposure": exposure})
    if of_scenario:
        return {"twin": {"twin_landcover": {"models": {"resnet": own}}}}
    return {"models": {"resnet": own}}


@pytest.mark.parametrize("of_scenario", [False, True])
def test_weights_from_elsewhere_must_say_whether_they_may_have_seen_the_target(of_scenario):
    for value, problem in ((None, "is missing, and weights from elsewhere"), ("perhaps", "is 'perhaps'")):
        own = {"domains": ["satellite_imagery"], "satellite_imagery": exposed(value, of_scenario)}
        with pytest.raises(ConfigError) as error:
            read_config(own, [])
        (text,) = error.value.texts
        assert f"models.resnet.weights_exposure: {problem}" in text
        assert "write yes, no or unknown: whether what they were trained on holds the target" in text


def test_the_exposure_reaches_the_comparison_and_no_training(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.pth").write_bytes(b"weights")
    wildcards = SimpleNamespace(domain="satellite_imagery", scenario="twin_landcover", model="resnet", objective="erm")
    seen = {}
    for told in (True, "unknown"):  # YAML reads a bare yes as true
        own = {"domains": ["satellite_imagery"], "scenarios": ["twin_landcover"], "satellite_imagery": exposed(told)}
        slices = Plan(read_config(own, [])).slices
        seen[told] = slices.compare(wildcards)["pretraining_exposure"], slices.pretrain(wildcards)
    assert [found for found, _ in seen.values()] == [{"resnet": "yes"}, {"resnet": "unknown"}]
    assert seen[True][1] == seen["unknown"][1]
    assert "weights_exposure" not in seen[True][1]["network"]
