rule compare:
    input:
        scores=plan.scores,
        apart=plan.scores_apart,
        cost=plan.costs,
        tests=plan.of_folds(
            "results/{domain}/split/{scenario}/fold{fold}/test_inputs.nc"
        ),
    output:
        leaderboard=report(
            "results/{domain}/compare/{scenario}/leaderboard.csv",
            caption="../report/leaderboard.rst",
            category="{domain}",
            subcategory="{scenario}",
            labels={"what": "Leaderboard (table)"},
        ),
        leaderboard_large="results/{domain}/compare/{scenario}/leaderboard_large.csv",
        effects=report(
            "results/{domain}/compare/{scenario}/effects.csv",
            caption="../report/effects_table.rst",
            category="{domain}",
            subcategory="{scenario}",
            labels={"what": "Effects against references (table)"},
        ),
        labels=report(
            "results/{domain}/compare/{scenario}/labels.csv",
            caption="../report/labels.rst",
            category="{domain}",
            subcategory="{scenario}",
            labels={"what": "Labels saved (table)"},
        ),
        units="results/{domain}/compare/{scenario}/units.csv",
        cost="results/{domain}/compare/{scenario}/cost.csv",
    log:
        "results/logs/{domain}/compare/{scenario}.log",
        "results/logs/{domain}/compare/{scenario}.job.json",
    benchmark:
        "results/benchmarks/{domain}/compare/{scenario}.tsv"
    conda:
        "../../envs/landbridge.yaml"
    threads: 1
    resources:
        mem_mb=plan.memory(2000),
        runtime=plan.runtime(15),
        disk_mb=plan.disk(500),
    params:
        code=plan.code("compare"),
        settings=plan.settings("compare"),
        modules=plan.modules("compare"),
        places={},
    script:
        "../../scripts/compare.py"
