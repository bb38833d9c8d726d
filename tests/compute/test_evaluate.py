"""Evaluations: the files that reports read, all languages, references, every family's answers."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from toybox import BACKBONE, PLACES, Box, evaluation, phase, use

from xstilts import families, metrics
from xstilts.compute import checkpoint, evaluate, predict
from xstilts.compute import model as models
from xstilts.compute.evaluate import SCHEMA
from xstilts.compute.predict import search_on_gpu
from xstilts.compute.rows import asked, prepare
from xstilts.data.examples import Bitext, Pair
from xstilts.data.loader import load as load_rows
from xstilts.errors import BackboneError
from xstilts.families.items import Layout
from xstilts.metrics import mining
from xstilts.study.phase import Evaluation, Inference

TRAINED = {name: phase(name, updates=60) for name in ("pairs", "choices", "tags", "questions")}
LAYOUT = Layout(max_length=40, stride=16)


def scores_of(box: Box, specification: Evaluation) -> dict[str, Any]:
    box.compute(specification)
    return box.store.scores(specification.fingerprint)


def rows_of(box: Box, specification: Evaluation) -> pl.DataFrame:
    box.compute(specification)
    return pl.read_parquet(box.folder(specification) / "predictions.parquet")


@pytest.mark.parametrize("name", sorted(TRAINED))
def test_the_files_hold_what_reports_read(first: Box, name: str) -> None:
    found = evaluation(TRAINED[name], name)
    scores, rows = scores_of(first, found), rows_of(first, found)
    metric = metrics.find(PLACES.task(name).metric)
    assert {key: scores[key] for key in ("task", "metric", "unit")} == {
        "task": name,
        "metric": metric.name,
        "unit": "percent",
    }
    assert list(scores["languages"]) == ["de", "en"], "keys are sorted, whatever the order of the task"
    assert rows.schema == pl.Schema(SCHEMA)
    assert rows["language"].to_list() == ["en"] * 80 + ["de"] * 80
    for language, entry in scores["languages"].items():
        part = rows.filter(language=language)
        examples = load_rows(PLACES.task(name), "test", language)
        assert entry["n"] == len(part) == len(examples) == 80
        assert part["index"].to_list() == list(range(80))
        assert part["id"].to_list() == [row.id for row in examples]
        about = {"pairs": "text", "choices": "context", "questions": "context"}.get(name)
        texts = [(about and getattr(row, about)) or number for number, row in enumerate(examples)]
        assert part["cluster"].to_list() == [texts.index(text) for text in texts]
        statistics = np.asarray(part["statistics"].to_list())
        assert statistics.sum(axis=0).tolist() == entry["sums"]
        assert float(metric.value(statistics.sum(axis=0))) == entry["value"]
        assert sorted(entry["beside"]) == sorted(metrics.beside(metric.name))
        assert 0 <= entry["value"] <= 100
        assert all(0 <= value <= 100 for value in entry["beside"].values())
        gold = [json.loads(value) for value in part["gold"]]
        wanted = [families.find(PLACES.task(name).family).gold(row) for row in examples]
        if name == "questions":
            wanted = [[answer.text for answer in answers] for answers in wanted]
        assert gold == [list(value) if isinstance(value, tuple) else value for value in wanted]
        predicted = [json.loads(value) for value in part["predicted"]]
        assert {type(value) for value in predicted} == {type(gold[0]) if name != "questions" else str}


@pytest.mark.parametrize("name", sorted(TRAINED))
def test_a_learned_task_is_answered_beyond_the_majority(first: Box, name: str) -> None:
    learned = scores_of(first, evaluation(TRAINED[name], name))["languages"]
    majority = scores_of(first, evaluation(None, name))["languages"]
    for language in ("en", "de"):
        assert learned[language]["value"] > majority[language]["value"] + 20


@pytest.mark.parametrize("name", sorted(TRAINED))
def test_predictions_say_how_sure_the_model_is(first: Box, name: str) -> None:
    """Of each decision, with the probability that the scores say; of answers to questions nothing is kept."""
    rows = rows_of(first, evaluation(TRAINED[name], name)).filter(language="en")
    sizes = [len(json.loads(gold)) if name == "tags" else int(name != "questions") for gold in rows["gold"]]
    assert rows["doubt"].list.len().to_list() == rows["brier"].list.len().to_list() == sizes
    if name == "questions":
        return
    model = checkpoint.load(first.checkpoint(TRAINED[name]))
    examples = load_rows(PLACES.task(name), "test", "en")
    layout = Layout(labels=PLACES.task(name).labels, max_length=40, stride=16)
    prepared = prepare(examples, PLACES.task(name).family, model.tokenizer, layout)
    scores = [torch.from_numpy(one) for one in predict.answers(model, name, prepared, "fp32")]
    tables = [(one.T if name == "choices" else one).softmax(dim=1) for one in scores]
    wanted = [float(1 - row.max()) for one in tables for row in one]
    assert rows["doubt"].explode().to_list() == pytest.approx(wanted, rel=2**-6, abs=1e-5)


@pytest.mark.parametrize("name", ["pairs", "tags", "questions"])
def test_scores_say_how_the_tokenizer_divides_the_rows(first: Box, name: str) -> None:
    """Tokens, those of them that occur in the source language's rows, and words where they are known."""
    found = scores_of(first, evaluation(TRAINED[name], name))["languages"]
    model = checkpoint.load(first.checkpoint(TRAINED[name]))
    layout = Layout(labels=PLACES.task(name).labels, max_length=40, stride=16)
    rows = {code: load_rows(PLACES.task(name), "test", code) for code in ("en", "de")}
    tokens = {
        code: prepare(own, PLACES.task(name).family, model.tokenizer, layout).encoded.tokens
        for code, own in rows.items()
    }
    for code, own in rows.items():
        assert found[code]["tokens"] == len(tokens[code]) > 0
        assert found[code]["shared"] == np.isin(tokens[code], tokens["en"]).sum() <= found[code]["tokens"]
        words = sum(len(row.tokens) for row in own) if name == "tags" else None
        assert found[code].get("words") == words
    assert found["en"]["shared"] == found["en"]["tokens"]


def test_predictions_do_not_depend_on_company_or_order(first: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, trained in TRAINED.items():
        family = PLACES.task(name).family
        model = checkpoint.load(first.checkpoint(trained))
        rows = load_rows(PLACES.task(name), "test", "en")
        layout = Layout(labels=PLACES.task(name).labels, max_length=40, stride=16)

        def answers(some: list[Any], model: Any = model, name: str = name, family: str = family,
                    layout: Layout = layout) -> list[Any]:  # fmt: skip
            return predict.predict(model, name, prepare(some, family, model.tokenizer, layout), "fp32")

        whole = answers(rows)
        assert answers(rows[::-1]) == whole[::-1]
        with monkeypatch.context() as patched:
            patched.setattr(predict, "CPU_TOKENS", 64)
            assert answers(rows) == whole


def test_predicting_leaves_no_trace_in_the_model(first: Box) -> None:
    model = checkpoint.load(first.checkpoint(TRAINED["pairs"]))
    rows = load_rows(PLACES.task("pairs"), "test", "en")
    layout = Layout(labels=("no", "yes"), max_length=40)
    model.train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    prepared = prepare(rows, "classification", model.tokenizer, layout)
    once = predict.predict(model, "pairs", prepared, "fp32")
    assert once == predict.predict(model, "pairs", prepared, "fp32")
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name])
    assert all(parameter.grad is None for parameter in model.parameters())
    nothing = prepare([], "classification", model.tokenizer, layout)
    assert predict.predict(model, "pairs", nothing, "fp32") == []


def test_a_sentence_longer_than_the_model_has_a_tag_for_each_word(first: Box) -> None:
    rows = rows_of(first, evaluation(TRAINED["tags"], "tags"))
    lengths = [(len(json.loads(g)), len(json.loads(p))) for g, p in rows.select("gold", "predicted").rows()]
    assert max(lengths)[0] == 50
    assert all(gold == predicted for gold, predicted in lengths)


def test_an_answer_is_a_piece_of_its_context(first: Box) -> None:
    rows = rows_of(first, evaluation(TRAINED["questions"], "questions")).filter(language="en")
    contexts = [row.context for row in load_rows(PLACES.task("questions"), "test", "en")]
    answers = [json.loads(value) for value in rows["predicted"]]
    assert all(answer and answer in context for answer, context in zip(answers, contexts, strict=True))


def test_no_answer_is_an_answer_where_the_metric_knows_it(first: Box) -> None:
    learned = phase("riddles", updates=60)
    free = evaluation(learned, "riddles")
    rows = rows_of(first, free)
    assert list(scores_of(first, free)["languages"]["en"]["beside"]) == ["squad2_em"]
    assert '""' in set(rows.filter(gold="[]")["predicted"])
    forced = evaluation(
        learned, "riddles", metric="squad_f1", use=use("questions", "test"), trained_by=use("riddles")
    )
    assert '""' not in set(rows_of(first, forced)["predicted"])


def test_the_majority_reference_needs_no_model(box: Box) -> None:
    found = evaluation(None, "pairs")
    scores = scores_of(box, found)
    training = [row.label for row in load_rows(PLACES.task("pairs"), "train", "en")]
    best = max(sorted(set(training)), key=training.count)
    for language in ("en", "de"):
        labels = [row.label for row in load_rows(PLACES.task("pairs"), "test", language)]
        assert scores["languages"][language]["value"] == pytest.approx(100 * labels.count(best) / 80)
    assert set(rows_of(box, found)["predicted"]) == {json.dumps(best)}


# Retrieval


def test_retrieval_scores_all_layers_in_one_pass(first: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    passes = []
    hidden = models.Model.hidden

    def counted(self: models.Model, batch: Any, **options: Any) -> Any:
        passes.append(len(batch.ids))
        return hidden(self, batch, **options)

    monkeypatch.setattr(models.Model, "hidden", counted)
    found = evaluation(BACKBONE, "bitexts", ("de", "fr"))
    scores = scores_of(first, found)["languages"]
    rows = rows_of(first, found)
    sentences = 0
    for language, entry in scores.items():
        (bitext,) = load_rows(PLACES.task("bitexts"), "test", language)
        sentences += len(bitext.source) + len(bitext.target)
        assert entry["n"] == len(bitext.target) == len(rows.filter(language=language))
        assert len(entry["layers"]) == 3, "the embeddings and two layers"
        assert entry["value"] == entry["layers"][1], "of two layers, the first stands for 14 of 24"
        assert entry["value"] > 100 / entry["n"] + 30, "the same words in the same order are the same"
        gold = [json.loads(value) for value in rows.filter(language=language)["gold"]]
        assert gold == families.find("retrieval").gold(bitext)
        assert rows.filter(language=language)["id"].to_list() == list(bitext.target), "known by what is asked"
    assert sum(passes) == sentences


def test_the_recipe_may_name_the_layer(first: Box) -> None:
    inference = Inference(max_length=40, stride=16, precision="fp32", layer=2)
    scores = scores_of(first, evaluation(BACKBONE, "bitexts", ("de",), inference=inference))
    assert scores["languages"]["de"]["value"] == scores["languages"]["de"]["layers"][2]


def test_a_layer_that_is_not_there_is_refused(box: Box) -> None:
    inference = Inference(max_length=40, stride=16, precision="fp32", layer=3)
    with pytest.raises(BackboneError, match="has 2 layers, so there is no layer 3"):
        box.compute(evaluation(BACKBONE, "bitexts", ("de",), inference=inference))


def test_a_text_longer_than_the_model_reads_is_refused(first: Box) -> None:
    inference = Inference(max_length=64, stride=16, precision="fp32")
    with pytest.raises(
        BackboneError, match=r"reads up to 48 tokens at once.*`max_length` in the recipe to 48"
    ):
        first.compute(evaluation(TRAINED["tags"], "tags", inference=inference))


def test_a_sentence_is_the_mean_of_its_token_states(first: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    model = checkpoint.load(first.checkpoint(BACKBONE)).eval()
    bitext = Bitext(("a b c", "d"), ("k e f g h", "a"), ((0, 1), (1, 0)))
    prepared = prepare([bitext], "retrieval", model.tokenizer, LAYOUT)
    vectors = predict.embed(model, prepared, "fp32")
    assert vectors.shape == (3, 4, 16)
    for row, sentence in enumerate([*bitext.source, *bitext.target]):
        encoding = model.tokenizer(sentence, return_tensors="pt")
        with torch.no_grad():
            states = model.encoder(**encoding, output_hidden_states=True).hidden_states
        naive = torch.stack([layer[0].mean(dim=0) for layer in states]).numpy()
        np.testing.assert_allclose(vectors[:, row], naive, atol=1e-5)
    monkeypatch.setattr(predict, "CPU_TOKENS", 8)
    np.testing.assert_allclose(predict.embed(model, prepared, "fp32"), vectors, atol=1e-5)


def test_the_majority_of_retrieval_finds_one(first: Box) -> None:
    scores = scores_of(first, evaluation(None, "bitexts", ("de",)))
    assert scores["languages"]["de"]["sums"][0] == 1


@pytest.mark.parametrize(("layers", "layer"), [(24, 14), (12, 7), (6, 4), (4, 2), (2, 1)])
def test_the_layer_that_is_read_lies_at_the_same_depth(layers: int, layer: int) -> None:
    assert predict.default_layer(layers) == layer


# Masked text


def test_masked_accuracy_is_fixed_and_chance_is_the_most_frequent_token(first: Box) -> None:
    model = checkpoint.load(first.checkpoint(phase("texts", updates=60)))
    rows = load_rows(PLACES.task("texts"), "dev", "en")
    prepared = prepare(rows, "masked", model.tokenizer, LAYOUT)
    value, chance = predict.masked_accuracy(model, "masked", prepared, 0.15, "fp32")
    assert (value, chance) == predict.masked_accuracy(model, "masked", prepared, 0.15, "fp32")
    assert 0 < chance < value <= 100
    words = [word for row in rows for text in (row.text, row.text2 or "") for word in text.split()]
    share = 100 * max(map(words.count, set(words))) / len(words)
    assert chance == pytest.approx(share, abs=10)


class StoppedError(Exception):
    """Raised by the test in place of whatever stops a run."""


@pytest.mark.parametrize("name", ["pairs", "questions", "bitexts"])
def test_a_stopped_evaluation_goes_on_with_the_languages_that_are_left(
    first: Box, box: Box, name: str
) -> None:
    languages = PLACES.task(name).languages
    asked = evaluation(BACKBONE if name == "bitexts" else phase(name), name, languages)
    first.compute(asked)
    told: list[str] = []

    def stop(event: Any) -> None:
        told.append(event["language"])
        if len(told) == 1:
            raise StoppedError

    if asked.model is not None:
        box.checkpoint(asked.model)
    with pytest.raises(StoppedError):
        box.compute(asked, save_seconds=0, report=stop)
    box.compute(asked, report=stop)
    assert told == list(asked.use.languages), "each once"
    for file in ("scores.json", "predictions.parquet"):
        assert (box.folder(asked) / file).read_bytes() == (first.folder(asked) / file).read_bytes()


@pytest.mark.parametrize(
    "content",
    ["", "{}", "[]", "7", "[" * 100_000, '{"scores": {"en": {}}, "predictions": {}, "seal": ""}'],
    ids=["nothing", "no seal", "a list", "a number", "too deep", "another seal"],
)
def test_of_a_damaged_state_of_an_evaluation_nothing_is_taken(box: Box, content: str) -> None:
    asked, told = evaluation(None, "pairs"), []
    state = box.store.running(asked.fingerprint) / evaluate.STATE
    state.write_text(content)
    box.compute(asked, report=lambda event: told.append(event["language"]))
    assert told == list(asked.use.languages)
    assert not state.exists()


def test_events_tell_the_languages(box: Box) -> None:
    events: list[Any] = []
    box.compute(evaluation(None, "pairs"), report=events.append)
    assert {event["kind"] for event in events} == {"evaluate"}
    assert [event["language"] for event in events] == ["en", "de"]


def test_languages_are_those_of_the_use(box: Box) -> None:
    found = evaluation(None, "pairs", use=use("pairs", "test", ("de",)))
    assert list(scores_of(box, found)["languages"]) == ["de"]


# Mining


def test_of_translations_the_same_rows_are_asked_and_fewer_are_a_part_of_more() -> None:
    ids = [f"q{number}" for number in range(40)]
    there = [Pair(text="a", text2="b", label="yes", id=key) for key in ids]
    elsewhere = [Pair(text="c", text2="d", label="yes", id=key) for key in reversed(ids[5:])]
    few, other = {row.id for row in asked(there, 12)}, {row.id for row in asked(elsewhere, 12)}
    assert few - set(ids[:5]) <= other
    assert few < {row.id for row in asked(there, 13)}
    without = [Pair(text="a", text2=str(number), label="no") for number in range(40)]
    positions = [without.index(row) for row in asked(without, 12)]
    assert positions == sorted(positions)
    assert positions != list(range(12))
    assert asked(without, 40) is without


def test_a_part_of_the_rows_is_the_same_for_every_model(first: Box) -> None:
    whole = rows_of(first, evaluation(TRAINED["pairs"], "pairs"))
    few = rows_of(first, evaluation(TRAINED["pairs"], "pairs").changed(examples=5))
    chance = rows_of(first, evaluation(None, "pairs").changed(examples=5))
    for language in whole["language"].unique():
        ids = [table.filter(language=language)["id"].to_list() for table in (few, chance)]
        assert len(ids[0]) == 5
        assert ids[0] == ids[1]
        answers = {row["id"]: row["predicted"] for row in whole.filter(language=language).to_dicts()}
        told = few.filter(language=language).to_dicts()
        assert [row["predicted"] for row in told] == [answers[row["id"]] for row in told]


def mining_of(languages: tuple[str, ...] = ("de",), split: str = "test", **changes: Any) -> Evaluation:
    rows = use("mines", split, languages)
    return evaluation(BACKBONE, "mines", use=rows, thresholds=use("mines", "dev", languages), **changes)


def test_mining_scores_all_layers_with_thresholds_from_the_development_rows(
    first: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes = []
    hidden = models.Model.hidden

    def counted(self: models.Model, batch: Any, **options: Any) -> Any:
        passes.append(len(batch.ids))
        return hidden(self, batch, **options)

    monkeypatch.setattr(models.Model, "hidden", counted)
    found = mining_of(("de", "fr"))
    scores, rows = scores_of(first, found)["languages"], rows_of(first, found)
    evaluated, sentences = sum(passes), 0
    model = checkpoint.load(first.checkpoint(BACKBONE)).eval()
    for language, entry in scores.items():
        parts = {split: load_rows(PLACES.task("mines"), split, language)[0] for split in ("dev", "test")}
        sentences += sum(len(bitext.source) + len(bitext.target) for bitext in parts.values())
        assert entry["n"] == len(parts["test"].source) == len(rows.filter(language=language))
        assert entry["threshold_split"] == "dev"
        assert entry["value"] == entry["layers"][1] > 60, "the same words are the same sentence"
        assert entry["sums"][2] == 12 == len(parts["test"].gold)
        layers = {
            split: predict.embed(model, prepare([bitext], "retrieval", model.tokenizer, LAYOUT), "fp32")[1]
            for split, bitext in parts.items()
        }
        lowest = mining.threshold(mining.mine(parts["dev"], layers["dev"]), parts["dev"])
        assert entry["threshold"] == pytest.approx(lowest, rel=1e-5)
        wanted = mining.extract(mining.mine(parts["test"], layers["test"]), lowest, entry["n"])
        predicted = [json.loads(value) for value in rows.filter(language=language)["predicted"]]
        assert predicted == [list(pair) for pair in wanted]
        gold = [json.loads(value) for value in rows.filter(language=language)["gold"]]
        assert [tuple(pair) for pair in gold] == mining.gold_rows(parts["test"])
    assert evaluated == sentences, "one pass over every sentence"


def test_mining_the_development_rows_says_so(first: Box) -> None:
    scores = scores_of(first, mining_of(split="dev"))["languages"]["de"]
    assert scores["threshold_split"] == "dev"
    (bitext,) = load_rows(PLACES.task("mines"), "dev", "de")
    assert scores["sums"][2] == len(bitext.gold)


def test_vectors_may_lie_in_a_file(first: Box, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    model = checkpoint.load(first.checkpoint(BACKBONE)).eval()
    (bitext,) = load_rows(PLACES.task("mines"), "dev", "de")
    prepared = prepare([bitext], "retrieval", model.tokenizer, LAYOUT)
    vectors = predict.embed(model, prepared, "fp32", tmp_path)
    assert not isinstance(vectors, np.memmap)
    monkeypatch.setattr(predict, "IN_MEMORY", 0)
    mapped = predict.embed(model, prepared, "fp32", tmp_path)
    assert isinstance(mapped, np.memmap)
    np.testing.assert_array_equal(mapped, vectors)
    assert not list(tmp_path.iterdir()), "the file has no name that could be left behind"


def test_the_search_of_torch_is_that_of_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.Generator(np.random.PCG64(3))
    source, target = (mining.unit(rng.standard_normal((rows, 8)).astype(np.float32)) for rows in (23, 31))
    wanted = mining.search(source, target, 4)
    monkeypatch.setattr(mining, "BLOCK", 100)
    found = search_on_gpu(source, target, 4, device="cpu")
    np.testing.assert_allclose(found.forward, wanted.forward, rtol=1e-5)
    np.testing.assert_allclose(found.backward, wanted.backward, rtol=1e-5)
    assert (found.forward_rows == wanted.forward_rows).all()
    assert (found.backward_rows == wanted.backward_rows).all()


def test_the_majority_of_mining_finds_nothing(first: Box) -> None:
    scores = scores_of(first, evaluation(None, "mines", ("de",)))["languages"]["de"]
    assert (scores["value"], scores["sums"][1:]) == (0, [0, 12])
