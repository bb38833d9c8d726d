"""XCOPA: which of two sentences is the more plausible cause, or effect, of a premise?

English is COPA, whose 400 training rows train the task. The premise and an English question make the context,
in every language, for the files say only `cause` or `effect`. COPA's English test labels are withheld (its
test file holds 0 in every row), so English is not evaluated. Known faults of released files are left as they
are: `question` is `effect` in all Thai rows, and it differs from English in test rows of Turkish (51),
Swahili (37) and Indonesian (4).
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from xstilts.data import readers
from xstilts.data.examples import Choice
from xstilts.data.task import Files, Task, Wording
from xstilts.errors import DataError, NoGoldError

_QUESTIONS = {"cause": "What was the cause?", "effect": "What happened as a result?"}
_ASKED = {
    "en": tuple(_QUESTIONS.values()),
    "et": ("Mis oli selle põhjus?", "Mis juhtus selle tagajärjel?"),
    "id": ("Apa penyebabnya?", "Apa akibatnya?"),
    "it": ("Qual è stata la causa?", "Che cosa è successo di conseguenza?"),
    "sw": ("Sababu ilikuwa nini?", "Matokeo yalikuwa nini?"),
    "th": ("สาเหตุคืออะไร", "ผลที่ตามมาคืออะไร"),
    "tr": ("Bunun sebebi neydi?", "Bunun sonucunda ne oldu?"),
    "vi": ("Nguyên nhân là gì?", "Kết quả là gì?"),
    "zh": ("原因是什么？", "结果发生了什么？"),
}
"""The questions about cause and effect in the languages that have a prompt."""
_MANY = 20
"""Rows that do not all have one label by chance. XTREME's download writes 0 into all of its test files."""
_TEXTS = ("premise", "choice1", "choice2", "question")


def _read(paths: tuple[Path, ...], language: str) -> Iterator[Choice]:
    (path,) = paths
    labels: Counter[int] = Counter()
    for number, row in readers.json_lines(path, ("label",), _TEXTS):
        question = readers.label(path, number, row["question"], tuple(_QUESTIONS))
        if row["label"] not in (0, 1):
            raise DataError(f"{path}:{number}", f"the label {row['label']!r} is neither 0 nor 1.")
        labels[row["label"]] += 1
        context = f"{row['premise']} {_QUESTIONS[question]}"
        yield Choice(context, (row["choice1"], row["choice2"]), row["label"], str(row.get("idx", "")))
    if labels[0] >= _MANY and not labels[1]:
        raise NoGoldError(str(path), "has the label 0 in every row.")


TASK = Task(
    family="choice",
    options=2,
    languages=("en", "et", "ht", "id", "it", "qu", "sw", "ta", "th", "tr", "vi", "zh"),
    metric="accuracy",
    prompts={
        code: Wording(
            "{context}{answer}" if code == "zh" else "{context} {answer}",
            phrases=tuple(zip(_QUESTIONS.values(), questions, strict=True)) if code != "en" else (),
        )
        for code, questions in _ASKED.items()
    },
    files=Files(
        patterns={split: (f"target/xcopa/{split}.{{lang}}.jsonl",) for split in ("train", "val", "test")},
        unlabelled={"test": ("en",)},
        substitutes={"target/xcopa/*.en.jsonl": "COPA"},
        read=_read,
    ),
    no_hub="the Hub's copy has no English rows to train on",
    development_split="val",
    examples={"train": {"en": 400}, "val": 100, "test": 500},
    description="Commonsense causes and effects, two alternatives, in eleven languages",
    citation="Ponti et al. (2020), XCOPA: A Multilingual Dataset for Causal Commonsense Reasoning. EMNLP; "
    "Roemmele, Bejan and Gordon (2011), Choice of Plausible Alternatives. AAAI Spring Symposium",
    licence="CC BY 4.0; English (COPA) BSD 2-Clause",
    url="https://github.com/cambridgeltl/xcopa",
)
