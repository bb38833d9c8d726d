"""XNLI: natural language inference in fifteen languages, row i being the same pair in each."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xstilts.data import readers
from xstilts.data.examples import Pair
from xstilts.data.task import Files, Hub, Task, Wording

LABELS = ("contradiction", "entailment", "neutral")
_HUB_LABELS = ("entailment", "neutral", "contradiction")

PROMPTS = {
    "ar": Wording(
        "المقدمة: {text} الفرضية: {text2} هل تستنتج الفرضية من المقدمة؟ نعم أم لا أم ربما؟ الجواب: {answer}",
        ("لا", "نعم", "ربما"),
    ),
    "bg": Wording(
        "Предпоставка: {text} Хипотеза: {text2} "
        "Следва ли хипотезата от предпоставката? Да, не или може би? Отговор: {answer}",
        ("Не", "Да", "Може би"),
    ),
    "de": Wording(
        "Prämisse: {text} Hypothese: {text2} "
        "Folgt die Hypothese aus der Prämisse? Ja, nein oder vielleicht? Antwort: {answer}",
        ("Nein", "Ja", "Vielleicht"),
    ),
    "el": Wording(
        "Προκείμενη: {text} Υπόθεση: {text2} "
        "Προκύπτει η υπόθεση από την προκείμενη; Ναι, όχι ή ίσως; Απάντηση: {answer}",
        ("Όχι", "Ναι", "Ίσως"),
    ),
    "en": Wording(
        "Premise: {text} Hypothesis: {text2} "
        "Does the hypothesis follow from the premise? Yes, no or maybe? Answer: {answer}",
        ("No", "Yes", "Maybe"),
    ),
    "es": Wording(
        "Premisa: {text} Hipótesis: {text2} "
        "¿Se deduce la hipótesis de la premisa? ¿Sí, no o quizás? Respuesta: {answer}",
        ("No", "Sí", "Quizás"),
    ),
    "fr": Wording(
        "Prémisse : {text} Hypothèse : {text2} "
        "L'hypothèse découle-t-elle de la prémisse ? Oui, non ou peut-être ? Réponse : {answer}",
        ("Non", "Oui", "Peut-être"),
    ),
    "hi": Wording(
        "आधार वाक्य: {text} परिकल्पना: {text2} "
        "क्या परिकल्पना आधार वाक्य से निकलती है? हाँ, नहीं या शायद? उत्तर: {answer}",
        ("नहीं", "हाँ", "शायद"),
    ),
    "ru": Wording(
        "Посылка: {text} Гипотеза: {text2} "
        "Следует ли гипотеза из посылки? Да, нет или возможно? Ответ: {answer}",
        ("Нет", "Да", "Возможно"),
    ),
    "sw": Wording(
        "Kauli: {text} Dhana: {text2} Je, dhana inatokana na kauli? Ndiyo, hapana au labda? Jibu: {answer}",
        ("Hapana", "Ndiyo", "Labda"),
    ),
    "th": Wording(
        "ข้อความ: {text} สมมติฐาน: {text2} สมมติฐานเป็นจริงตามข้อความใช่หรือไม่ ใช่ ไม่ใช่ หรืออาจจะ คำตอบ: {answer}",
        ("ไม่ใช่", "ใช่", "อาจจะ"),
    ),
    "tr": Wording(
        "Öncül: {text} Hipotez: {text2} "
        "Hipotez öncülden çıkarılabilir mi? Evet, hayır ya da belki? Cevap: {answer}",
        ("Hayır", "Evet", "Belki"),
    ),
    "ur": Wording(
        "بیان: {text} مفروضہ: {text2} کیا مفروضہ بیان سے اخذ ہوتا ہے؟ ہاں، نہیں یا شاید؟ جواب: {answer}",
        ("نہیں", "ہاں", "شاید"),
    ),
    "vi": Wording(
        "Tiền đề: {text} Giả thuyết: {text2} "
        "Có thể suy ra giả thuyết từ tiền đề không? Có, không hay có lẽ? Trả lời: {answer}",
        ("Không", "Có", "Có lẽ"),
    ),
    "zh": Wording(
        "前提：{text} 假设：{text2} 由前提能否推出假设？能、不能还是也许？答案：{answer}",
        ("不能", "能", "也许"),
    ),
}
"""The answers stand in the order of the labels: no, yes, maybe."""


def _read(paths: tuple[Path, ...], language: str) -> Iterator[Pair]:
    (path,) = paths
    for number, (premise, hypothesis, label) in readers.written_columns(
        path, ("premise", "hypothesis", "label")
    ):
        yield Pair(premise, hypothesis, readers.label(path, number, label, LABELS))


def _read_hub(rows: Iterator[Mapping[str, Any]], language: str) -> Iterator[Pair]:
    for row in rows:
        yield Pair(row["premise"], row["hypothesis"], _HUB_LABELS[row["label"]])


TASK = Task(
    family="classification",
    languages=("ar", "bg", "de", "el", "en", "es", "fr", "hi", "ru", "sw", "th", "tr", "ur", "vi", "zh"),
    labels=LABELS,
    metric="accuracy",
    trained_by="mnli",
    prompts=PROMPTS,
    files=Files(
        patterns={"dev": ("target/xnli/dev-{lang}.tsv",), "test": ("target/xnli/test-{lang}.tsv",)},
        read=_read,
    ),
    hub=Hub(
        dataset="facebook/xnli",
        revision="b8dd5d7af51114dbda02c0e3f6133f332186418e",
        files={
            "dev": "{lang}/validation-00000-of-00001.parquet",
            "test": "{lang}/test-00000-of-00001.parquet",
        },
        read=_read_hub,
    ),
    examples={"dev": 2_490, "test": 5_010},  # XTREME, table 1
    description="Natural language inference in fifteen languages, parallel",
    citation="Conneau et al. (2018), XNLI: Evaluating Cross-lingual Sentence Representations. EMNLP",
    licence="CC BY-NC 4.0",
    url="https://github.com/facebookresearch/XNLI",
)
