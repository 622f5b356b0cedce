rule harmonise:
    input:
        manifest=plan.manifest,
    output:
        dataset="results/{domain}/harmonise/{dataset}.nc",
        counts="results/{domain}/harmonise/{dataset}.json",
    log:
        "results/logs/{domain}/harmonise/{dataset}.log",
        "results/logs/{domain}/harmonise/{dataset}.job.json",
    benchmark:
        "results/benchmarks/{domain}/harmonise/{dataset}.tsv"
    conda:
        "../../envs/landbridge.yaml"
    threads: 1
    resources:
        mem_mb=plan.memory(2000),
        runtime=plan.runtime(60),
        disk_mb=plan.disk(4000),
    params:
        code=plan.code("harmonise"),
        settings=plan.settings("harmonise"),
        modules=plan.modules("harmonise"),
        places=plan.places,
    script:
        "../../scripts/harmonise.py"
