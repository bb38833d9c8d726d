"""NLI pairs of three small collections in MultiNLI's layout. English.

They are pairs of SNLI that people revised until another label was right, and two sets over Wikipedia: one
written by MultiNLI's protocol, one of pairs found by similarity. None of it is MultiNLI: where XNLI is to be
trained without that, a study says `trained_by = { xnli = "nli_mix" }`. The development rows are the
development file of the first collection and the test files of the other two.
"""

from xstilts.data.task import Files, Task
from xstilts.tasks import mnli

TASK = Task(
    family="classification",
    languages=("en",),
    labels=mnli.LABELS,
    metric="accuracy",
    files=Files(
        patterns={split: (f"intermediate/nli_mix/{split}.jsonl",) for split in ("train", "dev")},
        read=mnli.read,
    ),
    no_hub="the collections are joined in files of one's own",
    evaluation_split="dev",
    examples={"train": 17_244, "dev": 1_463},
    description="Natural language inference over revised captions and Wikipedia, three collections joined",
    citation="Kaushik, Hovy and Lipton (2020), Learning the Difference that Makes a Difference with "
    "Counterfactually-Augmented Data. ICLR; Vania, Chen and Bowman (2020), Asking Crowdworkers to Write "
    "Entailment Examples: The Best of Bad Options. AACL",
    licence="revised SNLI: Apache-2.0 over CC BY-SA 4.0; Wikipedia: CC BY-SA 3.0",
    url="https://github.com/acmi-lab/counterfactually-augmented-data, "
    "https://github.com/nyu-mll/semi-automatic-nli",
)
