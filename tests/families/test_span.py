"""Answers as spans of a context: exact offsets, windows, the best span, no answer."""

import copy
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from xstilts.data.examples import Answer, Question
from xstilts.families.items import Item, Layout
from xstilts.families.span import FAMILY, MAX_ANSWER, MAX_QUESTION, best_span
from xstilts.families.text import _windows

SPLIT = Layout(max_length=24, stride=6, nulls=True)


def _piece(tokenizer: Any, item: Item, read: int) -> str:
    token = tokenizer.convert_ids_to_tokens(item.sequences[0][item.reads[0][read]])
    return str(token).replace("▁", "")


def test_offsets_are_exact_in_all_windows(tokenizer: Any, texts: Sequence[str]) -> None:
    rows = [Question(context, "Who walks?", ()) for context in texts]
    items = FAMILY.encode(rows, tokenizer, SPLIT)
    assert len(items) > len(rows), "the contexts are longer than a window"
    for item in items:
        assert item.note[0] == (0, 0)
        assert item.reads[0][0] == 0
        context = rows[item.example].context
        for read, (start, end) in enumerate(item.note[1:], start=1):
            assert unicodedata.normalize("NFKC", context[start:end]) == _piece(tokenizer, item, read)


def test_the_windows_cover_the_context(tokenizer: Any, texts: Sequence[str]) -> None:
    rows = [Question(context, "Who?", ()) for context in texts]
    items = FAMILY.encode(rows, tokenizer, SPLIT)
    for number, context in enumerate(texts):
        covered = {
            place
            for item in items
            if item.example == number
            for start, end in item.note[1:]
            for place in range(start, end)
        }
        assert covered == {place for place, letter in enumerate(context) if not letter.isspace()}


WORDS = ("river", "keeper", "walks", "the", "him", "老", "看守人", "桥", "река", "النهر", "x1", "(old)")


@st.composite
def questions(draw: st.DrawFn) -> Question:
    words = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=40))
    spaces = draw(st.lists(st.sampled_from([" ", "  ", "\n", "\u00a0"]), min_size=41, max_size=41))
    first = draw(st.integers(0, len(words) - 1))
    last = draw(st.integers(first, min(len(words) - 1, first + 3)))
    starts, context = [], ""
    for word, space in zip(words, spaces, strict=False):
        starts.append(len(context))
        context += word + space
    end = starts[last] + len(words[last])
    left, right = draw(st.integers(0, 1)), draw(st.integers(0, 1))  # answers with white space around them
    start = max(0, starts[first] - left)
    return Question(context, "Who walks?", (Answer(context[start : end + right], start),))


@settings(max_examples=150, deadline=None)
@given(row=questions())
def test_the_answer_is_marked_in_exactly_the_windows_that_hold_it(roberta: Any, row: Question) -> None:
    text = row.answers[0].text.strip()
    start = row.context.index(text, row.answers[0].start)
    holding = 0
    for item in FAMILY.encode([row], roberta, SPLIT):
        first, last = item.gold
        places = {place for a, b in item.note[1:] for place in range(a, b)}
        wanted = {start + at for at, letter in enumerate(text) if not letter.isspace()}
        if wanted <= places:
            holding += 1
            assert row.context[item.note[first][0] : item.note[last][1]] == text
        else:
            assert item.gold == [0, 0]
    assert holding >= 1 or len(roberta(text)["input_ids"]) > SPLIT.stride


def test_an_answer_inside_a_word_is_marked_by_the_tokens_that_hold_it(roberta: Any) -> None:
    context = "The lighthouse stands."
    row = Question(context, "What?", (Answer("house", context.index("house")),))
    (item,) = FAMILY.encode([row], roberta, Layout(max_length=64, stride=16))
    first, last = item.gold
    assert "house" in context[item.note[first][0] : item.note[last][1]]
    assert "stands" not in context[item.note[first][0] : item.note[last][1]]


@settings(max_examples=300, deadline=None)
@given(
    scores=hnp.arrays(np.float32, st.tuples(st.integers(0, 45), st.just(2)), elements=st.integers(-5, 5)),
    longest=st.integers(1, MAX_ANSWER),
)
def test_the_best_span_is_that_of_brute_force(scores: Any, longest: int) -> None:
    spans = [
        (float(scores[first, 0] + scores[last, 1]), -first, -last)
        for first in range(len(scores))
        for last in range(first, min(len(scores), first + longest))
    ]
    value, first, last = best_span(scores[:, 0], scores[:, 1], longest)
    best = max(spans, default=(-np.inf, 0, 0))
    assert (value, -first, -last) == best, "ties: the first place, then the shortest"


def _scored(items: Sequence[Item], **places: float) -> list[np.ndarray[Any, Any]]:
    scores = [np.zeros((len(item.reads[0]), 2), np.float32) for item in items]
    scores[0][0] = places.get("null0", 0) / 2
    scores[1][0] = places.get("null1", 0) / 2
    scores[0][1:2] = places.get("window0", 0) / 2
    scores[1][2:3] = places.get("window1", 0) / 2
    return scores


def test_windows_compete_and_the_least_null_score_stands_for_no_answer(roberta: Any, texts: Any) -> None:
    rows = [Question(texts[0], "Who?", ())]
    items = FAMILY.encode(rows, roberta, SPLIT)[:2]
    (a, b), (c, d) = items[0].note[1], items[1].note[2]
    one, two = texts[0][a:b], texts[0][c:d]
    assert one != two

    def answer(nulls: bool, **places: float) -> str:
        layout = Layout(max_length=24, stride=6, nulls=nulls)
        (text,) = FAMILY.decode(rows, items, _scored(items, **places), layout)
        return str(text)

    assert answer(True, window0=2, window1=3) == two
    assert answer(True, window0=3, window1=2) == one
    assert answer(True, window0=3, null0=9, null1=2) == one, "the least null score counts"
    assert answer(True, window0=3, null0=9, null1=4) == ""
    assert answer(True, window0=3, null0=3, null1=3) == one, "no answer must win outright"
    assert answer(False, window0=3, null0=9, null1=9) == one, "every question has an answer"


@pytest.mark.parametrize(("longest", "stride"), [(8, 4), (16, 128), (64, 128), (128, 128), (256, 128)])
def test_long_questions_leave_room_for_the_context(longest: int, stride: int, tokenizer: Any) -> None:
    rows = [Question("the river " * 60, "keeper walks along " * 40, (Answer("river", 4),))]
    items = FAMILY.encode(rows, tokenizer, Layout(max_length=longest, stride=stride))
    assert all(len(item.sequences[0]) <= longest for item in items)
    ends = [item.note[-1][1] for item in items]
    assert ends[0] > 0
    assert max(ends) == len(rows[0].context.rstrip()), "the last window ends with the context"
    assert items[0].second[0] - 2 <= MAX_QUESTION + 1


def test_a_question_whose_context_is_empty(roberta: Any) -> None:
    rows = [Question("", "Who?", ()), Question("him", "", (Answer("him", 0),))]
    items = FAMILY.encode(rows, roberta, SPLIT)
    assert [item.gold for item in items] == [[0, 0], [1, len(items[1].note) - 1]]
    scores = [np.zeros((len(item.reads[0]), 2), np.float32) for item in items]
    assert FAMILY.decode(rows, items, scores, Layout(max_length=24))[0] == ""


@pytest.mark.parametrize(
    ("answer", "marked"), [("\u200eold", "old"), ("walks\u200e", "walks"), ("\u200e", "")]
)
def test_signs_that_a_tokenizer_drops_are_no_part_of_an_answer(
    answer: str, marked: str, roberta: Any
) -> None:
    """As BERT's tokenizers drop marks of direction, and accents where they write in lower case."""
    tokenizer = copy.deepcopy(roberta)
    tokenizer.backend_tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    context = "\u200e The \u200eold keeper walks\u200e along; nobody follows him along the river. " * 2
    row = Question(context, "Who?", (Answer(answer, context.index(answer)),))
    found = set()
    for item in FAMILY.encode([row], tokenizer, SPLIT):
        first, last = item.gold
        found.add(context[item.note[first][0] : item.note[last][1]] if first else "")
    assert found == {marked, ""}


SCRIPTS = {
    "French": "le café fermé à Genève",
    "Vietnamese": "ở Huế có sông Hương nổi tiếng",
    "Yoruba": "ìlú Èkó ní Nàìjíríà tóbi jùlọ",
    "Korean": "서울은 대한민국의 수도 한글",
    "Japanese": "ｶﾞｽ がぎ ﾊﾟﾝ",
    "Arabic": "كَتَبَ الوَلَدُ أُمٌّ آدم",
    "Hindi": "बूढ़ा क़लम ज़मीन किताबें की",
    "Thai": "น้ำ ทำ ที่นี่ ผู้",
    "Malayalam": "അവന്‍ നിന്‍ മലയാളം",
    "Emoji": "👍🏽 1️⃣ ❤️ ok",
}
NORMALIZERS = {
    "none": normalizers.Sequence([]),
    "NFC": normalizers.NFC(),
    "NFD": normalizers.NFD(),
    "NFKC": normalizers.NFKC(),
    "BERT": normalizers.BertNormalizer(lowercase=True),
}


@pytest.fixture(scope="session", params=NORMALIZERS)
def normalising(request: pytest.FixtureRequest) -> Any:
    """A tokenizer for each way to normalise text, which knows every character and splits at punctuation."""
    forms = [unicodedata.normalize(form, text) for text in SCRIPTS.values() for form in ("NFC", "NFD")]
    made = Tokenizer(models.BPE(unk_token="[UNK]"))
    made.normalizer = NORMALIZERS[request.param]
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[UNK]", "[CLS]", "[SEP]", "[PAD]"]
    trainer = trainers.BpeTrainer(vocab_size=600, special_tokens=special, show_progress=False)
    made.train_from_iterator([*forms, "Which ? , ."], trainer)
    made.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    names = {"unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]"}
    return PreTrainedTokenizerFast(tokenizer_object=made, eos_token="[SEP]", **names)


def _asked(script: str, form: str) -> list[Question]:
    """A question for every word of a line, which is repeated over several windows; punctuation follows."""
    words = unicodedata.normalize(form, SCRIPTS[script]).split()
    context = "".join(f"{word}{mark}" for word in words for mark in (", ", "; ", " ", ".\u200b "))
    return [Question(context, "Which?", (Answer(word, context.index(f"{word};")),)) for word in words]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("script", SCRIPTS)
def test_an_answer_is_whole_words_of_the_context(script: str, form: str, normalising: Any) -> None:
    """As the scripts of SQuAD give it: with all its marks, without the punctuation that follows."""
    layout = Layout(max_length=24, stride=8)
    rows = _asked(script, form)
    items = FAMILY.encode(rows, normalising, layout)
    scores = []
    for item in items:
        table = np.zeros((len(item.reads[0]), 2), np.float32)
        if item.gold != [0, 0]:
            table[item.gold[0], 0] = table[item.gold[1], 1] = 9
        scores.append(table)
    assert FAMILY.decode(rows, items, scores, layout) == [row.answers[0].text for row in rows]


@pytest.mark.parametrize("script", SCRIPTS)
def test_windows_hold_the_same_answers_whatever_the_form_of_the_text(script: str, normalising: Any) -> None:
    """Where forms become the same tokens, they become the same windows with the same answers in them."""
    layout = Layout(max_length=40, stride=8, readout="text", target="inside")
    composed, other = (_asked(script, form) for form in ("NFC", "NFD"))
    for one, two in zip(composed, other, strict=True):
        first, second = (list(_windows([row], normalising, layout)) for row in (one, two))
        written = [normalising.decode(answers[0]) for _, _, answers, _ in second]
        assert any(len(text) > len("[SEP]") for text in written)
        if normalising(one.context)["input_ids"] == normalising(two.context)["input_ids"]:
            assert first == second


@pytest.mark.parametrize("script", ["French", "Vietnamese", "Yoruba", "Korean", "Arabic", "Hindi", "Thai"])
def test_an_answer_at_the_end_of_a_window_is_written_whole(script: str, normalising: Any) -> None:
    """It is not "no answer", which would be what the model is taught."""
    layout = Layout(max_length=64, stride=8, readout="text", target="inside")
    context = unicodedata.normalize("NFD", SCRIPTS[script])
    answer = context.split()[-1]
    row = Question(context, "Which?", (Answer(answer, len(context) - len(answer)),))
    *_, (_, prompt, answers, _) = _windows([row], normalising, layout)
    tokens = normalising(f"{answer}[SEP]", add_special_tokens=False)["input_ids"]
    assert answers == [tokens]
    assert normalising.decode(tokens[:-1]) in normalising.decode(prompt), "and it is shown whole"


def test_a_question_that_is_cut_keeps_its_last_mark(roberta: Any) -> None:
    words = [unicodedata.normalize("NFD", "ü")] * (MAX_QUESTION + 6)
    row = Question("the river", " ".join(words), (Answer("river", 4),))
    (item,) = FAMILY.encode([row], roberta, Layout(max_length=128, stride=16))
    whole = roberta("ü " * len(words), add_special_tokens=False)["input_ids"]
    assert item.sequences[0][1 : item.second[0] - 2] == whole[:MAX_QUESTION]


@pytest.mark.parametrize("answer", [Answer("", 3), Answer("  ", 3)])
def test_an_answer_without_text_is_none(answer: Answer, roberta: Any) -> None:
    (item,) = FAMILY.encode([Question("the river", "Who?", (answer,))], roberta, SPLIT)
    assert item.gold == [0, 0]


def test_the_majority_answer_is_as_long_as_the_median_gold_answer() -> None:
    def asked(answer: str | None) -> Question:
        return Question("one two three four", "?", (Answer(answer, 0),) if answer else ())

    rows = [asked("a"), asked("a b"), asked("a b c")]
    assert FAMILY.majority(rows, rows[:1]) == ["one two"]
    assert FAMILY.majority([*rows, *[asked(None)] * 4], rows[:1]) == [""]


def test_shuffled_answers_are_spans_of_as_many_words(texts: Sequence[str]) -> None:
    rows = [Question(text, "?", (Answer(" ".join(text.split()[:2]), 0),)) for text in texts]
    rows += [Question(texts[0], "?", ())]
    for row, changed in zip(
        rows, FAMILY.shuffled(rows, np.random.Generator(np.random.PCG64(5))), strict=True
    ):
        assert len(changed.answers) == len(row.answers)
        for answer, was in zip(changed.answers, row.answers, strict=True):
            assert row.context[answer.start : answer.start + len(answer.text)] == answer.text
            assert len(answer.text.split()) == len(was.text.split())
