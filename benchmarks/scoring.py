"""How long the official numbers of a whole XTREME submission take: nine tasks, all languages, real sizes.

    python benchmarks/scoring.py [--json FILE]

Predictions and references are made up, with about as many examples as each task's test set has (one number
for all languages, also where they differ), and written in XTREME's layouts. What is timed is `xstilts score
xtreme`: reading, scoring, averaging. Mining is done before, so BUCC here is sets of pairs.
"""

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from xstilts.metrics.xtreme import XTREME
from xstilts.xtreme.score import score

EXAMPLES = {
    "xnli": 5_010,
    "pawsx": 2_000,
    "udpos": 1_500,
    "panx": 6_000,
    "xquad": 1_190,
    "mlqa": 5_500,
    "tydiqa": 600,
    "bucc2018": 5_000,
    "tatoeba": 1_000,
}
WORDS = [f"word{number}" for number in range(2_000)]
TAGS = ("B-PER", "I-PER", "B-LOC", "I-LOC", "O", "O", "O", "O")
UPOS = ("NOUN", "VERB", "ADJ", "ADP", "DET", "PUNCT", "PRON")


def main() -> None:
    """Measure, print, and write the figures as JSON where asked to."""
    parser = argparse.ArgumentParser(description="The official numbers of a whole XTREME submission")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args()
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        predictions, references = Path(folder, "predictions"), Path(folder, "references")
        for number, side in enumerate((predictions, references)):
            write(side, random.Random(number))
        for name in XTREME:
            figures[name] = _seconds(name, predictions / name, references / name)
        figures["xtreme"] = _seconds("xtreme", predictions, references)
    for name, seconds in figures.items():
        languages = sum(len(XTREME[one].languages) for one in (XTREME if name == "xtreme" else (name,)))
        print(f"{name:9} {languages:3} languages  {seconds:6.2f} s")
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


def _seconds(name: str, predictions: Path, references: Path) -> float:
    began = time.perf_counter()
    score(name, predictions, references)
    return time.perf_counter() - began


def write(folder: Path, rng: random.Random) -> None:
    """One side of a submission: a folder for each task, a file for each language."""
    for name, part in XTREME.items():
        (folder / name).mkdir(parents=True)
        gold = folder.name == "references"
        for code in part.languages:
            suffix = "json" if part.group == "qa" else "tsv"
            text = _answers(name, gold, rng) if part.group == "qa" else _lines(name, rng)
            (folder / name / f"test-{code}.{suffix}").write_text(text, encoding="utf-8")


def _lines(name: str, rng: random.Random) -> str:
    """Labels, tags with a blank line after each sentence, rows, or pairs of ids."""
    values: dict[str, Callable[[int], str]] = {
        "xnli": lambda row: rng.choice(("contradiction", "entailment", "neutral")),
        "pawsx": lambda row: rng.choice("01"),
        "tatoeba": lambda row: str(rng.randrange(10)),
        "bucc2018": lambda row: f"de-{row}\ten-{row + rng.randrange(2)}",
        "panx": lambda row: "\n".join(rng.choices(TAGS, k=10)) + "\n",
        "udpos": lambda row: "\n".join(rng.choices(UPOS, k=20)) + "\n",
    }
    return "\n".join(values[name](row) for row in range(EXAMPLES[name])) + "\n"


def _answers(name: str, gold: bool, rng: random.Random) -> str:
    texts = [" ".join(rng.choices(WORDS, k=rng.randrange(1, 5))) for _ in range(EXAMPLES[name])]
    if not gold:
        return json.dumps({str(row): text for row, text in enumerate(texts)})
    questions = [
        {"id": str(row), "answers": [{"text": text, "answer_start": 0}]} for row, text in enumerate(texts)
    ]
    return json.dumps({"data": [{"paragraphs": [{"context": "", "qas": questions}]}]})


if __name__ == "__main__":
    main()
