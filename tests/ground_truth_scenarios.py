"""What is asked of recipes where it is known what they must do; the sets are those of `tests/ground_truth.py`."""

from collections.abc import Callable

from tests.ground_truth import RATE, Claim, Found, Population, Scenario


def less(one: str, other: str, budget: str = "0") -> Callable[[Found], float]:
    """By what share of the other's error a recipe's error is smaller."""
    return lambda found: 1 - found.value(one, budget) / found.value(other, budget)


def more(one: str, other: str) -> Callable[[Found], float]:
    """By how much a recipe's score is higher."""
    return lambda found: found.value(one) - found.value(other)


def flagged(recipe: str, reference: str, verdict: str) -> Callable[[Found], float]:
    """1 where the headline verdict at every budget is the word."""
    return lambda found: float({found.verdict(recipe, reference)} == {verdict})


def gap(found: Found) -> float:
    """Score of the source's network without the shift, less that with it."""
    return found.control.value("source_only") - found.value("source_only")


FITTED = {"rate": RATE}
FOURTEEN = [1.0, -1.0, 0.5, -0.5, 0.8, -0.8, 0.3, -0.3, 0.6, -0.6, 0.4, -0.4, 0.2, -0.2]

SCENARIOS = {
    # Fourteen slopes from one group of 20 rows: least squares misses by noise sqrt(1 + 14 / 5) = 1.9 noise. The 380
    # rows of the source leave noise sqrt(1 + 14 / 365) = 1.02 noise; where the group weighs as much as all of them, as
    # in `pooled`, it is noise sqrt(1 + 14 (1 / 80 + 1 / 1520)) = 1.09 noise.
    "no_shift": Scenario(
        source={"all": Population(FOURTEEN, noise=1.0)},
        target={"all": Population(FOURTEEN, noise=1.0)},
        recipes={"source_only": {}, "pooled": FITTED, "target_only": FITTED},
        budgets=("1",),
        rows=20,
        claims=[
            Claim("source_only misses less than target_only", less("source_only", "target_only", "1"), 0.1),
            Claim("pooled misses less than target_only", less("pooled", "target_only", "1"), 0.1),
            Claim("pooled misses as source_only does", lambda f: -abs(less("pooled", "source_only", "1")(f)), -0.15),
        ],
    ),
    # A line through a square, from 0 where the source lies and with slope 2 where the target lies. The best line of the
    # source misses the target by sqrt(7) = 2.6, that of the target by sqrt(2) = 1.4.
    "covariate_shift_of_the_mean": Scenario(
        source={"all": Population([1.0, 1.0], ["square", "line"])},
        target={"all": Population([1.0, 1.0], ["square", "line"], mean=[1.0, 0.0])},
        recipes={"source_only": {}, "importance_weighting": FITTED},
        claims=[Claim("importance_weighting misses less than plain", less("importance_weighting", "source_only"), 0.1)],
    ),
    # A line through a sine, steep where the source lies, which goes up and down over the target. The best line of the
    # source, slope 0.9, misses by 2.7; without that input it is 0.8. The covariance of features that hold the input
    # grows by up to 36.
    "covariate_shift_of_the_spread": Scenario(
        source={"all": Population([1.0, 1.0], ["line", "sine"], spread=[1.0, 0.5])},
        target={"all": Population([1.0, 1.0], ["line", "sine"], spread=[1.0, 3.0])},
        recipes={"source_only": {}, "coral": {**FITTED, "weight": 10.0}},
        claims=[Claim("coral misses less than plain", less("coral", "source_only"), 0.1)],
    ),
    # Only the shares of the classes change what should be predicted: half of the source is high and nearly all of the
    # target. The second input moves too and says nothing of the class, as the light of a scene may. Features whose mean
    # is held equal pay for the one with the other, and what is just above 0 is called low. In the control the shares
    # are equal, and the same alignment does no harm.
    "label_shift": Scenario(
        source={"all": Population([1.0, 0.0], noise=0.0, high=0.5, apart=0.1)},
        target={"all": Population([1.0, 0.0], mean=[0.0, 4.0], noise=0.0, high=0.95, apart=0.1)},
        control={"all": Population([1.0, 0.0], mean=[0.0, 4.0], noise=0.0, high=0.5, apart=0.1)},
        task="classification",
        headline=("accuracy", "mean"),
        network={"width": 1},
        epochs=10,
        recipes={
            "source_only": {},
            "dann": {**FITTED, "weight": 1.0, "discriminator_rate": RATE},
            "mk_mmd": FITTED,
        },
        claims=[
            Claim("dann loses accuracy against plain", more("source_only", "dann"), 0.1),
            Claim("mk_mmd loses accuracy against plain", more("source_only", "mk_mmd"), 0.1),
            Claim("dann is flagged `harms` against `source_only`", flagged("dann", "source_only", "harms"), 1.0),
            Claim("mk_mmd is flagged `harms` against `source_only`", flagged("mk_mmd", "source_only", "harms"), 1.0),
            Claim("without label shift dann gains", lambda f: more("dann", "source_only")(f.control), -0.05),
            Claim("without label shift mk_mmd gains", lambda f: more("mk_mmd", "source_only")(f.control), -0.05),
        ],
    ),
    # Other slopes and another mean: the source misses by sqrt(1 + 4 + 1) = 2.4, and eight groups of 25 rows tell four
    # numbers to the noise of 0.3.
    "concept_shift": Scenario(
        source={"all": Population([2.0, -1.0, 0.5])},
        target={"all": Population([1.0, 1.0, 0.5], offset=1.0)},
        budgets=("8",),
        recipes={"source_only": {}, "full_finetune": FITTED, "ridge_last_layer": {}},
        claims=[
            Claim("full_finetune misses less than source_only", less("full_finetune", "source_only", "8"), 0.5),
            Claim("ridge_last_layer misses less than source_only", less("ridge_last_layer", "source_only", "8"), 0.5),
        ],
    ),
    # Every slope has the other sign. The source misses by twice what the mean misses, and what is fitted to both at
    # once by as much as the mean, while 50 rows of the target's own tell all.
    "opposite_concept": Scenario(
        source={"all": Population([2.0, -1.0, 0.5])},
        target={"all": Population([-2.0, 1.0, -0.5])},
        budgets=("2", "8"),
        recipes={"naive": {}, "source_only": {}, "pooled": FITTED, "target_only": FITTED},
        claims=[
            Claim(
                "target_only misses less than every other",
                lambda f: min(
                    less("target_only", other, budget)(f)
                    for other in ("naive", "source_only", "pooled")
                    for budget in ("2", "8")
                ),
                0.5,
            ),
            Claim(
                "every row of pooled is flagged `harms` against `target_only`",
                lambda f: float(set(f.verdicts("pooled", "target_only")) == {"harms"}),
                1.0,
            ),
        ],
    ),
    # The first input misses by 1.5 in every environment. The second is made of the target and tells more of it, with
    # the sign turned in one environment of six; the best line through all rows of the source leans on it and misses by
    # 2.4 where the sign is turned, as it is in half of the target.
    "spurious_flip": Scenario(
        source={
            name: Population([1.0], noise=1.5, copied=sign)
            for name, sign in zip("abcdef", [1.0] * 5 + [-1.0], strict=True)
        },
        target={name: Population([1.0], noise=1.5, copied=sign) for name, sign in (("with", 1.0), ("against", -1.0))},
        headline=("rmse", "worst_class"),
        rows=50,
        recipes={
            "source_only": {},
            "irm": {"by": "environment"},
            "vrex": {"by": "environment", "weight": 100.0},
            "group_dro": {"by": "environment", "eta": 0.1},
        },
        claims=[
            Claim("group_dro misses less than plain, worst environment", less("group_dro", "source_only"), 0.1),
            Claim("irm misses less than plain, worst environment", less("irm", "source_only"), 0.03),
            Claim("vrex misses less than plain, worst environment", less("vrex", "source_only"), 0.03),
        ],
    ),
    # Another instrument sees every band half as strong again, and brighter, so that low chips look high to the source's
    # network. Batch norms that know the new mean and spread take it back, but at the edges of a chip, where the padding
    # stays 0: hence a wide gap between the classes.
    "batch_norm": Scenario(
        source={"all": Population([1.0, 0.5], noise=0.0, high=0.5, apart=1.0)},
        target={"all": Population([1.0, 0.5], noise=0.0, high=0.5, apart=1.0, gain=1.5, brightness=2.0)},
        control={"all": Population([1.0, 0.5], noise=0.0, high=0.5, apart=1.0)},
        task="classification",
        headline=("accuracy", "mean"),
        network={"widths": [4, 4, 4, 4]},
        chips=True,
        rows=6,
        epochs=5,
        recipes={"source_only": {}, "adabn": {}},
        claims=[
            Claim("accuracy that the shift costs", gap, 0.15),
            Claim("share of it that adabn brings back", lambda f: more("adabn", "source_only")(f) / gap(f), 0.8),
        ],
    ),
}
