"""The twin keeps its promises: balance, quality, planted towers, shifts, equal bytes."""

import hashlib
from collections import Counter

import numpy as np
import pyarrow.parquet as pq
import pytest
from landbridge.domains.flux_towers import towers, twin
from landbridge.domains.flux_towers.carbonfluxbench import read_carbonfluxbench
from landbridge.stage import StageError

SIZES = {"source_towers": 20, "target_towers": 12, "years": 1}


def write(folder, **options):
    folder.mkdir()
    twin.write_twin(folder, "twin_towers", options.pop("seed", 1), **{**SIZES, **options})
    return folder


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write(tmp_path_factory.mktemp("twin") / "related")


def digest(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_equal_arguments_give_equal_bytes_and_another_seed_does_not(written, tmp_path):
    assert digest(write(tmp_path / "again")) == digest(written)
    assert (
        digest(write(tmp_path / "other", seed=2))["target_fluxes_v2.parquet"]
        != digest(written)["target_fluxes_v2.parquet"]
    )


def test_the_observed_balance_closes(written):
    table = pq.read_table(written / "target_fluxes_v2.parquet").to_pandas()
    error = table.NEE_VUT_USTAR50 - (table.RECO_NT_VUT_USTAR50 - table.GPP_NT_VUT_USTAR50)
    assert error.abs().max() < 1e-9


def test_quality_has_its_stationary_shares():
    qc = twin.quality((60, 365), np.random.default_rng(3))
    assert (qc == 1).mean() == pytest.approx(0.42, abs=0.03)
    assert (qc == 0).mean() == pytest.approx(0.15, abs=0.03)


def test_second_names_and_neighbours_are_planted_and_nothing_else_is_near(written):
    table = pq.read_table(written / "target_fluxes_v2.parquet", columns=["site", "network"]).to_pandas()
    both = table.groupby("site").network.nunique()
    physical = [name for name in both.index if not name.startswith("TW-N")]
    neighbours = [name for name in both.index if name.startswith("TW-N")]
    assert (both[physical] == 2).sum() == round(0.20 * 32)
    assert len(neighbours) == round(0.05 * 32)
    units = list(read_carbonfluxbench(written, {}, counts=Counter()))
    assert len(units) == 32 + len(neighbours)
    groups = {}
    for unit in units:
        groups.setdefault(unit.static["tower_group"], []).append(unit.name)
    assert len(groups) == 32
    assert sorted(len(members) for members in groups.values())[-len(neighbours) :] == [2] * len(neighbours)


def test_records_of_two_networks_agree_at_about_099(written):
    table = pq.read_table(written / "target_fluxes_v2.parquet").to_pandas()
    wide = table.pivot(index=["site", "TIMESTAMP"], columns="network", values="NEE_VUT_USTAR50").dropna()
    correlation = wide.groupby("site").apply(lambda part: part.corr().iloc[0, 1])
    assert correlation.between(0.97, 0.9999).all()


def test_a_related_shift_scales_the_target_alone(written, tmp_path):
    def truth(folder):
        return pq.read_table(folder / "truth.parquet").to_pandas()

    plain, shifted = truth(write(tmp_path / "none", shift="none")), truth(written)
    is_target = plain.site.str.startswith("TW-T")
    np.testing.assert_allclose(shifted.GPP[is_target], 0.75 * plain.GPP[is_target], rtol=1e-6, atol=1e-9)
    far = plain.site.str.startswith("TW-S")
    np.testing.assert_array_equal(shifted.GPP[far], plain.GPP[far])


def test_an_unrelated_target_is_explained_by_no_driver(tmp_path):
    units = {
        u.name: u for u in read_carbonfluxbench(write(tmp_path / "unrelated", shift="unrelated"), {}, counts=Counter())
    }
    signs = [
        np.corrcoef(unit.values["gpp_truth"], unit.values["net_shortwave"])[0, 1]
        for name, unit in units.items()
        if name.startswith("TW-T")
    ]
    assert min(signs) < -0.3
    assert max(signs) > 0.3


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"shift": "relatd"}, "twin.shift: 'relatd' is not known; write none, related, unrelated"),
        ({"source_towers": 2}, "twin.source_towers: 2 is too few; write a whole number from 10 on"),
        ({"years": 0}, "twin.years: 0 is too few"),
    ],
)
def test_settings_that_make_no_sense_are_refused(tmp_path, options, text):
    with pytest.raises(StageError, match=text):
        twin.write_twin(tmp_path, "twin_towers", 1, **{**SIZES, **options})


def test_reflectance_lies_between_its_end_members(written):
    table = pq.read_table(written / "MOD09GA.parquet").to_pandas()
    for band in range(7):
        ends = [spectrum[band] for spectrum in twin.SPECTRA.values()]
        column = table[f"sur_refl_b{band + 1:02d}"]
        assert column.between(min(ends) * 0.7, max(ends) * 1.3).all()


def test_ids_of_the_twin_are_no_published_ones():
    assert towers.site_id("FLX_TW-S001_FLUXNET2015") == "TW-S001"
