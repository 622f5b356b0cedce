from snakemake.utils import min_version

min_version("9.16")


configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/common.smk"
include: "workflow/rules/download.smk"
include: "workflow/rules/harmonise.smk"
include: "workflow/rules/simulate.smk"
include: "workflow/rules/split.smk"
include: "workflow/rules/pretrain.smk"
include: "workflow/rules/transfer.smk"
include: "workflow/rules/transferability.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/compare.smk"
include: "workflow/rules/rank_transferability.smk"
include: "workflow/rules/draw.smk"
include: "workflow/rules/maps.smk"
include: "workflow/rules/contrast.smk"
include: "workflow/rules/recompute.smk"
include: "workflow/rules/summarise.smk"
include: "workflow/rules/summarise_transferability.smk"
include: "workflow/rules/report.smk"


# Snakemake limits how many jobs it starts in a second, and for that wakes its scheduler once more every second for each
# job that has ended (9.27): after some hundred jobs on one machine that takes as much of a core as the jobs do. Here the
# cores are the limit; on a cluster the limit stays.
onstart:
    if workflow.local_exec:
        workflow.scheduler.job_rate_limiter = None


rule all:
    default_target: True
    input:
        plan.targets(),
        plan.summaries(),


for domain in plan.domains:

    rule:
        name:
            domain
        input:
            plan.targets(domain),
