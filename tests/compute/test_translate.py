"""Translating training rows: the whole round with a tiny model, continuing, what is dropped and refused."""

import gzip
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertModel,
    M2M100Config,
    M2M100ForConditionalGeneration,
    MarianConfig,
    MarianMTModel,
    NllbTokenizer,
    PreTrainedTokenizerFast,
)

from shell import Shell
from xstilts import tasks as registry
from xstilts.compute import translate as translating
from xstilts.compute.translate import EMPTY, NOT_FOUND, Telling, retold, sentences, told
from xstilts.compute.translator import Translator, Wish
from xstilts.data import loader
from xstilts.data.examples import Answer, Choice, Pair, Question
from xstilts.data.task import TRANSLATED
from xstilts.errors import BackboneError, DataError

SIZES: dict[str, Any] = {
    "d_model": 16,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 16,
    "decoder_ffn_dim": 16,
    "max_position_embeddings": 64,
    "init_std": 1.5,
}
WORDS = (
    *("the", "old", "dog", "sleeps", "rests", "near", "a", "river"),
    *("and", "nobody", "follows", "him", ".", "keeper", "walks", "runs"),
)
FAST = ["--longest", "8", "--beams", "2"]


def marian(folder: Path) -> Path:
    """A model with random weights that says something else for every sentence."""
    vocabulary = ["</s>", "<unk>", ">>deu<<", *[f"▁{word}" for word in WORDS], "<pad>"]
    numbers = {token: number for number, token in enumerate(vocabulary)}
    words = Tokenizer(models.WordLevel(numbers, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Metaspace()  # type: ignore[assignment]
    words.decoder = decoders.Metaspace()  # type: ignore[assignment]
    words.post_processor = processors.TemplateProcessing(  # type: ignore[assignment]
        single="$A </s>", special_tokens=[("</s>", 0)]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words,
        eos_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>",
        additional_special_tokens=[">>deu<<"],
    )
    pad = numbers["<pad>"]
    settings = MarianConfig(
        vocab_size=len(numbers), pad_token_id=pad, decoder_start_token_id=pad, eos_token_id=0, **SIZES
    )
    return save(MarianMTModel, settings, tokenizer, folder)


def nllb(folder: Path) -> Path:
    """A model whose tokenizer has codes for its languages."""
    pieces = ["<s>", "<pad>", "</s>", "<unk>", *"▁abcdefghijklmnopqrstuvwxyz."]
    tokenizer = NllbTokenizer(vocab={piece: number for number, piece in enumerate(pieces)}, merges=[])
    settings = M2M100Config(vocab_size=len(tokenizer), **SIZES)
    return save(M2M100ForConditionalGeneration, settings, tokenizer, folder)


def save(kind: Any, settings: Any, tokenizer: Any, folder: Path) -> Path:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = kind(settings)
    made.generation_config.min_new_tokens = 3
    made.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return marian(tmp_path_factory.mktemp("marian"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """MNLI and SQuAD in small."""
    rows = [
        {"gold_label": label, "sentence1": first, "sentence2": second, "pairID": str(row)}
        for row, (label, first, second) in enumerate(
            (("neutral", "the", "a"), ("entailment", "nobody follows him .", "the dog rests"))
            + (("contradiction", "the river walks", "the old keeper runs"),) * 3
        )
    ]
    context = "The old dog sleeps . Nobody follows him . The keeper walks near a river ."
    answers = ("old dog", "river", "The keeper walks near a river .")
    questions = [
        {
            "id": str(row),
            "question": "nobody walks",
            "answers": [{"text": text, "answer_start": context.index(text)}],
        }
        for row, text in enumerate(answers)
    ]
    squad = {"data": [{"paragraphs": [{"context": context, "qas": questions}]}]}
    write(
        tmp_path / "data/intermediate/mnli/multinli_1.0_train.jsonl",
        "".join(json.dumps(row) + "\n" for row in rows),
    )
    write(tmp_path / "data/intermediate/squad/train-v1.1.json", json.dumps(squad))
    return tmp_path / "data"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.delenv("XSTILTS_DATA", raising=False)
    return Shell(capsys, monkeypatch, "translate")


def test_from_rows_to_translated_rows(data: Path, model: Path, shell: Shell) -> None:
    """The command writes what `loader.load` reads: the same rows, ids and labels, other texts."""
    mnli = registry.find("mnli")
    status, out, err = shell("mnli", "--to", "de", "--to", "sw", "--model", model, "--data", data, *FAST)
    paths = [data / f"translated/mnli/{language}.jsonl.gz" for language in ("de", "sw")]
    assert (status, out) == (0, "".join(f"{path}\n" for path in paths)), err
    assert "mnli to de: 5 of 5 rows" in err
    assert loader.available(mnli, TRANSLATED, data) == ("en", "de", "sw")
    source, target = loader.load(mnli, "train", "en", data), loader.load(mnli, TRANSLATED, "de", data)
    for one, other in zip(source, target, strict=True):
        assert isinstance(one, Pair)
        assert isinstance(other, Pair)
        assert (one.label, one.id) == (other.label, other.id)
        assert other.text.strip() and one.text != other.text
    assert len({row.text for row in target if isinstance(row, Pair)}) == 3, (
        "the toy says the same of everything"
    )
    record = json.loads((data / "translated/mnli/de.json").read_text())
    assert (record["rows"], record["dropped"], record["codes"]) == (5, {}, [None, None])
    assert record["source"]["data"] == loader.identity(mnli, "train", "en", data)
    assert record["checksum"].startswith("sha256:")
    assert str(data) not in json.dumps(record)
    assert not list(data.glob("**/*.partial"))


def test_the_identity_is_that_of_the_file(data: Path, model: Path, shell: Shell) -> None:
    mnli, path = registry.find("mnli"), data / "translated/mnli/de.jsonl.gz"
    arguments = ("mnli", "--to", "de", "--model", model, "--data", data, *FAST)
    shell(*arguments)
    before, first = loader.identity(mnli, TRANSLATED, "de", data), path.read_bytes()
    assert "is there already" in shell(*arguments)[2]
    status, _, err = shell(*arguments, "--beams", "1")
    assert (status, "made in another way (settings differ). Remove it" in err) == (2, True)
    path.unlink()
    shell(*arguments)
    assert path.read_bytes() == first, "the same model and rows gave another file"
    path.unlink()
    shell(*arguments, "--examples", "2")
    assert loader.identity(mnli, TRANSLATED, "de", data) != before
    assert len(loader.load(mnli, TRANSLATED, "de", data)) == 2


def test_fewer_examples_are_among_more(data: Path, tmp_path: Path, model: Path) -> None:
    ids = []
    for number in (2, 3):
        wish, out = Wish(model=str(model), examples=number, beams=1, longest=8), tmp_path / str(number)
        list(translating.translate_all("mnli", ["de"], wish, [], (data, out)))
        with gzip.open(out / "translated/mnli/de.jsonl.gz", "rt") as file:
            ids.append([json.loads(line)["id"] for line in file])
    assert set(ids[0]) < set(ids[1])
    assert ids[1] == sorted(ids[1]), "not in the order of the source"


KILLED = """
import os, signal, sys
from pathlib import Path
from xstilts.compute import translate as translating
from xstilts.compute.translator import Wish
translating.PART = 2
write = translating.write_json
def killed(path, content):
    write(path, content)
    if path.name == "00000002.json":
        os.kill(os.getpid(), signal.SIGKILL)
translating.write_json = killed
wish = Wish(model=sys.argv[1], beams=2, longest=8)
list(translating.translate_all("mnli", ["de"], wish, [], (Path(sys.argv[2]), None)))
"""


def test_a_killed_run_continues_and_ends_with_the_same_file(
    data: Path,
    tmp_path: Path,
    model: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(translating, "PART", 2)
    wish = Wish(model=str(model), beams=2, longest=8)
    (whole,) = translating.translate_all("mnli", ["de"], wish, [], (data, tmp_path / "whole"))
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", KILLED, str(model), str(data)], env=environment, check=False)
    assert done.returncode == -9
    folder = data / "translated/mnli"
    assert sorted(path.name for path in folder.iterdir()) == ["de.partial"]
    assert loader.available(registry.find("mnli"), TRANSLATED, data) == ("en",)
    kept = folder / "de.partial/00000000.json"
    written = kept.stat().st_mtime_ns
    capsys.readouterr()
    unlinked: list[Path] = []
    monkeypatch.setattr(translating.shutil, "rmtree", unlinked.append)
    (path,) = translating.translate_all("mnli", ["de"], wish, [], (data, None))
    assert capsys.readouterr().err.splitlines()[0].startswith("mnli to de: 5 of 5 rows"), "began anew"
    assert kept.stat().st_mtime_ns == written
    assert unlinked == [folder / "de.partial"]
    assert path.read_bytes() == whole.read_bytes()


def test_parts_that_were_made_in_another_way_are_not_used(data: Path, tmp_path: Path, model: Path) -> None:
    folder = data / "translated/mnli/de.partial"
    write(folder / "made.json", '{"version": 0}')
    part = {"rows": [{"text": "x", "label": "neutral"}], "dropped": {}, "cut": {}}
    write(folder / "00000000.json", json.dumps(part))
    wish = Wish(model=str(model), beams=1, longest=8)
    list(translating.translate_all("mnli", ["de"], wish, [], (data, None)))
    assert len(loader.load(registry.find("mnli"), TRANSLATED, "de", data)) == 5


def test_questions_keep_their_answers_or_are_dropped(data: Path, model: Path, shell: Shell) -> None:
    """Random weights translate a whole sentence alike wherever it stands, and a word as they like."""
    status, _, err = shell("squad", "--to", "de", "--model", model, "--data", data, *FAST)
    record = json.loads((data / "translated/squad/de.json").read_text())
    rows = loader.load(registry.find("squad"), TRANSLATED, "de", data)
    assert status == 0, err
    assert len(rows) + record["dropped"].get(NOT_FOUND, 0) == 3
    assert "dropped (answer not found)" in err
    assert "2" in {row.id for row in rows if isinstance(row, Question)}


def test_a_model_with_language_codes(data: Path, tmp_path: Path, shell: Shell) -> None:
    folder = nllb(tmp_path / "nllb")
    common = ("mnli", "--to", "de", "--model", folder, "--data", data, *FAST)
    assert "does not know the language code 'en'. Name its own code with --source-code" in shell(*common)[2]
    codes = ("--source-code", "eng_Latn", "--target-code")
    assert "does not know the language code 'deutsch'" in shell(*common, *codes, "deutsch")[2]
    status, _, err = shell(*common, *codes, "deu_Latn")
    assert status in (0, 2)
    assert "rows" in err if status == 0 else "no row is left" in err
    translator = Translator(Wish(model=str(folder), source_code="eng_Latn", longest=8))
    asked: dict[str, Any] = {}
    generate = translator.model.generate

    def spy(**settings: Any) -> Any:
        asked.update(settings)
        return generate(**settings)

    translator.model.generate = spy
    translator(["the dog"], *translator.codes("en", "sw", "swh_Latn"))
    numbers = translator.tokenizer.convert_tokens_to_ids
    assert asked["forced_bos_token_id"] == numbers("swh_Latn")
    assert numbers("eng_Latn") in asked["input_ids"][0].tolist()
    assert asked["do_sample"] is False


def test_the_word_for_a_language_stands_before_the_text(model: Path) -> None:
    translator = Translator(Wish(model=str(model), beams=1, longest=8))
    plain, _ = translator(["the dog sleeps"], *translator.codes("en", "de", None))
    marked, _ = translator(["the dog sleeps"], *translator.codes("en", "de", ">>deu<<"))
    assert plain.keys() == marked.keys() == {"the dog sleeps"}
    assert plain != marked
    with pytest.raises(BackboneError, match="a tokenizer without the word '>>ita<<'"):
        translator.codes("en", "it", ">>ita<<")


def test_what_is_cut_is_counted(model: Path) -> None:
    translator = Translator(Wish(model=str(model), beams=1, longest=8))
    _, cut = translator(["the dog " * 9, "the dog"], None, None)
    assert cut["texts"] == 1
    assert translator([], None, None) == ({}, Counter(texts=0))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("udpos", "--to", "de"), "one tag for each word"),
        (("tatoeba", "--to", "de"), "is not trained"),
        (("real_text", "--to", "de"), "text without labels"),
        (("xnli", "--to", "de"), "Name 'mnli', which trains it"),
        (("lab_nli", "--to", "x-ga"), "needs no model"),
        (("mnli", "--to", "en"), "are the original"),
        (("mnli", "--to", "deutsch"), "no such language code"),
        (("mnli", "--to", "de", "--target-code", "a", "--target-code", "b"), "2 given for 1 languages"),
        (("mnli", "--to", "de"), "no folder to write to"),
        (("mnil", "--to", "de"), "Did you mean 'mnli'"),
    ],
)
def test_refused_before_a_model_is_loaded(shell: Shell, arguments: tuple[str, ...], message: str) -> None:
    status, out, err = shell(*arguments, "--model", "nowhere")
    assert (status, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


def test_models_that_are_refused(tmp_path: Path, model: Path, data: Path, shell: Shell) -> None:
    def message(folder: Path | str) -> str:
        status, _, err = shell("mnli", "--to", "de", "--model", folder, "--data", data)
        assert status == 2
        return err

    assert "no such folder. Name a folder made by `save_pretrained`, or a Hub model with" in message(
        "nowhere"
    )
    folder = tmp_path / "other"
    write(folder / "config.json", (model / "config.json").read_text())
    assert "holds no *.safetensors" in message(folder)
    write(folder / "pytorch_model.bin", "")
    assert "holds pytorch_model.bin, a pickle, which can run code. Convert it" in message(folder)
    write(folder / "model.safetensors", "")
    assert "cannot be loaded" in message(folder)
    settings = BertConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, vocab_size=20
    )
    BertModel(settings).save_pretrained(tmp_path / "bert")
    assert "is a bert model, which translates nothing" in message(tmp_path / "bert")
    remote = tmp_path / "remote"
    write(remote / "config.json", json.dumps({"model_type": "own", "auto_map": {"AutoConfig": "code.Own"}}))
    write(remote / "code.py", "raise SystemExit('code of the model was run')")
    (remote / "model.safetensors").write_bytes((model / "model.safetensors").read_bytes())
    assert "cannot be loaded" in message(remote)


COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_a_hub_model_is_fetched_at_its_commit_without_pickles(
    data: Path, model: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def fetch(name: str, *, revision: str, allow_patterns: list[str]) -> str:
        asked.update(name=name, revision=revision, patterns=allow_patterns)
        return str(model)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetch)
    status, _, err = shell(
        *("mnli", "--to", "de", "--model", "some/mt", "--revision", COMMIT, "--data", data, *FAST)
    )
    assert status == 0, err
    assert (asked["name"], asked["revision"]) == ("some/mt", COMMIT)
    assert {"*.safetensors", "*.spm"} <= set(asked["patterns"])
    assert not any(fnmatch("pytorch_model.bin", pattern) for pattern in asked["patterns"])
    record = json.loads((data / "translated/mnli/de.json").read_text())
    assert (record["model"], record["revision"]) == ("some/mt", COMMIT)


def test_a_hub_model_is_taken_at_a_commit_alone(
    data: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *_, **__: pytest.fail("was fetched"))
    for revision in ("main", "v1.0", COMMIT[:12]):
        asked = ("mnli", "--to", "de", "--model", "some/mt", "--revision", revision)
        status, _, err = shell(*asked, "--data", data, *FAST)
        assert status == 2
        assert f"some/mt at {revision}: the revision is no full commit" in err
        assert f"huggingface_hub.HfApi().model_info('some/mt', revision='{revision}').sha" in err


# Rows, put together again.


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("He slept. She ran!  Did he? Yes.", ["He slept.", "She ran!", "Did he?", "Yes."]),
        ('He said "no." Then he left.', ['He said "no."', "Then he left."]),
        ("Dr. No met St. John in the U.S. capital.", ["Dr. No met St. John in the U.S. capital."]),
        ("It cost 3.5 dollars. e.g. this", ["It cost 3.5 dollars. e.g. this"]),
        ("老灯塔。河边有一座桥。", ["老灯塔。", "河边有一座桥。"]),
        ("  no stop\n", ["no stop"]),
        (" \n", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in sentences(text)] == expected


SAID = {
    "The dog slept.": "Der Hund schlief.",
    "The dog ran.": "Der Hund rannte.",
    "Who?": "Wer?",
    "The dog": "der hund",
    "dog": "Hund.",
    "cat": "Katze",
    "ran": "",
}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer("dog", 4), Answer("Hund", 4)),
        (Answer("dog", 19), Answer("Hund", 22)),
        (Answer("The dog", 15), Answer("Der Hund", 18)),
        (Answer("cat", 4), None),
        (Answer("ran", 23), None),
    ],
)
def test_an_answer_is_found_in_its_own_sentence(answer: Answer, expected: Answer | None) -> None:
    row = Question("The dog slept. The dog ran.", "Who?", (answer,), "7")
    assert set(told(row)) <= set(SAID)
    found = retold(row, Telling(SAID))
    context = "Der Hund schlief. Der Hund rannte."
    assert found == (Question(context, "Wer?", (expected,), "7") if expected else NOT_FOUND)


def test_of_several_places_the_nearest_is_taken() -> None:
    text = "A dog saw a dog"
    telling = Telling({text: "Hund sah Hund", "dog": "Hund", "Who?": "Wer?"})
    found = [retold(Question(text, "Who?", (Answer("dog", at),)), telling) for at in (2, 12)]
    assert [row.answers[0].start for row in found if isinstance(row, Question)] == [0, 9]


def test_an_answer_over_two_sentences_and_none_at_all() -> None:
    answer = Answer("slept. The dog", 8)
    row = Question("The dog slept. The dog ran.", "Who?", (answer,))
    telling = Telling({**SAID, answer.text: "schlief. Der Hund"})
    assert retold(row, telling) == Question(
        "Der Hund schlief. Der Hund rannte.", "Wer?", (Answer("schlief. Der Hund", 9),)
    )
    unanswered = Question("The dog ran.", "Who?", (), "8")
    assert retold(unanswered, Telling(SAID)) == Question("Der Hund rannte.", "Wer?", (), "8")


def test_other_families_and_what_became_empty() -> None:
    telling = Telling(SAID)
    assert retold(Pair("Who?", None, "a", "1"), telling) == Pair("Wer?", None, "a", "1")
    assert retold(Pair("Who?", "ran", "a"), telling) == EMPTY
    pair = Pair("The dog slept. The dog ran.", "Who?", "a")
    assert retold(pair, Telling(SAID, "")) == Pair("Der Hund schlief.Der Hund rannte.", "Wer?", "a")
    choice = Choice("", ("Who?", "cat"), 1, "2")
    assert retold(choice, telling) == Choice("", ("Wer?", "Katze"), 1, "2")
    assert retold(Choice("Who?", ("cat", "ran"), 0), telling) == EMPTY
    assert retold(Question("ran", "Who?", ()), telling) == EMPTY


def test_a_folder_that_cannot_be_written(data: Path, tmp_path: Path, model: Path) -> None:
    write(tmp_path / "file", "")
    with pytest.raises(DataError, match=r"cannot be written .* Name another folder with --out"):
        wish = Wish(model=str(model), beams=1, longest=8)
        list(translating.translate_all("mnli", ["de"], wish, [], (data, tmp_path / "file")))


def test_a_folder_that_is_removed_meanwhile(
    data: Path, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = translating._part

    def remove(*given: Any) -> dict[str, Any]:
        shutil.rmtree(tmp_path / "out")
        return whole(*given)

    monkeypatch.setattr(translating, "_part", remove)
    with pytest.raises(DataError, match=r"cannot be written \(No such file or directory\)"):
        wish = Wish(model=str(model), beams=1, longest=8)
        list(translating.translate_all("mnli", ["de"], wish, [], (data, tmp_path / "out")))
