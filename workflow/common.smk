# Included first: the folder of this file goes to the front of the search path, so `landbridge` imports with nothing
# installed, here and in every job.
from landbridge.plan import plan_of

plan = plan_of(workflow, config)


# On a cluster these run where snakemake runs: only there is a network as a rule, and one table of all is no job.
localrules:
    download,
    summarise,
    summarise_transferability,
    report,


wildcard_constraints:
    domain="|".join(plan.domains) or "none",
    dataset="[A-Za-z0-9_]+",
    scenario="[A-Za-z0-9_]+",
    model="[a-z0-9_]+",
    objective="[a-z0-9_]+",
    recipe="[a-z0-9_.]+",
    fold="[0-9]+",
    seed="[0-9]+",
    figure="[a-z0-9_]+",
    contrast="[A-Za-z0-9_]+",
