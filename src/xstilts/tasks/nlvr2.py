"""NLVR2: is a statement true of two images? English."""

from collections.abc import Iterator
from pathlib import Path

from xstilts.data import readers
from xstilts.data.examples import Seen
from xstilts.data.task import Files, Task

LABELS = ("False", "True")
IMAGES = ("nlvr2/{id}.png", "nlvr2/images/{id}.png", "nlvr2/{name}.png")


def statements(path: Path) -> Iterator[Seen]:
    """The rows of NLVR2's JSON lines.

    The images are named after the identifier, whose last part counts the statements about one pair:
    `dev-850-0-1` is about `dev-850-0-img0` and `dev-850-0-img1`. Those of the training part lie in numbered
    directories.
    """
    for number, row in readers.json_lines(path, ("identifier", "label"), ("sentence",)):
        name = str(row["identifier"])
        part, pair = name.partition("-")[0], name.rpartition("-")[0]
        folder = f"{part}/{row['directory']}" if row.get("directory") is not None else part
        images = (f"{folder}/{pair}-img0", f"{folder}/{pair}-img1")
        yield Seen(images, row["sentence"], readers.label(path, number, row["label"], LABELS), id=name)


def _read(paths: tuple[Path, ...], language: str) -> Iterator[Seen]:
    (path,) = paths
    return statements(path)


TASK = Task(
    family="visual",
    languages=("en",),
    labels=LABELS,
    metric="accuracy",
    files=Files(
        patterns={
            "train": ("intermediate/nlvr2/train.json", "datasets/nlvr2/annotations/train.jsonl"),
            "dev": ("intermediate/nlvr2/dev.json", "datasets/nlvr2/annotations/dev.jsonl"),
            "test": ("intermediate/nlvr2/test1.json", "datasets/nlvr2/annotations/test.jsonl"),
        },
        read=_read,
    ),
    images=IMAGES,
    no_hub="rows and images come from the sites of their authors",
    examples={"train": 86_373, "dev": 6_982, "test": 6_967},
    description="Is a statement true of two images?",
    citation="Suhr, Zhou, Zhang, Zhang, Bai and Artzi (2019), A Corpus for Reasoning about Natural Language "
    "Grounded in Photographs. ACL",
    licence="annotations: CC BY 4.0; images: their owners'",
    url="https://github.com/lil-lab/nlvr",
)
