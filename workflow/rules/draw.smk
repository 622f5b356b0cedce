rule draw:
    input:
        leaderboard="results/{domain}/compare/{scenario}/leaderboard.csv",
        effects="results/{domain}/compare/{scenario}/effects.csv",
        labels="results/{domain}/compare/{scenario}/labels.csv",
        scores=plan.scores,
        examples=plan.examples,
        audits=plan.of_folds("results/{domain}/split/{scenario}/fold{fold}/audit.json"),
        tests=plan.of_folds(
            "results/{domain}/split/{scenario}/fold{fold}/test_inputs.nc"
        ),
    output:
        figure=report(
            "results/{domain}/compare/{scenario}/{figure}.svg",
            caption="../report/figure.rst",
            category="{domain}",
            subcategory="{scenario}",
            labels={"what": "{figure}"},
        ),
    log:
        "results/logs/{domain}/draw/{scenario}/{figure}.log",
        "results/logs/{domain}/draw/{scenario}/{figure}.job.json",
    benchmark:
        "results/benchmarks/{domain}/draw/{scenario}/{figure}.tsv"
    conda:
        "../../envs/landbridge.yaml"
    threads: 1
    resources:
        mem_mb=plan.memory(2000),
        runtime=plan.runtime(30),
    params:
        code=plan.code("draw"),
        settings=plan.settings("draw"),
        modules=plan.modules("draw"),
        places={},
        caption=plan.caption,
    script:
        "../../scripts/draw.py"
