"""The text to pretrain on: which languages are in it, what belongs together, and that it stays the same."""

import hashlib
import os
import subprocess
import sys

import pytest

from xstilts import lab
from xstilts import tasks as registry
from xstilts.data.examples import Text
from xstilts.errors import DataError
from xstilts.lab.grammar import grammar
from xstilts.lab.inventory import CONTENT_WORDS, DEEDS, FUNCTION_WORDS, NAMES
from xstilts.lab.lexicon import NOUN_FEATURES, features, lexicons

MARKS = frozenset(".,?")
WORDS = (*FUNCTION_WORDS, *CONTENT_WORDS, *NAMES)

# If this depends on PYTHONHASHSEED, something iterates over a set.
CHECKSUM = """
import hashlib
from xstilts import lab
checksum = hashlib.sha256()
for name in ("text", "parallel", "phrases"):
    for code in lab.OTHERS:
        checksum.update(repr(lab.generate(name, code, "train", 100)).encode())
for name in ("nli", "entail", "para", "pos", "ner", "ccg", "qa", "qa2", "event", "common", "tatoeba", "bucc"):
    for code in ("x-en", "x-ia"):
        checksum.update(repr(lab.generate(name, code, "train", 60)).encode())
print(checksum.hexdigest())
"""


def forms(code: str) -> set[str]:
    lexicon = lexicons()[code]
    own = {"did", "do", "does", "an"} if code == lab.BASE else set()
    deeds = {lexicon.form(word, feature) for word in DEEDS for feature in NOUN_FEATURES}
    return own | deeds | {lexicon.form(word, feature) for word in WORDS for feature in features(word)}


def texts(name: str, code: str, size: int) -> list[Text]:
    rows = lab.generate(name, code, "train", size)
    assert all(isinstance(row, Text) for row in rows)
    return [row for row in rows if isinstance(row, Text)]


def test_every_process_generates_the_same() -> None:
    checksums = [
        subprocess.run(
            [sys.executable, "-c", CHECKSUM],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert checksums[0] == checksums[1]


def test_the_text_is_what_the_backbones_were_trained_on() -> None:
    checksum = hashlib.sha256()
    for name in ("text", "parallel", "phrases"):
        for code in lab.OTHERS:
            checksum.update(repr(lab.generate(name, code, "train", 400)).encode())
    assert checksum.hexdigest()[:12] == "f117221fd715"


def test_english_documents_are_english_alone() -> None:
    words = {word for row in texts("text", lab.BASE, 300) for word in row.text.split()}
    assert words <= forms(lab.BASE) | MARKS


@pytest.mark.parametrize("code", lab.OTHERS)
def test_half_of_the_other_documents_mix_languages(code: str) -> None:
    own = forms(code) | MARKS
    rows = texts("text", code, 400)
    mixed = sum(not set(row.text.split()) <= own for row in rows)
    assert 0.4 < mixed / len(rows) < 0.6
    others = set().union(*(forms(other) for other in lab.LANGUAGES))
    assert all(set(row.text.split()) <= others | MARKS for row in rows)


@pytest.mark.parametrize("code", lab.OTHERS)
def test_pairs_are_translations_or_of_one_language(code: str) -> None:
    own, base = forms(code) | MARKS, forms(lab.BASE) | MARKS
    translations = 0
    rows = texts("parallel", code, 300)
    for row in rows:
        assert row.text2 is not None
        one, other = set(row.text.split()), set(row.text2.split())
        if one <= own and other <= own:
            continue
        translations += 1
        assert (one <= own and other <= base) or (one <= base and other <= own)
    assert 0.4 < translations / len(rows) < 0.65


def test_a_longer_corpus_begins_with_a_shorter_one() -> None:
    assert lab.generate("text", "x-ga", "train", 50) == lab.generate("text", "x-ga", "train", 80)[:50]


def test_training_text_is_scaled_by_the_share_of_the_language() -> None:
    assert len(lab.generate("phrases", "x-ia", "train", 100)) == 60
    assert len(lab.generate("phrases", "x-ia", "dev", 100)) == 100


def test_splits_are_different_text() -> None:
    train = {row.text for row in texts("text", "x-sa", 400)}
    dev = [row for row in lab.generate("text", "x-sa", "dev", 100) if isinstance(row, Text)]
    assert sum(row.text in train for row in dev) < 10


def test_how_much_text_there_is() -> None:
    sizes = {name: registry.find(f"lab_{name}") for name in ("text", "parallel", "phrases")}
    shares = {
        name: round(sum(lab.LANGUAGES[code].share for code in found.languages) * found.made.sizes["train"])
        for name, found in sizes.items()
        if found.made is not None
    }
    assert shares == {"text": 358_800, "parallel": 538_200, "phrases": 826_000}


@pytest.mark.parametrize(
    ("name", "code", "split", "message"),
    [
        ("nly", "x-en", "train", "Did you mean 'nli'?"),
        ("nli", "x-eg", "train", "has no language 'x-eg'"),
        ("nli", "x-en", "tests", "Did you mean 'test'?"),
    ],
)
def test_what_does_not_exist_is_refused(name: str, code: str, split: str, message: str) -> None:
    with pytest.raises(DataError) as error:
        lab.generate(name, code, split, 10)
    assert message in str(error.value)


def test_word_by_word_switching_keeps_inflection() -> None:
    """A switched word is the same concept in the same case and number."""
    ia, sa = grammar("x-ia").lexicon, grammar("x-sa").lexicon
    assert ia.form("dog", "pl.acc") != ia.form("dog", "sg.acc")
    assert sa.form("dog", "pl.acc") != sa.form("dog", "sg.acc")
