"""Run a domain's process model over harmonised drivers: the stage `simulate`.

The simulated series become the source of a transfer. Beside the target's own series the simulator's value stands as a
product, so that the simulator itself can be judged like any other reference.
"""

from __future__ import annotations

from landbridge.contract import Variable
from landbridge.io import netcdf
from landbridge.prepare import ragged
from landbridge.stage import Job


def run(job: Job) -> None:
    """Inputs: `source`, `target` (harmonised, perhaps the same file). Module: `simulate` of the domain, with
    `simulate(dataset, settings, seed)`, which returns the simulated series and, for every row of `dataset`, the
    simulator's value of the one target. Outputs: `source`, simulated; `target`, with the product beside its variables.
    """
    settings = job.settings
    simulate = job.load("simulate").simulate
    source = netcdf.read(job.input("source"))
    target = source if job.inputs["source"] == job.inputs["target"] else netcdf.read(job.input("target"))
    simulated, product = simulate(source, settings["simulator"], settings["seed"])
    if target is not source:
        product = simulate(target, settings["simulator"], settings["seed"])[1]
    netcdf.write(job.outputs["source"], simulated)
    (name,) = settings["product"].values()
    attributes = netcdf.cf_attributes(settings["variables"][name])
    netcdf.write(job.outputs["target"], ragged.with_variables(target, {name: Variable(("obs",), product, attributes)}))
