"""Fires and air of the twin: severity, labels, what burned ground looks like, smoke, cloud, masks with errors."""

import numpy as np
import pytest
from landbridge.domains.satellite_imagery.air import Air, draw_air, flag_clouds
from landbridge.domains.satellite_imagery.burns import draw_burn, estimated_fraction
from landbridge.domains.satellite_imagery.landscape import fractal
from landbridge.domains.satellite_imagery.regions import read_region
from landbridge.domains.satellite_imagery.spectra import bands, spectrum
from landbridge.domains.satellite_imagery.twin_scene import draw_scene
from landbridge.prepare.streams import generator

ALL = np.ones((128, 128), bool)


def random(seed=1):
    return np.random.default_rng(seed)


def burns(name, count=10, **options):
    return [draw_burn(read_region(name), ALL, random(seed), **options) for seed in range(count)]


def air(depth=0.0, opacity=0.0, shadow=0.0):
    return Air(*(np.full((1, 1), value) for value in (depth, opacity, shadow)))


def test_the_label_is_severity_above_its_limit_and_water_does_not_burn():
    burnable = ALL.copy()
    burnable[:, 64:] = False
    burn = draw_burn(read_region("north"), burnable, random())
    assert np.array_equal(burn.label, burn.severity > 0.2)
    assert burn.label.any() and not burn.severity[:, 64:].any()
    assert burn.fraction[burn.severity == 0].max() == 0 and burn.fraction.max() == 1
    assert ((burn.severity > 0) & ~burn.label).any()  # singed, and not called burned


def test_fires_on_peat_are_small_and_never_severe():
    dry, peat = burns("north"), burns("peat")
    assert max(burn.severity.max() for burn in dry) == 1
    assert max(burn.severity.max() for burn in peat) == pytest.approx(0.7)
    large, small = (sum(burn.label.sum() for burn in own) / sum(burn.patches for burn in own) for own in (dry, peat))
    assert small / large == pytest.approx(1 / 3, abs=0.12)


def test_patches_have_unburned_islands():
    islands = 0
    for burn in burns("north", 6):
        around = np.pad(burn.severity > 0, 1)
        inside = around[1:-1, :-2] & around[1:-1, 2:] & around[:-2, 1:-1] & around[2:, 1:-1] & ~around[1:-1, 1:-1]
        islands += int(inside.sum())
    assert islands > 0


def test_char_ash_and_what_grows_back():
    mineral = burns("north", 4)
    found = np.concatenate([burn.surface[:, burn.label].T for burn in mineral])
    charred, ash = ((found == spectrum(name)).all(axis=1) for name in ("char_mineral", "ash"))
    assert np.all(charred ^ ash) and charred.any() and ash.any()
    severe = np.concatenate([burn.surface[:, burn.severity > 0.8].T for burn in mineral])
    assert (severe == spectrum("ash")).all(axis=1).mean() == pytest.approx(0.05, abs=0.02)
    char, fern = spectrum("char_peat"), spectrum("peat_fern_shrub")
    for burn in burns("peat", 4):
        own = burn.surface[:, burn.severity < 0.5].T
        share = (own - char) @ (fern - char) / ((fern - char) @ (fern - char))
        assert np.allclose(own, (1 - share[:, None]) * char + share[:, None] * fern)
        assert share.min() >= 0 and share.max() <= 0.4 + 1e-9 and 0 < burn.regrown < 0.4


def test_unrelated_fires_have_the_same_outlines_and_leave_bright_green_ground():
    for own, other in zip(burns("peat", 3), burns("peat", 3, unrelated=True), strict=True):
        assert np.array_equal(own.severity, other.severity)
        near, red = (other.surface[bands().index(name)] for name in ("B8A", "B04"))
        assert near.min() > 0.3 and red.min() > 0.15
        assert own.surface[bands().index("B8A")][own.severity < 0.5].max() < 0.2


def test_the_burned_fraction_is_found_where_nothing_disturbs():
    unburned, burned = spectrum("conifer")[:, None, None], spectrum("char_mineral")[:, None, None]
    for share in (0, 0.3, 1):
        seen = (1 - share) * unburned + share * burned
        assert estimated_fraction(seen, unburned, burned, 0.01 + seen) == pytest.approx(share)


def test_smoke_follows_its_formula():
    seen = air(depth=1.0).through(np.full((13, 1, 1), 0.1)).ravel()
    passed = np.exp(-((np.array([443, 2202]) / 550) ** -1.5))
    assert seen[[0, -1]] == pytest.approx(0.1 * passed**2 + 0.25 * (1 - passed))
    assert seen[0] > seen[-1]
    assert air().through(np.full((13, 1, 1), 0.1)) == pytest.approx(0.1)


def test_cloud_hides_the_ground_and_its_shadow_darkens_it():
    ground = np.full((13, 1, 1), 0.2)
    assert air(opacity=1.0).through(ground).ravel() == pytest.approx(spectrum("cloud"))
    assert air(shadow=1.0).through(ground) == pytest.approx(0.45 * 0.2)


def test_smoke_rises_from_burned_ground_alone():
    burned = np.zeros((64, 64), bool)
    assert not draw_air(64, (0.5, 1), (0, 0), burned, random()).depth.any()
    burned[30:34, 30:34] = True
    found = draw_air(64, (0.5, 1), (0.1, 0.1), burned, random())
    assert 0.5 <= found.depth.max() <= 1
    assert (found.opacity > 0).mean() == pytest.approx(0.1, abs=0.01)
    assert found.shadow.any() and not ((found.shadow > 0) & (found.opacity > 0)).any()


def test_the_cloud_mask_misses_a_tenth_and_takes_a_twentieth_of_clear_ground_for_cloud():
    clouded = fractal(128, random(3)) > 1
    flagged = flag_clouds(clouded, random(4))
    assert flagged[clouded].mean() == pytest.approx(0.9, abs=0.01)
    assert flagged[~clouded].mean() == pytest.approx(0.05, abs=0.01)
    assert flag_clouds(np.ones((64, 64), bool), random()).mean() == pytest.approx(0.9, abs=0.01)


@pytest.mark.parametrize("name", ["north", "med", "peat"])
def test_one_who_knows_all_but_the_noise_finds_nearly_every_burned_pixel(name):
    scene = draw_scene(read_region(name), 64, lambda purpose: generator("test", name, purpose))
    clear, label = ~scene.air_after.clouded, scene.burn.label
    hit, either = (scene.ceiling & label & clear).sum(), ((scene.ceiling | label) & clear).sum()
    assert 0.9 < hit / either <= 1
    assert (scene.ceiling != label).any()  # noise leaves it some errors
