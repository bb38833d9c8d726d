"""PAWS-X: do two sentences made of the same words mean the same? Seven languages.

The English training rows are those of PAWS-Wiki (49,401 pairs), in XTREME's layout: `train-en.tsv`. A folder
that has only the development and test files can be evaluated, not trained on.

XTREME's script writes these files with quotes around a sentence that has quotes, and doubles those inside.
Here a sentence is read as the data set has it, as on the Hub. XTREME's own baseline reads the doubled quotes:
of the 2,000 test pairs 134 in German, 242 in Spanish, 258 in French, 244 in Korean and 14 in Chinese have
some, none in English and Japanese.

In some rows one sentence is the placeholder `NS`. They are evaluated, as in XTREME: of the test pairs 32 in
German, 1 in Spanish, 13 in French, 53 in Japanese, 25 in Korean and 25 in Chinese.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xstilts.data import readers, translated
from xstilts.data.examples import Pair
from xstilts.data.task import TRANSLATED, Files, Hub, Task, Wording

LABELS = ("0", "1")

PROMPTS = {
    "de": Wording(
        "Satz 1: {text} Satz 2: {text2} Bedeuten die beiden Sätze dasselbe? Ja oder nein? Antwort: {answer}",
        ("Nein", "Ja"),
    ),
    "en": Wording(
        "Sentence 1: {text} Sentence 2: {text2} "
        "Do the two sentences mean the same? Yes or no? Answer: {answer}",
        ("No", "Yes"),
    ),
    "es": Wording(
        "Oración 1: {text} Oración 2: {text2} "
        "¿Significan lo mismo las dos oraciones? ¿Sí o no? Respuesta: {answer}",
        ("No", "Sí"),
    ),
    "fr": Wording(
        "Phrase 1 : {text} Phrase 2 : {text2} "
        "Les deux phrases ont-elles le même sens ? Oui ou non ? Réponse : {answer}",
        ("Non", "Oui"),
    ),
    "ja": Wording(
        "文1：{text} 文2：{text2} "
        "二つの文の意味は同じですか？「はい」か「いいえ」で答えてください。答え：{answer}",
        ("いいえ", "はい"),
    ),
    "ko": Wording(
        "문장 1: {text} 문장 2: {text2} 두 문장의 뜻이 같습니까? 예 또는 아니요로 답하세요. 답: {answer}",
        ("아니요", "예"),
    ),
    "zh": Wording(
        "句子1：{text} 句子2：{text2} 这两个句子的意思相同吗？相同还是不同？答案：{answer}",
        ("不同", "相同"),
    ),
}


def _read(paths: tuple[Path, ...], language: str) -> Iterator[Pair]:
    (path,) = paths
    for number, (first, second, label) in readers.written_columns(path, ("sentence1", "sentence2", "label")):
        yield Pair(first, second, readers.label(path, number, label, LABELS))


def _read_hub(rows: Iterator[Mapping[str, Any]], language: str) -> Iterator[Pair]:
    for number, row in enumerate(rows, start=1):
        label = readers.label(Path(f"pawsx.{language}"), number, str(row["label"]), LABELS)
        yield Pair(row["sentence1"], row["sentence2"], label)


def _read_translated(paths: tuple[Path, ...], language: str) -> Iterator[Pair]:
    (path,) = paths
    return translated.xtreme_pairs(path, LABELS, skip=True)


TASK = Task(
    family="classification",
    languages=("de", "en", "es", "fr", "ja", "ko", "zh"),
    labels=LABELS,
    prompts=PROMPTS,
    metric="accuracy",
    files=Files(
        patterns={split: (f"target/pawsx/{split}-{{lang}}.tsv",) for split in ("train", "dev", "test")},
        read=_read,
    ),
    hub=Hub(
        dataset="google/xtreme",
        revision="ec5f1f46e9af79639a90684a7a70a956c4998f04",
        files={
            "train": "PAWS-X.{lang}/train-00000-of-00001.parquet",
            "dev": "PAWS-X.{lang}/validation-00000-of-00001.parquet",
            "test": "PAWS-X.{lang}/test-00000-of-00001.parquet",
        },
        read=_read_hub,
    ),
    translations=Files(
        patterns={
            TRANSLATED: (
                "xtreme_translations/PAWSX/translate-train/en-{lang}-translated.tsv",
                "target/pawsx/translated/en-{lang}-translated.tsv",
            )
        },
        read=_read_translated,
    ),
    examples={"train": {"en": 49_401}, "dev": 2_000, "test": 2_000},  # XTREME, table 1
    description="Paraphrase identification against word order, in seven languages",
    citation="Yang, Zhang, Tar and Baldridge (2019), PAWS-X: A Cross-lingual Adversarial Dataset for "
    "Paraphrase Identification. EMNLP",
    licence="free use with acknowledgement of Google LLC as the source",
    url="https://github.com/google-research-datasets/paws/tree/master/pawsx",
    version=2,
)
