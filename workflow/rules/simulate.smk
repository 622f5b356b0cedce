# Only where a scenario has a `simulator`: the domain's process model then labels the source.
rule simulate:
    input:
        source=plan.harmonised("source"),
        target=plan.harmonised("target"),
    output:
        source="results/{domain}/simulate/{scenario}/source.nc",
        target="results/{domain}/simulate/{scenario}/target.nc",
    log:
        "results/logs/{domain}/simulate/{scenario}.log",
        "results/logs/{domain}/simulate/{scenario}.job.json",
    benchmark:
        "results/benchmarks/{domain}/simulate/{scenario}.tsv"
    conda:
        "../../envs/landbridge.yaml"
    threads: 1
    resources:
        mem_mb=plan.memory(2000),
        runtime=plan.runtime(60),
        disk_mb=plan.disk(4000),
    params:
        code=plan.code("simulate"),
        settings=plan.settings("simulate"),
        modules=plan.modules("simulate"),
        places={},
    script:
        "../../scripts/simulate.py"
