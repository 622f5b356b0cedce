# Nothing that it finds goes into a training: the pool's labels are read whole, the test's inputs without answers.
rule transferability:
    input:
        source="results/{domain}/split/{scenario}/fold{fold}/source.nc",
        target_inputs="results/{domain}/split/{scenario}/fold{fold}/target_inputs.nc",
        target_labels="results/{domain}/split/{scenario}/fold{fold}/target_labels.nc",
        test_inputs="results/{domain}/split/{scenario}/fold{fold}/test_inputs.nc",
        checkpoint="results/{domain}/pretrain/{scenario}/{model}-erm/fold{fold}-seed{seed}.safetensors",
    output:
        measures="results/{domain}/transferability/{scenario}/{model}/fold{fold}-seed{seed}.csv",
    log:
        "results/logs/{domain}/transferability/{scenario}/{model}/fold{fold}-seed{seed}.log",
        "results/logs/{domain}/transferability/{scenario}/{model}/fold{fold}-seed{seed}.job.json",
    benchmark:
        "results/benchmarks/{domain}/transferability/{scenario}/{model}/fold{fold}-seed{seed}.tsv"
    conda:
        "../../envs/landbridge.yaml"
    threads: 1
    resources:
        mem_mb=plan.memory(4000),
        runtime=plan.runtime(30),
        disk_mb=plan.disk(500),
    params:
        code=plan.code("transferability"),
        settings=plan.settings("transferability"),
        modules=plan.modules("transferability"),
        places=plan.machine,
    script:
        "../../scripts/transferability.py"
