rule download:
    output:
        manifest="results/{domain}/download/{dataset}.json",
    log:
        "results/logs/{domain}/download/{dataset}.log",
        "results/logs/{domain}/download/{dataset}.job.json",
    benchmark:
        "results/benchmarks/{domain}/download/{dataset}.tsv"
    conda:
        "../../envs/landbridge.yaml"
    threads: 1
    resources:
        mem_mb=plan.memory(1000),
        runtime=plan.runtime(240),
        disk_mb=plan.disk(4000),
    params:
        code=plan.code("download"),
        settings=plan.settings("download"),
        modules=plan.modules("download"),
        places=plan.places,
    script:
        "../../scripts/download.py"
