rule contrast:
    input:
        flattering=plan.arm("flattering", "evaluate"),
        honest=plan.arm("honest", "evaluate"),
        flattering_splits=plan.arm("flattering", "split"),
        honest_splits=plan.arm("honest", "split"),
    output:
        table=report(
            "results/{domain}/contrast/{contrast}.csv",
            caption="../report/contrast.rst",
            category="{domain}",
            subcategory="contrasts",
            labels={"what": "{contrast} (table)"},
        ),
        figure=report(
            "results/{domain}/contrast/{contrast}.svg",
            caption="../report/contrast.rst",
            category="{domain}",
            subcategory="contrasts",
            labels={"what": "{contrast}"},
        ),
    log:
        "results/logs/{domain}/contrast/{contrast}.log",
        "results/logs/{domain}/contrast/{contrast}.job.json",
    benchmark:
        "results/benchmarks/{domain}/contrast/{contrast}.tsv"
    conda:
        "../../envs/landbridge.yaml"
    threads: 1
    resources:
        mem_mb=plan.memory(1000),
        runtime=plan.runtime(5),
        disk_mb=plan.disk(500),
    params:
        code=plan.code("contrast"),
        settings=plan.settings("contrast"),
        modules=plan.modules("contrast"),
        places={},
    script:
        "../../scripts/contrast.py"
