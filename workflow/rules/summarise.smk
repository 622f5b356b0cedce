rule summarise:
    input:
        effects=plan.all_comparisons("effects.csv"),
        leaderboards=plan.all_comparisons("leaderboard.csv"),
        labels=plan.all_comparisons("labels.csv"),
    output:
        summary=report(
            "results/summary-{tier}.csv",
            caption="../report/summary.rst",
            category="Overview",
            labels={"what": "Summary (table)"},
        ),
        overview=report(
            "results/overview-{tier}.svg",
            caption="../report/overview.rst",
            category="Overview",
            labels={"what": "Does transfer help?"},
        ),
    log:
        "results/logs/summarise-{tier}.log",
        "results/logs/summarise-{tier}.job.json",
    benchmark:
        "results/benchmarks/summarise-{tier}.tsv"
    conda:
        "../../envs/landbridge.yaml"
    threads: 1
    resources:
        mem_mb=plan.memory(2000),
        runtime=plan.runtime(30),
    params:
        code=plan.code("summarise"),
        settings=plan.settings("summarise"),
        modules=plan.modules("summarise"),
        places={},
    script:
        "../../scripts/summarise.py"
