"""What holds for every family: items fit, gold scores decode to gold, references keep their promises."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

from xstilts import families
from xstilts.data.examples import Answer, Choice, Pair, Question, Seen, Tagged
from xstilts.errors import DataError
from xstilts.families.items import Item, Layout

TAGS = ("ADJ", "DET", "NOUN", "PUNCT", "VERB")

EXAMPLES: dict[str, list[Any]] = {
    "classification": [
        Pair("The old keeper walks.", "Nobody follows him.", "neutral"),
        Pair("老灯塔看守人沿着河边走。", "没有人跟着他。", "entailment"),
        Pair("คนเฝ้าประภาคารเดินไปตามแม่น้ำ", None, "contradiction"),
        Pair("", "the river", "neutral"),
    ],
    "choice": [
        Choice("The keeper walks", ("along the river.", "him.", "nobody old"), 2),
        Choice("", ("The river follows", "the lighthouse"), 0),
        Choice("川のそばを歩く", ("灯台守", "誰も"), 1),
    ],
    "tagging": [
        Tagged(("The", "old", "lighthouse", "walks", "."), ("DET", "ADJ", "NOUN", "VERB", "PUNCT")),
        Tagged(("老", "灯塔", "看守人", "走", "。"), ("ADJ", "NOUN", "NOUN", "VERB", "PUNCT")),
        Tagged(tuple(["lighthouse", "walks", ","] * 20), ("NOUN", "VERB", "PUNCT") * 20),
        Tagged(("x",), ("NOUN",)),
    ],
    "span": [
        Question("The keeper walks along the river.", "Who walks?", (Answer("The keeper", 0),)),
        Question("The keeper walks along the river.", "Where?", (Answer("river", 27),)),
        Question("河边 有 一座桥。", "桥", (Answer("一座桥", 5),)),
        Question("ไม่มีใครตามเขาไป", "ใคร", (Answer("ใคร", 5), Answer("ตามเขา", 8))),
        Question("Nobody follows him.", "Why?", ()),
    ],
    "visual": [
        Seen(("1.jpg",), "The keeper walks.", "neutral", "A keeper at the river."),
        Seen(("2.jpg", "3.jpg"), "没有人跟着他。", "entailment"),
        Seen((), "Nobody follows him.", "contradiction", "The old keeper walks."),
        Seen((), "The river", "neutral"),
        Seen(("1.jpg",), "", "entailment", "A keeper at the river."),
    ],
}
LABELS = {
    "classification": ("contradiction", "entailment", "neutral"),
    "tagging": TAGS,
    "visual": ("contradiction", "entailment", "neutral"),
}
TRAINED = sorted(EXAMPLES)


def layout_of(family: str, **changes: Any) -> Layout:
    return Layout(**({"labels": LABELS.get(family, ()), "max_length": 24, "nulls": True} | changes))


def oracle(item: Item, axis: str, outputs: int) -> np.ndarray[Any, Any]:
    """Scores of a model that knows the gold answers: [reads, outputs]."""
    scores = np.zeros((sum(map(len, item.reads)), outputs), np.float32)
    for number, gold in enumerate(item.gold):
        scores[(number, gold) if axis == "outputs" else (gold, number)] = 1
    return scores


@pytest.mark.parametrize("name", TRAINED)
@pytest.mark.parametrize("summary", ["first", "last"])
def test_gold_scores_decode_to_gold(name: str, summary: str, tokenizer: Any) -> None:
    family, layout = families.find(name), layout_of(name, summary=summary)
    examples = EXAMPLES[name]
    items = family.encode(examples, tokenizer, layout)
    scores = [oracle(item, family.axis, family.outputs(layout)) for item in items]
    decoded = family.decode(examples, items, scores, layout)
    gold = [family.gold(example) for example in examples]
    if name == "span":
        gold = [answers[0].text if answers else "" for answers in gold]
    assert decoded == gold


@pytest.mark.parametrize("name", [*TRAINED])
@pytest.mark.parametrize("longest", [12, 24, 256])
def test_items_fit_and_reads_lie_inside(name: str, longest: int, tokenizer: Any) -> None:
    family, layout = families.find(name), layout_of(name, max_length=longest)
    items = family.encode(EXAMPLES[name], tokenizer, layout)
    assert sorted({item.example for item in items}) == list(range(len(EXAMPLES[name])))
    assert [item.example for item in items] == sorted(item.example for item in items)
    for item in items:
        assert len(item.sequences) == len(item.reads) == len(item.second)
        for ids, reads, second in zip(item.sequences, item.reads, item.second, strict=True):
            assert len(ids) <= longest
            assert all(0 <= position < len(ids) for position in reads)
            assert 0 < second <= len(ids)
        choices = family.outputs(layout) if family.axis == "outputs" else sum(map(len, item.reads))
        assert all(0 <= gold < choices for gold in item.gold)


@pytest.mark.parametrize("name", TRAINED)
def test_nothing_encodes_to_nothing(name: str, tokenizer: Any) -> None:
    family, layout = families.find(name), layout_of(name)
    assert family.encode([], tokenizer, layout) == []
    assert family.decode([], [], [], layout) == []


@pytest.mark.parametrize("name", sorted(LABELS))
def test_a_label_that_the_task_does_not_name_is_the_users_error(name: str, tokenizer: Any) -> None:
    family, layout = families.find(name), layout_of(name, labels=("NOUNS", "neutrality"))
    with pytest.raises(DataError, match=r"a row has the label .* none of the 2 labels of its task"):
        family.encode(EXAMPLES[name], tokenizer, layout)


@pytest.mark.parametrize("name", TRAINED)
def test_an_example_is_encoded_alike_in_any_company(name: str, roberta: Any) -> None:
    family, layout = families.find(name), layout_of(name)
    together = family.encode(EXAMPLES[name], roberta, layout)
    for row, example in enumerate(EXAMPLES[name]):
        alone = family.encode([example], roberta, layout)
        beside = [item for item in together if item.example == row]
        assert [(item.sequences, item.second, item.reads, item.gold, item.images) for item in alone] == [
            (item.sequences, item.second, item.reads, item.gold, item.images) for item in beside
        ]


@pytest.mark.parametrize("name", TRAINED)
def test_shuffling_is_a_function_of_the_generator_and_moves_answers_only(name: str) -> None:
    family = families.find(name)
    rows = EXAMPLES[name] * 8
    once, again = (family.shuffled(rows, np.random.Generator(np.random.PCG64(3))) for _ in range(2))
    other = family.shuffled(rows, np.random.Generator(np.random.PCG64(4)))
    assert once == again
    assert once != rows
    assert once != other
    for row, changed in zip(rows, once, strict=True):
        for field in ("text", "text2", "context", "options", "tokens", "question", "images", "caption", "id"):
            assert getattr(row, field, None) == getattr(changed, field, None)


@pytest.mark.parametrize(
    ("name", "field"), [("classification", "label"), ("visual", "label"), ("tagging", "tags")]
)
def test_shuffling_keeps_the_distribution_of_labels(name: str, field: str) -> None:
    family, rows = families.find(name), EXAMPLES[name] * 8
    shuffled = family.shuffled(rows, np.random.Generator(np.random.PCG64(0)))

    def counts(examples: list[Any]) -> Counter[str]:
        values = [getattr(row, field) for row in examples]
        return Counter(tag for value in values for tag in ((value,) if field == "label" else value))

    assert counts(shuffled) == counts(rows)


@pytest.mark.parametrize("name", TRAINED)
def test_the_majority_answer_has_the_form_of_a_prediction_and_sees_no_gold(name: str) -> None:
    family, rows = families.find(name), EXAMPLES[name]
    answers = family.majority(rows, rows)
    blind = family.shuffled(rows, np.random.Generator(np.random.PCG64(1)))
    assert answers == family.majority(rows, blind)
    assert len(answers) == len(rows)
    if name == "tagging":
        assert [len(tags) for tags in answers] == [len(row.tokens) for row in rows]
