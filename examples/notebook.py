# %% [markdown]
# A whole study from a notebook: a question about the embedded lab, small enough for a minute of two cores.
# The cells of this file run in Jupyter, in editors that know `# %%`, and as a program:
# `python examples/notebook.py`.

# %%
import polars as pl

import xstilts

# %% The study: what a study file says, as a mapping. `xstilts.Study.load("mine.toml")` reads a file instead.
study = xstilts.Study.parse(
    {
        "name": "from-a-notebook",
        "question": "Does English supertagging harm sentence retrieval in the lab?",
        "references": [],
        "backbones": {"lab": {"model": "lab"}},
        "intermediate": {
            "recipe": {
                "learning_rate": 7e-4,
                "examples": 1_000,
                "epochs": 2,
                "max_length": 96,
                "precision": "fp32",
            },
            "arms": {"none": [], "ccg": ["lab_ccg"]},
        },
        "target": {
            "tasks": ["lab_tatoeba"],
            "languages": ["x-ga", "x-ra", "x-ia"],
            "seeds": [1, 2, 3],
            "recipe": {"max_length": 96, "precision": "fp32"},
        },
        "claims": [
            {"says": "Supertagging harms retrieval", "arms": ["ccg"], "relation": "<", "source": "planted"}
        ],
    }
)
print(study)

# %% What there is to do: all errors at once, as one exception; cells, steps, cost.
check = study.check()
print(check)

# %% Train and evaluate what the store does not have; a stopped run goes on where it was.
outcome = study.run(store="store")
print(outcome)

# %% What came out: polars frames with the columns of docs/tables.md.
findings = study.findings(store="store")
effects = findings.effects.filter(pl.col("quantity") == "difference")
print(findings.answer)
print(findings.verdicts.select("claim", "verdict", "estimate", "low", "high"))

# %% The same as a page, and the tables as files.
paths = study.report("report", store="store")
print(*paths, sep="\n")
