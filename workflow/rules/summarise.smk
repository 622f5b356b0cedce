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
        negative=report(
            "results/negative-{tier}.csv",
            caption="../report/negative.rst",
            category="Overview",
            labels={"what": "Negative transfer (table)"},
        ),
        ranks=report(
            "results/ranks-{tier}.csv",
            caption="../report/ranks.rst",
            category="Overview",
            labels={"what": "Skill and ranks over domains (table)"},
        ),
        overview=report(
            "results/overview-{tier}.html",
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
        mem_mb=plan.memory(1000),
        runtime=plan.runtime(10),
        disk_mb=plan.disk(500),
    params:
        code=plan.code("summarise"),
        settings=plan.settings("summarise"),
        modules=plan.modules("summarise"),
        places={},
    script:
        "../../scripts/summarise.py"
