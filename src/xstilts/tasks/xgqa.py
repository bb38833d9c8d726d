"""xGQA: questions about images in eight languages, parallel; the answers are English in all of them."""

from collections.abc import Iterator
from pathlib import Path

from xstilts.data.examples import Seen
from xstilts.data.task import TEST_TRANSLATED, Files, Task
from xstilts.metrics.iglue import LANGUAGES
from xstilts.tasks.gqa import IMAGES, LABELS, questions


def _read(paths: tuple[Path, ...], language: str) -> Iterator[Seen]:
    (path,) = paths
    return questions(path)


TASK = Task(
    family="visual",
    languages=LANGUAGES["xgqa"],
    labels=LABELS,
    metric="accuracy",
    trained_by="gqa",
    files=Files(
        patterns={
            "test": (
                "target/xgqa/testdev_balanced_questions_{lang}.json",
                "datasets/xGQA/annotations/zero_shot/testdev_balanced_questions_{lang}.json",
            ),
            TEST_TRANSLATED: (
                "target/xgqa/annotations_machine-translate/testdev_balanced_questions_{lang}.json",
            ),
        },
        read=_read,
    ),
    images=IMAGES,
    no_hub="rows and images come from the sites of their authors",
    examples={"test": 12_578},
    description="Questions about images in eight languages, parallel",
    citation="Pfeiffer, Geigle, Kamath, Steitz, Roth, Vulić and Gurevych (2022), xGQA: Cross-Lingual Visual "
    "Question Answering. Findings of ACL",
    licence="CC BY 4.0; images: those of Visual Genome",
    url="https://github.com/adapter-hub/xGQA",
)
