rule summarise_transferability:
    input:
        summary="results/summary-{tier}.csv",
        measures=plan.all_measures,
    output:
        table=report(
            "results/transferability-{tier}.csv",
            caption="../report/transferability_of_all.rst",
            category="Overview",
            labels={"what": "Do measures before training rank the gain? (table)"},
        ),
    log:
        "results/logs/summarise_transferability-{tier}.log",
        "results/logs/summarise_transferability-{tier}.job.json",
    benchmark:
        "results/benchmarks/summarise_transferability-{tier}.tsv"
    conda:
        "../../envs/landbridge.yaml"
    threads: 1
    resources:
        mem_mb=plan.memory(2000),
        runtime=plan.runtime(30),
        disk_mb=plan.disk(500),
    params:
        code=plan.code("summarise_transferability"),
        settings=plan.settings("summarise_transferability"),
        modules=plan.modules("summarise_transferability"),
        places={},
    script:
        "../../scripts/summarise_transferability.py"
