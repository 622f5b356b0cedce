# The only rule that has the answers of the test units as an input.
rule evaluate:
    input:
        predictions=plan.predictions,
        answers=plan.of_folds("results/{domain}/split/{scenario}/fold{fold}/answers.nc"),
        truth=plan.of_folds("results/{domain}/split/{scenario}/fold{fold}/truth.nc"),
    output:
        scores="results/{domain}/evaluate/{scenario}/{model}-{recipe}.parquet",
        examples="results/{domain}/evaluate/{scenario}/{model}-{recipe}.examples.nc",
    log:
        "results/logs/{domain}/evaluate/{scenario}/{model}-{recipe}.log",
        "results/logs/{domain}/evaluate/{scenario}/{model}-{recipe}.job.json",
    benchmark:
        "results/benchmarks/{domain}/evaluate/{scenario}/{model}-{recipe}.tsv"
    conda:
        "../../envs/landbridge.yaml"
    threads: 1
    resources:
        mem_mb=plan.memory(1000),
        runtime=plan.runtime(5),
        disk_mb=plan.disk(500),
    params:
        code=plan.code("evaluate"),
        settings=plan.settings("evaluate"),
        modules=plan.modules("evaluate"),
        places={},
    script:
        "../../scripts/evaluate.py"
