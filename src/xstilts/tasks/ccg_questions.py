"""CCG supertagging outside CCGbank: questions, annotated by hand with CCGbank's categories. English.

They are not CCGbank (`ccg`), whose licence forbids copies; the labels are the same. The test questions serve
as development data, for there are no others. Biomedical abstracts (`genia`) are a split apart.
"""

from xstilts.data.task import Files, Task
from xstilts.tasks import ccg

TASK = Task(
    family="tagging",
    languages=("en",),
    labels=ccg.LABELS,
    metric="token_accuracy",
    files=Files(
        patterns={
            "train": ("intermediate/ccg/qus_train.staggedGold",),
            "dev": ("intermediate/ccg/qus_test.staggedGold",),
            "genia": ("intermediate/ccg/GENIA1000.staggedgold",),
        },
        substitutes={"intermediate/ccg/qus_test.staggedGold": "the test questions"},
        read=ccg.read,
    ),
    no_hub="they come with the C&C tools",
    evaluation_split="dev",
    examples={"train": 1_328, "dev": 500, "genia": 1_000},
    description="Supertagging of questions with CCGbank's lexical categories",
    citation="Rimell and Clark (2008), Adapting a Lexicalized-Grammar Parser to Contrasting Domains. EMNLP",
    licence="research use",
    url="https://aclanthology.org/D08-1050",
)
