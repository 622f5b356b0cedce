"""The authors' released scores through our judging: the printed medians, and comparisons with known answers."""

import numpy as np
import pytest
from landbridge.domains.flux_towers import published
from landbridge.judge.recompute import rows_of
from landbridge.stage import StageError
from scipy.stats import wilcoxon

SETTINGS = {
    "statistics": ["median", "q25", "q75", "share_below_zero", "mean"],
    "bootstrap": {"replicates": 50, "level": 0.95},
}
# Median R2 [q25, q75] and median RMSE of GPP, RECO and NEE as computed from the released files, minimal weather set.
PRINTED = {
    ("lgbm", "IGBP"): ((0.540, 0.03, 0.73, 1.80), (0.350, -0.51, 0.66, 1.22), (0.219, -0.16, 0.40, 1.49)),
    ("xgb", "IGBP"): ((0.501, -0.11, 0.70, 1.99), (0.060, -1.31, 0.57, 1.55), (0.129, -0.51, 0.38, 1.69)),
    ("lstm", "IGBP"): ((0.547, 0.02, 0.75, 1.96), (0.389, -0.41, 0.62, 1.28), (0.170, -0.19, 0.40, 1.49)),
    ("ctlstm", "IGBP"): ((0.573, 0.18, 0.74, 1.59), (0.451, -0.24, 0.64, 1.26), (0.141, -0.09, 0.39, 1.49)),
    ("gru", "IGBP"): ((0.438, 0.08, 0.64, 1.80), (0.211, -0.20, 0.52, 1.37), (0.201, -0.07, 0.36, 1.60)),
    ("ctgru", "IGBP"): ((0.529, 0.09, 0.73, 1.64), (0.409, -0.25, 0.62, 1.23), (0.137, -0.14, 0.38, 1.46)),
    ("transformer", "IGBP"): ((0.526, 0.22, 0.74, 1.70), (0.385, -0.24, 0.66, 1.21), (0.193, 0.01, 0.42, 1.38)),
    ("patch_transformer", "IGBP"): ((0.435, 0.09, 0.69, 1.83), (0.374, -0.10, 0.59, 1.30), (0.118, -0.21, 0.33, 1.57)),
    ("tam-rl", "IGBP"): ((0.574, 0.25, 0.76, 1.61), (0.393, -0.25, 0.66, 1.24), (0.204, -0.10, 0.43, 1.47)),
    ("lgbm", "Koppen"): ((0.608, 0.29, 0.76, 1.72), (0.541, 0.19, 0.70, 1.17), (0.283, 0.05, 0.50, 1.33)),
    ("xgb", "Koppen"): ((0.469, 0.14, 0.69, 2.07), (0.426, -0.18, 0.63, 1.30), (0.162, -0.58, 0.38, 1.62)),
    ("lstm", "Koppen"): ((0.608, 0.23, 0.76, 1.67), (0.401, -0.15, 0.72, 1.16), (0.241, -0.06, 0.48, 1.30)),
    ("ctlstm", "Koppen"): ((0.648, 0.24, 0.77, 1.67), (0.489, 0.02, 0.70, 1.19), (0.296, -0.05, 0.48, 1.36)),
    ("gru", "Koppen"): ((0.556, 0.26, 0.74, 1.78), (0.387, -0.17, 0.64, 1.28), (0.178, -0.07, 0.45, 1.32)),
    ("ctgru", "Koppen"): ((0.564, 0.17, 0.73, 1.83), (0.475, -0.20, 0.66, 1.28), (0.159, -0.13, 0.41, 1.42)),
    ("transformer", "Koppen"): ((0.600, 0.14, 0.77, 1.76), (0.485, 0.00, 0.69, 1.15), (0.212, -0.06, 0.46, 1.36)),
    ("patch_transformer", "Koppen"): (
        (0.506, 0.12, 0.69, 2.00),
        (0.527, -0.05, 0.68, 1.25),
        (0.107, -0.05, 0.36, 1.50),
    ),
    ("tam-rl", "Koppen"): ((0.644, 0.22, 0.76, 1.67), (0.593, 0.05, 0.72, 1.13), (0.270, 0.06, 0.47, 1.34)),
}
# Median R2 of GPP, RECO and NEE with the larger weather sets.
LARGER = {
    ("lstm", "IGBP", "standard"): (0.449, 0.361, 0.224),
    ("ctlstm", "IGBP", "full"): (0.561, 0.443, 0.207),
    ("gru", "Koppen", "standard"): (0.530, 0.386, 0.210),
    ("tam-rl", "Koppen", "full"): (0.566, 0.546, 0.243),
    ("patch_transformer", "Koppen", "full"): (0.458, 0.485, 0.123),
    ("transformer", "IGBP", "standard"): (0.517, 0.429, 0.192),
}


@pytest.fixture(scope="module")
def files(mirror):
    folder = mirror / "flux_towers" / "carbonfluxbench_scores"
    return {(item.model, item.split, item.inputs): item for item in published.read(folder)}


@pytest.fixture(scope="module")
def tables(files):
    return {
        key: {(row["target"], row["metric"], row["statistic"]): row["value"] for row in rows_of(item, SETTINGS)}
        for key, item in files.items()
    }


def test_every_released_file_is_read(files):
    assert len(files) == 46
    for (_, split, _), item in files.items():
        assert len(item.units) == {"IGBP": 96, "Koppen": 92}[split]
        fewer = {"tam-rl_IGBP_full_ensemble.csv": 8, "tam-rl_Koppen_full_ensemble.csv": 3}  # as the file itself says
        assert item.seeds == (1 if item.model in ("lgbm", "xgb") else fewer.get(item.file, 10))


@pytest.mark.parametrize("key", PRINTED)
def test_the_printed_medians_and_quartiles(tables, key):
    for target, (median, low, high, error) in zip(("gpp", "reco", "nee"), PRINTED[key], strict=True):
        found = tables[(*key, "minimal")]
        assert found[target, "r2", "median"] == pytest.approx(median, abs=0.0006)
        assert found[target, "r2", "q25"] == pytest.approx(low, abs=0.006)
        assert found[target, "r2", "q75"] == pytest.approx(high, abs=0.006)
        assert found[target, "rmse", "median"] == pytest.approx(error, abs=0.006)


@pytest.mark.parametrize("key", LARGER)
def test_the_printed_medians_of_larger_weather_sets(tables, key):
    found = [tables[key][target, "r2", "median"] for target in ("gpp", "reco", "nee")]
    assert found == pytest.approx(LARGER[key], abs=0.0006)


def test_shares_below_zero_and_useless_means(tables):
    for split, bounds in (
        ("IGBP", {"gpp": (0.198, 0.292), "reco": (0.292, 0.479), "nee": (0.250, 0.438)}),
        ("Koppen", {"gpp": (0.120, 0.217), "reco": (0.207, 0.315), "nee": (0.207, 0.380)}),
    ):
        for target, expected in bounds.items():
            shares = [tables[m, s, "minimal"][target, "r2", "share_below_zero"] for m, s in PRINTED if s == split]
            assert (min(shares), max(shares)) == pytest.approx(expected, abs=0.0006)
    means = [tables[model, "IGBP", "minimal"]["gpp", "r2", "mean"] for model in ("ctlstm", "tam-rl")]
    assert sorted(means) == pytest.approx([0.06, 0.10], abs=0.006)


@pytest.mark.parametrize(
    ("split", "target", "p", "better"),
    [
        ("IGBP", "gpp", 0.532, 49),
        ("IGBP", "reco", 0.589, 45),
        ("IGBP", "nee", 0.035, 58),
        ("Koppen", "gpp", 0.729, 42),
        ("Koppen", "reco", 0.092, 52),
        ("Koppen", "nee", 0.773, 35),
    ],
)
def test_no_clear_winner(files, split, target, p, better):
    first, second = (files[model, split, "minimal"] for model in ("tam-rl", "ctlstm"))
    assert first.units == second.units
    a, b = first.values[target, "r2"], second.values[target, "r2"]
    assert int((a > b).sum()) == better
    assert wilcoxon(a, b).pvalue == pytest.approx(p, abs=0.001)


def test_broken_files_are_told(tmp_path):
    with pytest.raises(StageError, match="no CSV file"):
        list(published.read(tmp_path))
    path = tmp_path / "lstm_IGBP_minimal.csv"
    header = "site,IGBP,Koppen,R2,RMSE,nMAE,RAE,target,model,split_type,n_seeds\n"
    rows = [f"A,GRA,C,0.5,1,1,1,{target},lstm,IGBP,10\n" for target in published.TARGETS]
    path.write_text(header + "".join(rows))
    (item,) = published.read(tmp_path)
    np.testing.assert_array_equal(item.values["gpp", "r2"], [0.5])
    path.write_text(header + rows[0])
    with pytest.raises(StageError, match="1 rows for 1 sites and three targets"):
        list(published.read(tmp_path))
    path.write_text(header.replace("R2", "r") + "".join(rows))
    with pytest.raises(StageError, match="no column R2"):
        list(published.read(tmp_path))
    path.write_text(header + "".join(rows).replace("0.5", "good"))
    with pytest.raises(StageError, match="every field is a number or empty"):
        list(published.read(tmp_path))
    path.rename(tmp_path / "scores.csv")
    with pytest.raises(StageError, match="its name does not tell model"):
        list(published.read(tmp_path))
