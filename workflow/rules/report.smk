rule report:
    input:
        plan.targets(),
        plan.summaries(),
    output:
        f"results/report-{plan.tier}.html",
    log:
        f"results/logs/report-{plan.tier}.log",
    conda:
        "../../envs/landbridge.yaml"
    params:
        # The same command once more, for Snakemake's own report; the outer one holds the lock.
        command=plan.this_command,
        configuration=plan.same_configuration,
    shell:
        "{params.command} all --report {output} --nolock {params.configuration} > {log} 2>&1"
