"""XVNLI: visual entailment in five languages, row i being the same pair in each.

The annotators of 14 of the 1,164 pairs did not agree. They have no gold label, and every answer to them is
wrong: so the official evaluation counts them. No score can exceed 98.8.
"""

from collections.abc import Iterator
from pathlib import Path

from xstilts.data.examples import Seen
from xstilts.data.task import TEST_TRANSLATED, Files, Task
from xstilts.metrics.iglue import LANGUAGES, XVNLI_LABELS
from xstilts.tasks.snli_ve import FLICKR30K, entailments


def _read(paths: tuple[Path, ...], language: str) -> Iterator[Seen]:
    (path,) = paths
    return entailments(path, unlabelled=True)


TASK = Task(
    family="visual",
    languages=LANGUAGES["xvnli"],
    labels=XVNLI_LABELS,
    metric="accuracy",
    trained_by="snli_ve",
    files=Files(
        patterns={
            "test": ("target/xvnli/{lang}/test.jsonl", "datasets/XVNLI/annotations/{lang}/test.jsonl"),
            TEST_TRANSLATED: (
                "target/xvnli/annotations_machine-translate/{lang}/test.jsonl",
                "datasets/XVNLI/annotations_machine-translate/{lang}/test.jsonl",
            ),
        },
        read=_read,
    ),
    images=FLICKR30K,
    captions=True,
    no_hub="rows and images come from the sites of their authors",
    examples={"test": 1_164},
    description="Visual entailment in five languages, parallel",
    citation="Bugliarello, Liu, Pfeiffer, Reddy, Elliott, Ponti and Vulić (2022), IGLUE: A Benchmark for "
    "Transfer Learning across Modalities, Tasks, and Languages. ICML",
    licence="captions and hypotheses: CC BY-SA 4.0; images of Flickr30k: non-commercial research",
    url="https://github.com/e-bug/iglue",
)
