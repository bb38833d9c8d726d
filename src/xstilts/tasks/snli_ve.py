"""SNLI-VE: does the hypothesis follow from an image? English; SNLI with the picture in place of its caption.

IGLUE trains its XVNLI on a split of its own (`datasets/XVNLI/annotations/en` of its repository), which goes
first here: the release of SNLI-VE divides the images anew, so rows that XVNLI tests may stand in its training
part. The leak audit tells.
"""

from collections.abc import Iterator
from pathlib import Path

from xstilts.data import readers
from xstilts.data.examples import Seen
from xstilts.data.task import Files, Task
from xstilts.families.visual import UNLABELLED
from xstilts.metrics.iglue import XVNLI_LABELS

FLICKR30K = ("flickr30k/{id}.jpg", "flickr30k-images/{id}.jpg", "flickr30k_images/{id}.jpg")
_IDS = ("Flikr30kID", "Flickr30K_ID")
"""The field that names the image is misspelled in XVNLI and in most files of SNLI-VE."""


def entailments(path: Path, *, unlabelled: bool) -> Iterator[Seen]:
    """The rows of SNLI-VE and XVNLI: image and hypothesis; the premise is kept as caption.

    Rows whose gold label is `-` (the annotators did not agree) are skipped, or come as UNLABELLED, as the
    official evaluation of XVNLI counts them.
    """
    for number, row in readers.json_lines(path, ("gold_label",), ("sentence1", "sentence2")):
        found = next((row[name] for name in _IDS if row.get(name)), None)
        named = {_IDS[0]: found} if found else {}
        image = str(readers.require(named, _IDS[:1], f"{path}:{number}")[_IDS[0]])
        if row["gold_label"] != "-" or unlabelled:
            label = row["gold_label"]
            gold = UNLABELLED if label == "-" else readers.label(path, number, label, XVNLI_LABELS)
            name = str(row.get("pairID", ""))
            yield Seen((image.removesuffix(".jpg"),), row["sentence2"], gold, row["sentence1"], name)


def _read(paths: tuple[Path, ...], language: str) -> Iterator[Seen]:
    (path,) = paths
    return entailments(path, unlabelled=False)


TASK = Task(
    family="visual",
    languages=("en",),
    labels=XVNLI_LABELS,
    metric="accuracy",
    files=Files(
        patterns={
            "train": (
                "datasets/XVNLI/annotations/en/train.jsonl",
                "intermediate/snli_ve/train.jsonl",
                "intermediate/snli_ve/snli_ve_train.jsonl",
            ),
            "dev": (
                "datasets/XVNLI/annotations/en/dev.jsonl",
                "intermediate/snli_ve/dev.jsonl",
                "intermediate/snli_ve/snli_ve_dev.jsonl",
            ),
            "test": ("intermediate/snli_ve/snli_ve_test.jsonl",),
        },
        substitutes={"datasets/XVNLI/annotations/en/*.jsonl": "IGLUE's own division of the images"},
        read=_read,
    ),
    images=FLICKR30K,
    captions=True,
    no_hub="rows and images come from the sites of their authors",
    examples={"train": 529_527, "dev": 17_858, "test": 17_901},
    description="Visual entailment: image and hypothesis",
    citation="Xie, Lai, Doran and Kadav (2019), Visual Entailment: A Novel Task for Fine-Grained Image "
    "Understanding. arXiv 1901.06706",
    licence="SNLI: CC BY-SA 4.0; images of Flickr30k: non-commercial research",
    url="https://github.com/necla-ml/SNLI-VE",
)
