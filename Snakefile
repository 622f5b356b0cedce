from snakemake.utils import min_version

min_version("9.16")


configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/common.smk"
include: "workflow/rules/download.smk"
include: "workflow/rules/harmonise.smk"
include: "workflow/rules/split.smk"
include: "workflow/rules/pretrain.smk"
include: "workflow/rules/transfer.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/compare.smk"
include: "workflow/rules/draw.smk"
include: "workflow/rules/contrast.smk"
include: "workflow/rules/recompute.smk"
include: "workflow/rules/summarise.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        plan.targets(),
        f"results/summary-{plan.tier}.csv",


for domain in plan.domains:

    rule:
        name:
            domain
        input:
            plan.targets(domain),
