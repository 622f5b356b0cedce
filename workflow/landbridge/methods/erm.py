"""Empirical risk minimisation: the mean loss over all source windows, each group weighing as many windows as it has."""

PRETRAINS = True
RIGHTS_OF_OBJECTIVE = ("source_labels",)
