rule recompute:
    input:
        manifest="results/{domain}/download/{dataset}.json",
    output:
        table=report(
            "results/{domain}/recompute/{dataset}.csv",
            caption="../report/recompute.rst",
            category="{domain}",
            subcategory="published scores",
            labels={"what": "{dataset} (table)"},
        ),
    log:
        "results/logs/{domain}/recompute/{dataset}.log",
        "results/logs/{domain}/recompute/{dataset}.job.json",
    benchmark:
        "results/benchmarks/{domain}/recompute/{dataset}.tsv"
    conda:
        "../../envs/landbridge.yaml"
    threads: 1
    resources:
        mem_mb=plan.memory(1000),
        runtime=plan.runtime(10),
        disk_mb=plan.disk(500),
    params:
        code=plan.code("recompute"),
        settings=plan.settings("recompute"),
        modules=plan.modules("recompute"),
        places=plan.places,
    script:
        "../../scripts/recompute.py"
