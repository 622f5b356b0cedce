"""Two datasets as one transfer."""

import numpy as np
import pytest
from landbridge.contract import Dataset
from landbridge.prepare import join
from landbridge.stage import StageError


def two(made, **options):
    settings = made.settings(source={"dataset": "here", "where": {}}, target={"dataset": "there", "where": {}})
    settings |= {"source": {"dataset": "here", "where": {}}, "target": {"dataset": "there", "where": {}}}
    here = made.series([{"name": f"home{n}", "group": f"h{n}"} for n in range(6)])
    there = made.series(
        [{"name": f"home{n}", "group": f"t{n}", "lat": 50 + n} for n in range(4, 10)], seed=1, **options
    )
    return here, settings, there


def test_homes_of_two_datasets_with_one_name_are_told_apart(made, cut):
    found = cut(*two(made))
    names = {row["unit"] for row in found["table"]}
    assert names == {
        *(f"home{n}" for n in (0, 1, 2, 3, 6, 7, 8, 9)),
        "here/home4",
        "here/home5",
        "there/home4",
        "there/home5",
    }


def test_datasets_that_do_not_go_together_are_refused(made, cut):
    here, settings, there = two(made)
    kelvin = Dataset({**there.variables, "warmth": made.on_obs(there["warmth"], "input", units="K")}, there.attributes)
    with pytest.raises(StageError, match=r"warmth: units is \['1'\] in the source and \['K'\] in the target"):
        cut(here, settings, kelvin)
    monthly = Dataset(there.variables, {**there.attributes, "step": "month"})
    with pytest.raises(StageError, match="steps of a day and a month"):
        cut(here, settings, monthly)


def test_truth_and_products_that_the_target_alone_has_are_kept(made):
    here, _, there = two(made)
    product = made.on_obs(there["warmth"] + 1, "product")
    there = Dataset({**there.variables, "model": product, "extra": made.on_obs(there["warmth"], "input")}, {})
    here = Dataset({name: one for name, one in here.variables.items() if name != "uptake_truth"}, {})
    found = join.join(here, there)
    rows = len(here["warmth"])
    for name in ("model", "uptake_truth"):
        assert np.isnan(found[name][:rows]).all()
        np.testing.assert_array_equal(found[name][rows:], there[name])
    assert "extra" not in found
