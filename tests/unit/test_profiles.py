"""Profiles: the default one beats the others, so no key may stand in both."""

from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2] / "profiles"


def keys(name):
    return set(yaml.safe_load((ROOT / name / "config.yaml").read_text()))


def test_the_default_profile_shares_no_key_with_another():
    others = [path.parent.name for path in ROOT.glob("*/config.yaml") if path.parent.name != "default"]
    assert others
    for name in others:
        assert not keys("default") & keys(name), name


def test_every_profile_is_described():
    text = (ROOT / "README.md").read_text()
    for path in ROOT.glob("*/config.yaml"):
        assert f"`{path.parent.name}`" in text
