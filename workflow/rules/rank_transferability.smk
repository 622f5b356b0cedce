rule rank_transferability:
    input:
        measures=plan.measures,
        scores=plan.scores,
    output:
        measures=report(
            "results/{domain}/transferability/{scenario}.csv",
            caption="../report/measures.rst",
            category="{domain}",
            subcategory="{scenario}",
            labels={"what": "Distances before training (table)"},
        ),
        ranks=report(
            "results/{domain}/transferability/{scenario}.ranks.csv",
            caption="../report/transferability_ranks.rst",
            category="{domain}",
            subcategory="{scenario}",
            labels={"what": "Do distances rank the gain? (table)"},
        ),
        figure=report(
            "results/{domain}/transferability/{scenario}.svg",
            caption="../report/transferability.rst",
            category="{domain}",
            subcategory="{scenario}",
            labels={"what": "transferability"},
        ),
    log:
        "results/logs/{domain}/rank_transferability/{scenario}.log",
        "results/logs/{domain}/rank_transferability/{scenario}.job.json",
    benchmark:
        "results/benchmarks/{domain}/rank_transferability/{scenario}.tsv"
    conda:
        "../../envs/landbridge.yaml"
    threads: 1
    resources:
        mem_mb=plan.memory(2000),
        runtime=plan.runtime(30),
        disk_mb=plan.disk(500),
    params:
        code=plan.code("rank_transferability"),
        settings=plan.settings("rank_transferability"),
        modules=plan.modules("rank_transferability"),
        places={},
    script:
        "../../scripts/rank_transferability.py"
