"""The rule `oracle`: the trial that is best on the test, which no job that trains may know.

It scores nothing. All trials are fitted and predicted at every budget, and `landbridge.judge.oracle` keeps the best of
them by the labels of the test. That is no way to choose settings where labels are scarce but a bound: how much better a
recipe could have been, had it been known which of its trials to take (Gulrajani and Lopez-Paz 2021, arXiv 2007.01434,
"test-domain validation").
"""

RULES = {
    "oracle": {
        "by": "the headline score on the test itself: an upper line, never a result",
        "labels": "all of the test",
        "rights": (),
        "compares": True,
        "apart": True,
    },
}
