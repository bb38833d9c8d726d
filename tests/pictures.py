"""A study about images: rows of XVNLI and SNLI-VE in miniature, and pictures of one colour."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from xstilts.study.load import load
from xstilts.study.plan import Plan, plan

if TYPE_CHECKING:
    from conftest import World

CONTROLS = ("shuffled-images", "text-only", "image-only", "caption-only", "translate-test")
LABELS = ("entailment", "neutral", "contradiction")
TASKS = ('tasks = ["./mood.py", "./search.py"]', 'tasks = ["xvnli"]')
NO_CLAIMS = ('targets = ["mood"]', 'targets = ["xvnli"]')


def rows(text: str, images: int = 4) -> str:
    """Three rows for each image."""
    lines = [
        {
            "gold_label": label,
            "sentence1": f"caption {image}",
            "sentence2": f"{text} {image} {label}",
            "pairID": f"{image}{label}",
            "Flikr30kID": str(image),
        }
        for image in range(images)
        for label in LABELS
    ]
    return "".join(json.dumps(line) + "\n" for line in lines)


def laid(folder: Path, images: int = 4) -> Path:
    """A data folder with rows in English and French, and that many images beside them."""
    files = {
        "intermediate/snli_ve/train.jsonl": rows("train"),
        "intermediate/snli_ve/dev.jsonl": rows("dev", 2),
        "target/xvnli/en/test.jsonl": rows("test"),
        "target/xvnli/fr/test.jsonl": rows("essai"),
        "target/xvnli/annotations_machine-translate/fr/test.jsonl": rows("attempt"),
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "images/flickr30k").mkdir(parents=True)
    for number in range(images):
        Image.new("RGB", (4, 4), (number, 0, 0)).save(folder / f"images/flickr30k/{number}.jpg")
    return folder


def study(world: "World", *references: str) -> Path:
    """The study file, with these references and no others."""
    listed = ", ".join(f'"{one}"' for one in references)
    question = 'question = "Does mood help?"'
    return world.study(TASKS, NO_CLAIMS, (question, f"{question}\nreferences = [{listed}]"))


def planned(world: "World", *references: str) -> Plan:
    """Its plan, with data laid out below the world's folder."""
    data = world.folder / "data"
    return plan(load(study(world, *references)), data if data.exists() else laid(data))
