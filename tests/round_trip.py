"""A model that knows every answer: what it says, what that decodes to, and why it may miss all the same."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from xstilts import families, metrics
from xstilts import tasks as registry
from xstilts.compute.backbone import SPECIAL, _strings
from xstilts.data import loader
from xstilts.data.examples import Bitext, Question
from xstilts.data.task import Task
from xstilts.families.items import Item, Layout
from xstilts.families.span import MAX_ANSWER, whole_tokens
from xstilts.metrics import mining

LONG, INSIDE, BARE, VOID = "long", "inside", "bare", "void"
REASONS = {
    LONG: f"the answer has more tokens than the {MAX_ANSWER} of the longest answer that is looked for",
    INSIDE: "the answer begins or ends inside a token, and whole tokens are read",
    BARE: "the answer begins or ends with signs that the tokenizer drops, and no token has them",
    VOID: "the metric's normalisation leaves nothing of the answer, and its F1 of nothing and nothing is 0",
}
"""All that may come between a gold answer and its score."""

WIDTH = 64
"""Numbers in the made-up vector of a sentence."""


@dataclass(frozen=True)
class Trip:
    """What came back: whether each row (question, sentence, pair) did, its statistics, and its excuse."""

    items: list[Item]
    back: list[bool]
    statistics: NDArray[np.float64]
    excuses: list[str]
    metric: str

    @property
    def missed(self) -> Counter[str]:
        """How many rows did not come back or score less than they could, by excuse ("" for none)."""
        pairs = zip(self.back, self.excuses, strict=True)
        return Counter(excuse for back, excuse in pairs if not back)

    @property
    def value(self) -> float:
        """The metric over the rows that have no excuse."""
        kept = np.array([not excuse for excuse in self.excuses])
        return float(metrics.find(self.metric).value(self.statistics[kept].sum(axis=0)))


def cells(found: Task, data: Path | None) -> Iterator[tuple[str, str]]:
    """Every split and language that the folder holds with gold labels."""
    if found.files is None or found.family == "masked" or not loader.from_files(found, data):
        return
    for split in found.files.patterns:
        for language in loader.available(found, split, data):
            yield split, language


def layout_of(found: Task, **changes: Any) -> Layout:
    """Lengths as in the full-scale study; a task whose metric is SQuAD 2.0's has unanswerable questions."""
    longest = {"span": 384, "retrieval": 512}.get(found.family, 256)
    facts: dict[str, Any] = {
        "labels": found.labels,
        "max_length": longest,
        "nulls": found.metric.startswith("squad2"),
    }
    return Layout(**(facts | changes))


def travel(found: Task, rows: Sequence[Any], language: str, tokenizer: Any, layout: Layout) -> Trip:
    """Encode, say exactly the gold, decode, score."""
    if found.family == "retrieval":
        return _match(found, rows[0], language, tokenizer, layout)
    family, metric = families.find(found.family), metrics.find(found.metric)
    rows = one_answer_each(rows) if found.family == "span" else rows
    items = family.encode(rows, tokenizer, layout)
    scores = [oracle(item, family.axis, family.outputs(layout)) for item in items]
    predicted = family.decode(rows, items, scores, layout)
    gold = [family.gold(row) for row in rows]
    statistics = metric.statistics(gold, predicted, language)
    if found.family != "span":
        back = [one == other for one, other in zip(gold, predicted, strict=True)]
        return Trip(items, back, statistics, [""] * len(rows), found.metric)
    texts = [row.answers[0].text if row.answers else "" for row in rows]
    could = metric.statistics(gold, texts, language)[:, 0]
    excuses = [
        VOID if best < 1 else excuse for best, excuse in zip(could, _excuses(rows, tokenizer), strict=True)
    ]
    back = [
        text.strip() == said and reached == 1
        for text, said, reached in zip(texts, predicted, statistics[:, 0], strict=True)
    ]
    return Trip(items, back, statistics, excuses, found.metric)


def oracle(item: Item, axis: str, outputs: int) -> NDArray[np.float32]:
    """Scores that are 1 at the gold and 0 elsewhere, [reads, outputs]."""
    scores = np.zeros((sum(map(len, item.reads)), outputs), np.float32)
    for number, gold in enumerate(item.gold):
        scores[(number, gold) if axis == "outputs" else (gold, number)] = 1
    return scores


def one_answer_each(rows: Sequence[Question]) -> list[Question]:
    """A question for each different gold answer, as if it were the only one; those without answers stay."""
    return [
        replace(row, answers=(answer,) if answer is not None else ())
        for row in rows
        for answer in dict.fromkeys(row.answers) or (None,)
    ]


def _excuses(rows: Sequence[Question], tokenizer: Any) -> list[str]:
    """Why an answer cannot come back, from the tokens of the context alone: no question, no window."""
    contexts = list(dict.fromkeys(row.context for row in rows))
    encoding = tokenizer(contexts, add_special_tokens=False, return_offsets_mapping=True)
    offsets = map(whole_tokens, contexts, encoding["offset_mapping"])
    tokens = dict(zip(contexts, offsets, strict=True))
    return [_excuse(row, tokens[row.context]) if row.answers else "" for row in rows]


def _excuse(row: Question, tokens: Sequence[tuple[int, int]]) -> str:
    text, context = row.answers[0].text, row.context
    assert context[row.answers[0].start :].startswith(text)
    start = row.answers[0].start + len(text) - len(text.lstrip())
    end = start + len(text.strip())
    held = [(one, two) for one, two in tokens if two > start and one < end and context[one:two].strip()]
    if len(held) > MAX_ANSWER:
        return LONG
    (one, _), (_, two) = held[0], held[-1]
    if context[one:start].strip() or context[end:two].strip():
        return INSIDE
    return BARE if one > start or two < end else ""


def _match(found: Task, bitext: Bitext, language: str, tokenizer: Any, layout: Layout) -> Trip:
    """Retrieval and mining with the same vector for what is a pair, and for what has the same tokens."""
    family, metric = families.find("retrieval"), metrics.find(found.metric)
    items = family.encode([bitext], tokenizer, layout)
    vectors = _vectors(bitext, [tuple(item.sequences[0]) for item in items])
    gold: list[Any]
    predicted: list[Any]
    if found.metric == "mining_f1":
        mined = mining.mine(bitext, vectors)
        gold = mining.gold_rows(bitext)
        predicted = mining.extract(mined, mining.threshold(mined, bitext), len(bitext.source))
    else:
        gold, predicted = family.gold(bitext), family.decode([bitext], items, list(vectors), layout)
    back = [one == other for one, other in zip(gold, predicted, strict=True)]
    return Trip(items, back, metric.statistics(gold, predicted, language), [""] * len(gold), found.metric)


def _vectors(bitext: Bitext, tokens: Sequence[tuple[int, ...]]) -> NDArray[np.float32]:
    """Random vectors, one for each group of sentences that are joined by a gold pair or by equal tokens."""
    group = list(range(len(tokens)))

    def first(row: int) -> int:
        while group[row] != row:
            row = group[row]
        return row

    seen: dict[tuple[int, ...], int] = {}
    pairs = [(one, len(bitext.source) + two) for one, two in bitext.gold]
    same = [(seen.setdefault(sequence, row), row) for row, sequence in enumerate(tokens)]
    for one, two in (*pairs, *same):
        low, high = sorted((first(one), first(two)))
        group[high] = low
    drawn = np.random.Generator(np.random.PCG64(11)).standard_normal((len(tokens), WIDTH))
    return drawn.astype(np.float32)[[first(row) for row in range(len(tokens))]]


def look_alike(found: Task, rows: Sequence[Any], items: Sequence[Item]) -> tuple[int, int]:
    """Rows that nobody can get right who gets all others right: who reads tokens, and who reads texts.

    These are rows that equal others with another answer, and rows in which the right option stands twice.
    """
    family = families.find(found.family)
    sequences: dict[int, list[Any]] = defaultdict(list)
    for item in items:
        sequences[item.example].append(tuple(map(tuple, item.sequences)))
    seen = [tuple(sequences[row]) for row in range(len(rows))]
    gold = [family.gold(row) for row in rows]
    if found.family == "choice":
        texts = [(row.context, row.options) for row in rows]
        by_tokens = _ambiguous(seen, gold) + _twins([one[0] for one in seen], gold)
        return by_tokens, _ambiguous(texts, gold) + _twins([row.options for row in rows], gold)
    texts = [row.tokens if found.family == "tagging" else (row.text, row.text2) for row in rows]
    return _ambiguous(seen, gold), _ambiguous(texts, gold)


def _twins(options: Sequence[Sequence[Any]], gold: Sequence[int]) -> int:
    return sum(row.count(row[right]) > 1 for row, right in zip(options, gold, strict=True))


def _ambiguous(seen: Sequence[Any], gold: Sequence[Any]) -> int:
    answers: dict[Any, Counter[Any]] = defaultdict(Counter)
    for one, right in zip(seen, gold, strict=True):
        answers[one][right] += 1
    return sum(count.total() - max(count.values()) for count in answers.values())


def texts_of(data: Path, most: int) -> Iterator[str]:
    """The texts of the first rows of every evaluation cell, and as much of a bitext."""
    for name in registry.names():
        found = registry.find(name)
        for split, language in cells(found, data):
            for row in loader.load(found, split, language, data)[:most]:
                if isinstance(row, Bitext):
                    yield from (*row.source[:most], *row.target[:most])
                else:
                    yield from _strings(row)


def train(kind: str, texts: Sequence[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """A tokenizer laid out as XLM-R's ("marked"), as a decoder's ("bytes") or as BERT's ("lower")."""
    special = list(SPECIAL.values())
    options: dict[str, Any] = {"vocab_size": vocabulary, "special_tokens": special, "show_progress": False}
    single, pair = "<s> $A </s>", "<s> $A </s> </s> $B </s>"
    if kind == "marked":
        made = Tokenizer(models.BPE(unk_token="<unk>"))
        made.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " ")])
        made.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Metaspace(), pre_tokenizers.Punctuation()]
        )
        learner: Any = trainers.BpeTrainer(**options)
    elif kind == "bytes":
        made = Tokenizer(models.BPE())
        made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        learner = trainers.BpeTrainer(**options, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
        single, pair = "$A </s>", "$A </s> $B </s>"
    else:
        made = Tokenizer(models.WordPiece(unk_token="<unk>"))
        made.normalizer, made.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
        learner = trainers.WordPieceTrainer(**options)
        pair = "<s> $A </s> $B:1 </s>:1"
    made.train_from_iterator(texts, learner)
    ends = [(token, made.token_to_id(token)) for token in ("<s>", "</s>")]
    made.post_processor = processors.TemplateProcessing(single=single, pair=pair, special_tokens=ends)
    names = {f"{kind}_token": token for kind, token in SPECIAL.items()}
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=made, cls_token="<s>", sep_token="</s>", **names
    )
