# Only where a domain names recipes in `maps`, and for scenarios whose pixels are predicted.
rule maps:
    input:
        predictions=plan.of_folds(
            "results/{domain}/transfer/{scenario}/{model}-{recipe}/fold{fold}-seed{seed}.nc"
        ),
        tests=plan.of_folds(
            "results/{domain}/split/{scenario}/fold{fold}/test_inputs.nc"
        ),
    output:
        maps=directory("results/{domain}/maps/{scenario}/{model}-{recipe}/seed{seed}"),
    log:
        "results/logs/{domain}/maps/{scenario}/{model}-{recipe}/seed{seed}.log",
        "results/logs/{domain}/maps/{scenario}/{model}-{recipe}/seed{seed}.job.json",
    benchmark:
        "results/benchmarks/{domain}/maps/{scenario}/{model}-{recipe}/seed{seed}.tsv"
    conda:
        "../../envs/landbridge.yaml"
    threads: 1
    resources:
        mem_mb=plan.memory(1000),
        runtime=plan.runtime(5),
        disk_mb=plan.disk(1000),
    params:
        code=plan.code("maps"),
        settings=plan.settings("maps"),
        modules=plan.modules("maps"),
        places={},
    script:
        "../../scripts/maps.py"
