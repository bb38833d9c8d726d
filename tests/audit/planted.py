"""A small study on users' tasks with made-up texts in four languages, into which tests plant faults.

The texts of a row have the same content in each language: English and German in words, Chinese in signs
without spaces, Hindi with its vowel signs. Rows of different splits share nothing.
"""

import json
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

LANGUAGES = ("de", "en", "hi", "zh")
ROWS = {"train": 120, "dev": 40, "test": 60}

TASK = """
    import json
    from xstilts.data.examples import {example}
    from xstilts.data.task import Files, Task

    def _read(paths, language):
        for line in paths[0].read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            yield {row}

    TASK = Task(
        family="{family}", languages=("de", "en", "hi", "zh"), metric="{metric}", {facts}
        files=Files(
            patterns={{s: (f"{name}-{{s}}-{{{{lang}}}}.jsonl",) for s in ("train", "dev", "test")}},
            read=_read,
        ),
        description="A test", citation="Nobody", licence="None",
    )
"""

STUDY = """
    name = "planted"
    question = "Is there a leak?"
    references = []

    [backbones.scratch]
    BACKBONE

    [intermediate.recipe]
    updates = 2
    [intermediate.arms]
    none = []
    other = ["./other.py"]
    text = { tasks = ["./words.py"], languages = ["de", "en"] }

    [target]
    tasks = ["./infer.py"]
    [target.recipe]
    updates = 2
"""
SCRATCH = """architecture = "xlm-roberta"
    shape = { hidden_size = 16, num_hidden_layers = 1, num_attention_heads = 2, intermediate_size = 16 }
    tokenizer = { tasks = ["./words.py"], vocabulary = 100 }"""


def sentence(number: int, language: str) -> str:
    """A sentence of seven to sixteen words, the same content in every language."""
    rng = Random(number)
    words = [rng.randrange(4_000) for _ in range(rng.randrange(7, 17))]
    said = [_word(word, language) for word in words]
    return "".join(said) + "。" if language == "zh" else " ".join(said).capitalize() + "."


def _word(word: int, language: str) -> str:
    rng = Random(f"{word}{language}")
    if language == "zh":
        return chr(0x4E00 + rng.randrange(8_000)) + chr(0x4E00 + rng.randrange(8_000))
    first, second = {"hi": ("कगचजतदनपबमरलसह", "ािीुूेो")}.get(language, ("bdfgklmnprst", "aeiou"))
    return "".join(rng.choice(first) + rng.choice(second) for _ in range(2 + word % 3))


@dataclass(frozen=True)
class Planted:
    """The folder, its tasks' rows, and how to change both."""

    folder: Path

    def rows(self, task: str, split: str, language: str) -> list[dict[str, str]]:
        """The rows of a file."""
        path = self.folder / f"{task}-{split}-{language}.jsonl"
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

    def write(self, task: str, split: str, language: str, rows: list[dict[str, str]]) -> None:
        """Write the rows of a file."""
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (self.folder / f"{task}-{split}-{language}.jsonl").write_text(text, encoding="utf-8")

    def copy(
        self, origin: tuple[str, str, str], into: tuple[str, str, str], change: Callable[[str], str] = str
    ) -> None:
        """Put the first fifteen rows of a file among those of another, their texts changed."""
        copied = [
            {key: value if key in ("label", "id") else change(value) for key, value in row.items()}
            for row in self.rows(*origin)[:15]
        ]
        rows = self.rows(*into)
        self.write(*into, [*rows[:10], *copied, *rows[10:]])

    def study(self, *changes: tuple[str, str], name: str = "study") -> Path:
        """The study file with parts of its text replaced."""
        text = textwrap.dedent(STUDY.replace("BACKBONE", SCRATCH))
        for old, new in changes:
            assert old in text, f"nothing to replace: {old}"
            text = text.replace(old, new)
        path = self.folder / f"{name}.toml"
        path.write_text(text, encoding="utf-8")
        return path


def make(folder: Path) -> Planted:
    """Inference (`infer`), other pairs (`other`), questions (`ask`), text (`words`), search (`find`)."""
    planted = Planted(folder)
    pair = 'Pair(row["text"], row["text2"], row["label"], row.get("id", ""))'
    labels = 'labels=("no", "yes"),'
    _task(planted, "infer", ("classification", "Pair", pair, "accuracy", labels))
    _task(planted, "other", ("classification", "Pair", pair, "accuracy", 'labels=("0", "1"),'))
    question = 'Question(row["text"], row["text2"], (Answer(row["text"][:4], 0),), row["id"])'
    _task(planted, "ask", ("span", "Answer, Question", question, "squad_f1", ""))
    _task(planted, "words", ("masked", "Text", 'Text(row["text"], row.get("text2"))', "", ""))
    bitext = (
        'Bitext(tuple(row["texts"]), tuple(row["texts2"]), tuple((i, i) for i in range(len(row["texts"]))))'
    )
    _task(planted, "find", ("retrieval", "Bitext", bitext, "retrieval_accuracy", 'trained_by="",'))
    start = 0
    for task in ("infer", "other", "ask", "words", "find"):
        for split, count in ROWS.items():
            for language in LANGUAGES:
                planted.write(
                    task, split, language, _rows(task, split, language, range(start, start + count))
                )
            start += 10_000
    return planted


def _task(planted: Planted, name: str, facts: tuple[str, str, str, str, str]) -> None:
    family, example, row, metric, more = facts
    text = textwrap.dedent(TASK).format(
        name=name, family=family, example=example, row=row, metric=metric, facts=more
    )
    (planted.folder / f"{name}.py").write_text(text)


def _rows(task: str, split: str, language: str, numbers: range) -> list[dict[str, str]]:
    if task == "words":
        return [{"text": sentence(number, language)} for number in numbers]
    if task == "find":
        texts = [[sentence(number, code) for number in numbers] for code in (language, "en")]
        return [{"texts": texts[0], "texts2": texts[1]}]  # type: ignore[dict-item]
    names = ("no", "yes") if task == "infer" else ("0", "1")
    return [
        {
            "text": sentence(number, language),
            "text2": sentence(number + 5_000, language),
            "label": names[Random(-number - 1).randrange(2)],
        }
        | ({"id": f"{split}-{number}"} if task == "ask" else {})
        for number in numbers
    ]
