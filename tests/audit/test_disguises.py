"""Evaluated rows under other names, in other shapes, in other tongues; and what only looks like them."""

import re
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import pytest

from xstilts.audit.audit import audit
from xstilts.audit.labels import any_tells, labels_tell
from xstilts.audit.match import Index, Texts, match
from xstilts.audit.tongue import other
from xstilts.data.examples import Answer, Choice, Example, Pair, Question
from xstilts.study.load import load
from xstilts.study.plan import plan

from .planted import LANGUAGES, Planted, make, sentence
from .test_faults import found, leaks

Row = dict[str, str]
TRAIN = ("other", "train", "en")
"""A task of other labels (0 and 1) and other rows, which is trained on before the target."""


@pytest.fixture
def world(tmp_path: Path) -> Planted:
    return make(tmp_path)


def into(world: Planted, change: Callable[[Row], Row], count: int = 60, task: str = "other") -> None:
    """Evaluated rows in English, changed, among the training rows of a task."""
    rows = [change(dict(row)) for row in world.rows("infer", "test", "en")[:count]]
    world.write(task, "train", "en", [*world.rows(task, "train", "en"), *rows])


def renamed(row: Row) -> Row:
    return row | {"label": {"no": "0", "yes": "1"}[row["label"]]}


def random_label(row: Row) -> Row:
    return row | {"label": Random(row["text"]).choice("01")}


SHAPES: dict[str, Callable[[Row], Row]] = {
    "as they are": dict,
    "labels turned round": lambda row: row | {"label": str(1 - int(row["label"]))},
    "order turned round": lambda row: row | {"text": row["text2"], "text2": row["text"]},
    "behind a prompt": lambda row: (
        row | {"text": f"Premise: {row['text']}", "text2": f"Does it follow that {row['text2']}"}
    ),
    "joined": lambda row: row | {"text": f"{row['text']} [SEP] {row['text2']}", "text2": "Yes or no?"},
    "joined, the second first": lambda row: (
        row
        | {
            "text": f"Does “{row['text2']}” follow from “{row['text']}”? Answer yes or no.",
            "text2": "Answer:",
        }
    ),
    "HTML around": lambda row: (
        row | {"text": f"<p class='a'>{row['text']}</p>", "text2": f"&quot;{row['text2']}&quot;"}
    ),
    "a tag behind": lambda row: row | {"text": row["text"] + " #nli", "text2": row["text2"] + " [test]"},
    "in pieces": lambda row: (
        row | {"text": "▁" + row["text"].replace(" ", "▁"), "text2": "▁" + row["text2"].replace(" ", " ▁")}
    ),
    "accents": lambda row: row | {"text": row["text"].replace("a", "á").replace("u", "ü̱")},
    "cut": lambda row: row | {"text": row["text"][: int(0.9 * len(row["text"]))]},
    "full width": lambda row: (
        row | {"text": "".join(chr(ord(s) + 0xFEE0) if s.isalpha() else s for s in row["text"])}
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_rows_with_labels_of_other_names_in_every_shape(world: Planted, shape: str) -> None:
    into(world, lambda row: SHAPES[shape](renamed(row)))
    assert leaks(found(world)) == {
        "rows": {"en": 60},
        "parallel": dict.fromkeys(("de", "hi", "zh"), 60),
    }


def test_labels_that_tell_nothing_are_noted_and_no_leak(world: Planted) -> None:
    """Other annotations of the same texts, though both call their labels 0 and 1."""
    into(world, random_label)
    for split in ("train", "dev", "test"):
        for language in LANGUAGES:
            rows = [renamed(row) for row in world.rows("infer", split, language)]
            world.write("infer", split, language, rows)
    task = world.folder / "infer.py"
    task.write_text(task.read_text().replace('labels=("no", "yes"),', 'labels=("0", "1"),'))
    findings = found(world)
    assert leaks(findings) == {}
    assert {(one.kind, one.language, one.rows) for one in findings} == {("text_seen", "en", 60)}


@pytest.mark.parametrize(
    "votes",
    [("wrong", "right"), ("right", "wrong"), ("right", "wrong", "right"), ("wrong", "right", "right")],
)
def test_rows_that_stand_there_several_times_with_several_labels(
    world: Planted, votes: tuple[str, ...]
) -> None:
    """Wrong ones are random, as those of annotators are."""
    for vote in votes:
        into(world, renamed if vote == "right" else random_label)
    assert leaks(found(world))["rows"] == {"en": 60}


def test_several_tries_are_no_better_than_one() -> None:
    """Four of four labels are right by chance in six cases of a hundred: enough for one try of one."""
    rows = [Pair(str(number), None, label) for number, label in enumerate("aabb")]
    wrong = [Pair(str(number), None, label) for number, label in enumerate("abab")]
    assert any_tells(rows, [[row] for row in rows]) is True
    assert any_tells(rows, [[one, row] for one, row in zip(wrong, rows, strict=True)]) is None


def test_labels_in_words_of_unlabelled_text(world: Planted) -> None:
    """The answer stands in the text itself; without it there is nothing to learn of it."""
    text = "Premise: {text} Hypothesis: {text2} Answer: {label}"
    into(world, lambda row: {"text": text.format(**row)}, task="words")
    assert leaks(found(world))["rows"] == {"en": 60}
    world.write(
        "words",
        "train",
        "en",
        [
            row | {"text": row["text"].replace("Answer: yes", "Answer: no")}
            for row in world.rows("words", "train", "en")
        ],
    )
    assert leaks(found(world)) == {}


CONTEXTS = [(sentence(number, "en"), sentence(number + 7_000, "en")) for number in range(40)]


def told(ours: Sequence[Example], theirs: Sequence[Example]) -> tuple[int, bool | None]:
    """How many of our rows stand in theirs, and whether their labels tell ours."""
    evaluated, trained = Texts(ours), Texts(theirs)
    same = match(evaluated, trained)
    same.add(Index({"": evaluated}).contained(trained, {""}).get("", {}))
    pairs = same.pairs(evaluated, trained)
    return len(same.whole), labels_tell([(ours[one], theirs[other]) for one, other in pairs])


def test_choices_in_another_shape() -> None:
    """With their options turned round, behind a prompt, and as a text with a letter for a label."""
    choices = [Choice(one, (two, two[::-1]), Random(one).randrange(2)) for one, two in CONTEXTS]
    turned = [Choice(row.context, row.options[::-1], 1 - row.label) for row in choices]
    asked = [
        Choice(f"Q: {row.context}", tuple(f"A: {text}" for text in row.options), row.label) for row in choices
    ]
    joined = [Pair(" ".join((row.context, *row.options)), None, "AB"[row.label]) for row in choices]
    drawn = [Choice(row.context, row.options, Random(row.options[0]).randrange(2)) for row in choices]
    assert told(choices, turned) == told(choices, asked) == told(choices, joined) == (40, True)
    assert told(choices, drawn) == (40, False)


def test_choices_whose_options_are_asked_one_by_one() -> None:
    """Each with the context, and with what says whether it is right; or the right ones alone."""
    texts = [(one, two, two[::-1], f"{two[:20]} {one[-15:]}") for one, two in CONTEXTS]
    choices = [Choice(one, (two, *more), Random(one).randrange(3)) for one, two, *more in texts]
    offered = [(row, place, option) for row in choices for place, option in enumerate(row.options)]
    for right, wrong in (("1", "0"), ("yes", "no")):
        one_by_one = [
            Pair(row.context, option, right if place == row.label else wrong)
            for row, place, option in offered
        ]
        assert told(choices, one_by_one) == (40, True)
    alone = [
        Pair(f"{row.context} {option}", None, "") for row, place, option in offered if place == row.label
    ]
    assert told(choices, alone) == (40, True)
    drawn = [Pair(row.context, option, Random(option).choice("01")) for row, _, option in offered]
    assert told(choices, drawn) == (40, False)
    others = [Pair(row.context, sentence(number, "en"), "1") for number, row in enumerate(choices, 900)]
    assert told(choices, others)[0] == 0, "another ending of the same context is another row"


def test_labels_that_are_answers_to_a_question() -> None:
    """Pairs and choices, asked of their texts in words."""
    pairs = [Pair(one, two, Random(one).choice(("no", "yes"))) for one, two in CONTEXTS]
    asked = [Question(row.text, f"{row.text2} Yes or no?", (Answer(row.label, 0),)) for row in pairs]
    assert told(pairs, asked) == (40, True)
    choices = [Choice(one, (two, two[::-1]), Random(one).randrange(2)) for one, two in CONTEXTS]
    joined = [" ".join((row.context, *row.options)) for row in choices]
    right = [row.options[row.label] for row in choices]
    spans = [Question(text, "Which?", (Answer(one, 0),)) for text, one in zip(joined, right, strict=True)]
    assert told(choices, spans) == (40, True)
    named = [Pair(text, None, one) for text, one in zip(joined, right, strict=True)]
    assert told(choices, named) == (40, True)


def test_questions_with_and_without_their_answers() -> None:
    def answered(answer: slice) -> list[Question]:
        return [Question(one, two, (Answer(one[answer], 0),)) for one, two in CONTEXTS]

    joined = [Pair(f"{two} Read: {one}", None, one[:9]) for one, two in CONTEXTS]
    assert told(answered(slice(0, 9)), answered(slice(0, 9))) == (40, True)
    assert told(answered(slice(0, 9)), joined) == (40, True)
    assert told(answered(slice(0, 9)), answered(slice(9, 12))) == (40, False)


def test_the_same_question_about_a_part_of_the_context() -> None:
    asked = [Question(one, two, (Answer(one[:4], 0),)) for one, two in CONTEXTS]
    cut = [Question(one[:30], two, (Answer(one[:4], 0),)) for one, two in CONTEXTS]
    assert told(asked, cut) == (40, True)
    other = [Question(one[:30], two[::-1], (Answer(one[:4], 0),)) for one, two in CONTEXTS]
    assert told(asked, other)[0] == 0, "another question of it is another row"


def test_pairs_of_retrieval_that_are_told_to_be_translations(world: Planted) -> None:
    search = ('tasks = ["./infer.py"]', 'tasks = ["./find.py"]')
    (rows,) = world.rows("find", "test", "de")
    pairs = [
        {"text": one, "text2": two, "label": "1"}
        for one, two in zip(rows["texts"], rows["texts2"], strict=True)
    ]
    world.write(*TRAIN, [*world.rows(*TRAIN), *pairs])
    assert leaks(found(world, search))["rows"] == {"de": 60}


def test_a_short_row_in_a_long_one_is_chance() -> None:
    short = [Pair("I really do not know what to do.", None, "no")]
    assert (
        told(short, [Pair(f"He said: I really do not know what to do. {CONTEXTS[0][0]}", None, "no")])[0] == 0
    )
    assert told(short, [Pair("He said: I really do not know what to do.", None, "no")])[0] == 1


def test_another_hypothesis_of_the_same_premise_is_another_row() -> None:
    """Though it stands in the premise."""
    premise = CONTEXTS[0][0]
    assert told([Pair(premise, premise[:30], "no")], [Pair(premise, CONTEXTS[1][0], "no")])[0] == 0


def test_rows_split_over_two_training_tasks(world: Planted) -> None:
    """Three rows in each are too few to be a leak, together they are one."""
    rows = world.rows("infer", "test", "en")
    world.write("infer", "train", "en", [*world.rows("infer", "train", "en"), *rows[:3]])
    assert leaks(found(world)) == {}
    world.write(*TRAIN, [*world.rows(*TRAIN), *map(renamed, rows[3:20])])
    assert leaks(found(world))["rows"] == {"en": 20}


@pytest.mark.parametrize("copies", [2, 3])
@pytest.mark.parametrize(("task", "part"), [("infer", 120), ("infer", 40), ("other", 30), ("other", 14)])
def test_copies_of_training_rows_excuse_nothing(world: Planted, copies: int, task: str, part: int) -> None:
    """Every row several times, or some of them, with a tenth of the evaluated rows."""
    rows = world.rows(task, "train", "en")
    leaked = [row if task == "infer" else renamed(row) for row in world.rows("infer", "test", "en")[:6]]
    world.write(task, "train", "en", [*rows, *rows[:part] * (copies - 1), *leaked])
    assert leaks(found(world))["rows"] == {"en": 6}


TAGGER = """
    import json
    from xstilts.data.examples import Tagged
    from xstilts.data.task import Files, Task

    def _read(paths, language):
        for line in paths[0].read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            words = tuple(row["text"].split())
            yield Tagged(words, tuple(tag(place, word) for place, word in enumerate(words)))

    def tag(place, word):
        {tag}

    TASK = Task(
        family="tagging", languages=("de", "en", "hi", "zh"), metric="{metric}", labels={labels},
        files=Files(
            patterns={{s: (f"{name}-{{s}}-{{{{lang}}}}.jsonl",) for s in ("train", "dev", "test")}},
            read=_read,
        ),
        description="A test", citation="Nobody", licence="None",
    )
"""
KINDS = 'return "OX"[len(word) % 4 == 0] if place else "START"', ("O", "START", "X")
NAMES = 'return "B-PER" if place == 3 and len(word) > 5 else "O"', ("B-PER", "O")
CODES = 'return "NV"[len(word) % 4 == 0] if place else "S"', ("N", "S", "V")


@pytest.mark.parametrize(("trained", "kind"), [(NAMES, "text_seen"), (CODES, "rows"), (KINDS, "rows")])
def test_other_tags_of_the_same_sentences(
    world: Planted, trained: tuple[str, tuple[str, ...]], kind: str
) -> None:
    """Names beside kinds of words, which share `O`: no leak. The same kinds under other names: a leak."""
    for name, (tag, labels) in (("infer", KINDS), ("other", trained)):
        text = TAGGER.format(tag=tag, metric="span_f1", labels=labels, name=name)
        (world.folder / f"{name}.py").write_text(textwrap.dedent(text))
    world.write(*TRAIN, [*world.rows(*TRAIN), *world.rows("infer", "test", "en")])
    findings = [one for one in found(world) if one.language == "en"]
    assert {(one.kind, one.rows) for one in findings} == {(kind, 60)}
    assert bool(leaks(findings)) is (kind == "rows")


# Texts in other languages than their file is said to be in

FOREIGN = {
    "ar": "ما هي عاصمة هذا البلد وأين تقع؟",
    "de": "Wann wurde die Stadt von den Römern gegründet?",
    "es": "¿Cuál es la capital de los Estados Unidos y por qué?",
    "fi": "Mikä on Suomen pääkaupunki ja missä se on?",
    "fr": "Quelle est la ville la plus peuplée du monde ?",
    "hi": "भारत की राजधानी क्या है और वह कहाँ है?",
    "id": "Siapa yang menjadi presiden pertama di negara itu?",
    "ja": "日本で一番高い山は何ですか。",
    "ko": "서울의 인구는 얼마인가?",
    "nl": "Wat is de hoofdstad van het land en waar ligt het?",
    "ru": "Когда был построен этот город и кто его основал?",
    "sw": "Mji mkuu wa Tanzania ni upi na ulikuwa wapi?",
    "tr": "Bu şehir ne zaman ve kim tarafından kuruldu?",
    "uk": "Коли було засновано це місто і хто його збудував?",
    "vi": "Thành phố này được thành lập khi nào và ở đâu?",
    "zh": "中国最长的河流是哪一条？",
}


@pytest.mark.parametrize("code", FOREIGN)
def test_the_language_of_a_short_question(code: str) -> None:
    assert other(FOREIGN[code], "en") == code
    assert other(FOREIGN[code], code) is None


@pytest.mark.parametrize(
    "text",
    [
        "Where was the painter of 'Las Meninas' born?",
        "He told the crowd: “Ich bin ein Berliner”, and they cheered.",
        "Château de Ferrières",
        "The Greek word for it is ἀγάπη.",
        "Muhammad Ali vs. George Foreman",
        "OK",
        "10 / 3 = ?",
        "http://www.bigeye.com/111003.htm",
        "Was it the die or the man that he had in his hand?",
    ],
)
def test_names_and_quotations_are_no_other_language(text: str) -> None:
    assert other(text, "en") is None


def asked(world: Planted, split: str, code: str, count: int, ids: str = "{number}") -> None:
    """Questions in another language in the file that is said to be English."""
    rows = [
        {"text": f"{FOREIGN[code]} {number}", "text2": f"{number} {FOREIGN[code]}", "label": "no"}
        | {"id": ids.format(number=number)}
        for number in range(count)
    ]
    world.write("ask", split, "en", [*world.rows("ask", split, "en"), *rows])


ASK = ('tasks = ["./infer.py"]', 'tasks = ["./ask.py"]')


@pytest.mark.parametrize("code", ["de", "hi", "zh"])
def test_rows_of_other_languages_in_the_training_file(world: Planted, code: str) -> None:
    asked(world, "train", code, 12)
    findings = [one for one in found(world, ASK) if one.severity == "leak"]
    assert {(one.kind, one.language, one.rows, one.of) for one in findings} == {
        ("target_labels", code, 12, 132)
    }
    assert findings[0].where == ("ask train en, by their text",)


def test_rows_of_another_language_in_the_file_of_another_task(world: Planted) -> None:
    rows = [{"text": f"{number}: {FOREIGN['de']}", "text2": "OK", "label": "0"} for number in range(12)]
    world.write(*TRAIN, [*world.rows(*TRAIN), *rows])
    assert leaks(found(world)) == {"language_seen": {"de": 12}}


def test_few_rows_of_another_language_are_no_leak(world: Planted) -> None:
    asked(world, "train", "de", 2)
    assert leaks(found(world, ASK)) == {}


def test_development_rows_of_another_language(world: Planted) -> None:
    asked(world, "dev", "de", 12)
    assert leaks(found(world, ASK)) == {}, "they select nothing"
    recipe = ("[target.recipe]", '[target.recipe]\nselect = "best"\nevaluations = 1')
    assert leaks(found(world, ASK, recipe)) == {"selection": {"de": 12}}


def _in_english(name: re.Match[str]) -> str:
    return {"de": "en", "deu": "eng"}.get(name[0], "english")


@pytest.mark.parametrize("ids", ["german-{}", "train-{}-de", "Deutsch {}", "{}.deu_Latn", "germanTrain{}"])
def test_ids_that_name_another_language(world: Planted, ids: str) -> None:
    """What the texts are in cannot be told here: the words are made up."""
    rows = world.rows("ask", "train", "en")
    for number, row in enumerate(rows):
        name = ids if number % 4 == 0 else re.sub("german|Deutsch|deu(?=_)|de$", _in_english, ids)
        row["id"] = name.format(number)
    world.write("ask", "train", "en", rows)
    assert leaks(found(world, ASK)) == {"target_labels": {"de": 30}}


def test_evaluated_rows_in_a_translated_training_file(world: Planted) -> None:
    """German training rows are meant, German test rows are not."""
    german = ('other = ["./other.py"]', 'other = { tasks = ["./other.py"], languages = ["de"] }')
    rows = [renamed(row) for row in world.rows("infer", "test", "de")]
    world.write("other", "train", "de", [*world.rows("other", "train", "de"), *rows])
    told = leaks(found(world, german))
    assert (told["rows"], told["language_seen"]) == ({"de": 60}, {"de": 0})


def test_a_language_that_is_in_no_table_is_not_looked_at(world: Planted) -> None:
    """Swedish rows may train; the audit says that it does not know the language, and finds the rest."""
    task = world.folder / "other.py"
    task.write_text(task.read_text().replace('("de", "en",', '("sv", "de", "en",'))
    leaked = [renamed(row) for row in world.rows("infer", "test", "en")]
    world.write("other", "train", "sv", [*world.rows(*TRAIN), *leaked])
    swedish = ('other = ["./other.py"]', 'other = { tasks = ["./other.py"], languages = ["sv"] }')
    whole = audit(plan(load(world.study(swedish))))
    assert leaks(list(whole.findings))["rows"] == {"en": 60}
    told = "whether the texts of other train sv are in that language: it is in no table"
    assert told in whole.unseen
