"""Both layouts of the twin: equal bytes in any folder, another seed, settings that are refused."""

import pytest
from landbridge.domains.satellite_imagery import twin
from landbridge.stage import StageError

from tests.unit.domains.satellite_imagery.twins import digest, write

TINY_FIRES = {"size": 64, "north": 3, "med": 2, "peat": 1}
TINY_TILES = {"layout": "eurosat", "size": 16, "tiles_per_class": 5}


@pytest.mark.parametrize("options", [TINY_FIRES, TINY_TILES], ids=["cube", "eurosat"])
def test_equal_arguments_give_equal_bytes_and_another_seed_does_not(tmp_path, options):
    once = digest(write(tmp_path / "once", **options))
    assert digest(write(tmp_path / "elsewhere" / "again", **options)) == once
    for name, other in (("seed", {"seed": 2}), ("name", {"dataset": "other"})):
        changed = digest(write(tmp_path / name, **options, **other))
        assert set(changed) == set(once)
        assert not {key for key in once if changed[key] == once[key] and not key.endswith(".hdr")}


def test_more_fires_leave_the_others_as_they_were(tmp_path):
    few = digest(write(tmp_path / "few", size=64, north=1, med=1, peat=1, envi=False))
    more = digest(write(tmp_path / "more", size=64, north=1, med=1, peat=2, envi=False))
    assert {name for name, value in few.items() if more[name] != value} == {"scenes.csv", "truth_parameters.csv"}
    assert not any(name.endswith(".bin") for name in more)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"layout": "cubes"}, "twin.layout: 'cubes' is not known; write cube or eurosat"),
        ({"shift": "none"}, "twin.shift: 'none' is not known; write related or unrelated"),
        ({"size": 32}, "twin.size: 32 is out of range; write a whole number 64 to 1024"),
        ({"layout": "eurosat", "size": 128}, "twin.size: 128 is out of range; write a whole number 16 to 64"),
        ({"peat": 0}, "twin.peat: 0 is out of range"),
        ({"north": 2.5}, "twin.north: 2.5 is out of range"),
        ({"med": True}, "twin.med: True is out of range"),
        ({"tiles_per_class": 40}, "twin.tiles_per_class: layout cube has none; leave it out, or write layout: eurosat"),
        ({"layout": "eurosat", "peat": 3}, "twin.peat: layout eurosat has none; leave it out, or write layout: cube"),
        ({"layout": "eurosat", "envi": True}, "twin.envi: layout eurosat has none"),
        ({"envi": "yes"}, "twin.envi: 'yes' is not known; write true or false"),
    ],
)
def test_settings_that_make_no_sense_are_refused(tmp_path, options, text):
    with pytest.raises(StageError, match=text):
        twin.write_twin(tmp_path, "twin_fires", 1, **options)
    assert not list(tmp_path.iterdir())
