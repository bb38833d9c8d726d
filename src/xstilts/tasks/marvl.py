"""MaRVL: is a statement true of two images? In five languages, about images chosen in their cultures.

Its rows are not translations of each other, and it has none in English: there IGLUE evaluates on NLVR2's test
set, whose file (`test1.json`) is read here under the name `marvl-en.jsonl`.
"""

from collections.abc import Iterator
from pathlib import Path

from xstilts.data import readers
from xstilts.data.examples import Seen
from xstilts.data.task import TEST_TRANSLATED, Files, Task
from xstilts.metrics.iglue import LANGUAGES
from xstilts.tasks.nlvr2 import IMAGES, LABELS, statements


def _read(paths: tuple[Path, ...], language: str) -> Iterator[Seen]:
    (path,) = paths
    return statements(path) if language == "en" else _statements(path)


def _statements(path: Path) -> Iterator[Seen]:
    texts = ("language", "concept", "caption", "left_img", "right_img")
    for number, row in readers.json_lines(path, ("id", "label"), texts):
        folder = f"{row['language']}/images/{row['concept']}"
        images = tuple(f"{folder}/{row[side].rpartition('/')[2]}" for side in ("left_img", "right_img"))
        gold = readers.label(path, number, str(row["label"]), LABELS)
        yield Seen(images, row["caption"], gold, id=str(row["id"]))


TASK = Task(
    family="visual",
    languages=LANGUAGES["marvl"],
    labels=LABELS,
    metric="accuracy",
    trained_by="nlvr2",
    files=Files(
        patterns={
            "test": (
                "target/marvl/marvl-{lang}.jsonl",
                "datasets/marvl/zero_shot/annotations/marvl-{lang}.jsonl",
            ),
            TEST_TRANSLATED: (
                "target/marvl/annotations_machine-translate/marvl-{lang}_gmt.jsonl",
                "datasets/marvl/zero_shot/annotations_machine-translate/marvl-{lang}_gmt.jsonl",
            ),
        },
        substitutes={
            "target/marvl/marvl-en.jsonl": "NLVR2's test rows",
            "datasets/marvl/zero_shot/annotations/marvl-en.jsonl": "NLVR2's test rows",
        },
        read=_read,
    ),
    images=("marvl-images/{id}", "marvl/{id}", *IMAGES),
    no_hub="rows and images come from the sites of their authors",
    examples={
        "test": {"en": 6_967, "id": 1_128, "sw": 1_108, "ta": 1_242, "tr": 1_180, "zh": 1_012},
    },  # lines of the files of e-bug/iglue
    description="Is a statement true of two images? Five languages, and NLVR2 in English",
    citation="Liu, Bugliarello, Ponti, Reddy, Collier and Elliott (2021), Visually Grounded Reasoning across "
    "Languages and Cultures. EMNLP; Bugliarello et al. (2022), IGLUE. ICML",
    licence="annotations: CC BY 4.0; images: their owners'",
    url="https://marvl-challenge.github.io",
)
