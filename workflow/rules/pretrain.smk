rule pretrain:
    input:
        source="results/{domain}/split/{scenario}/fold{fold}/source.nc",
    output:
        checkpoint="results/{domain}/pretrain/{scenario}/{model}-{objective}/fold{fold}-seed{seed}.safetensors",
        history="results/{domain}/pretrain/{scenario}/{model}-{objective}/fold{fold}-seed{seed}.history.csv",
        cost="results/{domain}/pretrain/{scenario}/{model}-{objective}/fold{fold}-seed{seed}.cost.json",
    log:
        "results/logs/{domain}/pretrain/{scenario}/{model}-{objective}/fold{fold}-seed{seed}.log",
        "results/logs/{domain}/pretrain/{scenario}/{model}-{objective}/fold{fold}-seed{seed}.job.json",
    benchmark:
        "results/benchmarks/{domain}/pretrain/{scenario}/{model}-{objective}/fold{fold}-seed{seed}.tsv"
    conda:
        "../../envs/landbridge.yaml"
    threads: 1
    resources:
        mem_mb=plan.memory(4000),
        runtime=plan.runtime(240),
        gpu=1,
    params:
        code=plan.code("pretrain"),
        settings=plan.settings("pretrain"),
        modules=plan.modules("pretrain"),
        places={},
    script:
        "../../scripts/pretrain.py"
