"""Ranking arms end to end: on a small grid of the lab, trained just enough to be measured."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from toybox import BACKBONE, PLACES, Box, phase, use

import xstilts
from shell import Shell
from xstilts.analysis import ranking
from xstilts.compute import probe as probing
from xstilts.compute import work
from xstilts.data.loader import load as load_rows
from xstilts.errors import DamageError
from xstilts.metrics import transferability
from xstilts.store import probes
from xstilts.study.phase import Probe

RECIPE = {"updates": 2, "batch_size": 8, "max_length": 48, "precision": "fp32", "development_examples": 8}
STUDY: dict[str, Any] = {
    "name": "tiny",
    "question": "Which of three arms first?",
    "references": [],
    "backbones": {"lab": {"model": "lab"}},
    "intermediate": {
        "recipe": RECIPE | {"examples": 30},
        "arms": {
            "none": [],
            "ner": ["lab_ner"],
            "common": {"tasks": ["lab_common"], "examples": 20},
            "both": ["lab_common", "lab_ner"],
        },
    },
    "target": {
        "seeds": [1],
        "tasks": ["lab_pos", "lab_tatoeba"],
        "languages": ["x-en", "x-ga"],
        "test_examples": 20,
        "recipe": RECIPE | {"examples": 40},
    },
}


def asked(task: str, model: Any = BACKBONE, **changes: Any) -> Probe:
    """A probe of a toy task."""
    split = "test" if task == "bitexts" else "train"
    languages = ("de",) if task == "bitexts" else ("en",)
    own = use(task, split, languages, development=None)
    fields = {
        "asks": "labels",
        "model": model,
        "use": own,
        "rows": 30,
        "seed": 1,
        "max_length": 40,
        "stride": 16,
    }
    return Probe(**(fields | changes))


def read(box: Box, *wanted: Probe) -> list[probes.Probed]:
    found = probing.measure(wanted, box.store, PLACES, lambda line: None)
    return [found[one.fingerprint] for one in wanted]


def test_a_grid_of_the_lab_is_ranked_from_empty_to_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    study, store = xstilts.Study.parse(STUDY), tmp_path / "store"
    before = study.rank(store)
    assert before.asked.missing == ("ner", "common", "both") and before.quality.is_empty()
    without_arms = {"text", "fisher", "vocabulary", "mean_place", "size", "same_family"}
    assert set(before.order.filter(pl.col("place").is_not_null())["estimate"]) == without_arms
    plan, kept = study.planned(store)
    for step in plan.steps:
        work.compute(step, kept, plan.places, lambda event: None)
    found = study.rank(store)
    assert not found.asked.missing and found.training
    assert 0 < before.tokens < found.tokens

    tags = found.order.filter(pl.col("target") == "lab_pos")
    values = {(arm, name): value for arm, name, value in tags.select("arm", "estimate", "value").iter_rows()}
    assert values["ner", "logme"] not in (None, values["none", "logme"])
    assert values["ner", "logme_first"] is None  # of tokens there is one kind of states
    assert [values[arm, "size"] for arm in ("ner", "common", "both")] == [30, 20, 60]
    assert [values[arm, "same_family"] for arm in ("ner", "common", "both")] == [1, 0, 0.5]
    for estimate in ("logme", "h_score", "text", "fisher", "vocabulary", "mean_place", "elsewhere"):
        own = tags.filter((pl.col("estimate") == estimate) & (pl.col("arm") != "none"))
        best = own.sort("value", descending=True)
        assert best["place"].to_list() == [1, 2, 3], estimate
    retrieval = found.order.filter((pl.col("target") == "lab_tatoeba") & pl.col("value").is_not_null())
    assert set(retrieval["estimate"]) == (without_arms | {"elsewhere"}) - {"fisher"}

    judged = found.quality.filter(pl.col("measure") == "regret_at_1")
    targets = dict(judged.select("estimate", "targets").iter_rows())
    silent = {"logme_first", "h_score_first"}
    assert set(targets) == {*ranking.ESTIMATES, *ranking.BASELINES, "chance"} - silent
    assert (targets["fisher"], targets["text"]) == (1, 2)
    assert set(found.quality["measure"]) == {"regret_at_1", "ndcg"}  # of three arms, three are all
    scores = found.scores("lab", "lab_pos", ("ner", "common"))
    table = found.results.table.filter((pl.col("target") == "lab_pos") & (pl.col("language") == "x-ga"))
    expected = dict(table.select("arm", "value").iter_rows())
    assert scores is not None and scores[:, 0].tolist() == [expected["ner"], expected["common"]]

    monkeypatch.setattr(xstilts.Study, "load", lambda name: study)
    monkeypatch.setattr(probing.checkpoint, "load", None)  # all of it is known
    shell = Shell(capsys, monkeypatch, "rank", "tiny", "--store", str(store))
    status, out, _ = shell("--out", tmp_path / "ranks")
    assert status == 0
    first, *_ = out.split("How good each order was (3 arms, 1 seeds; 95 % intervals)")
    lines = [line.split() for line in first.splitlines()]
    assert lines[0] == ["lab_pos"] and lines[1][:3] == ["arm", "mean", "place"]
    order = tags.filter((pl.col("estimate") == "mean_place") & (pl.col("arm") != "none")).sort("place")
    assert [line[:2] for line in lines[2:5]] == [
        [arm, str(place)] for arm, place in order["arm", "place"].rows()
    ]
    assert pl.read_csv(tmp_path / "ranks" / "ranking.csv").height == found.order.height
    assert (
        pl.read_csv(tmp_path / "ranks" / "quality.csv")["estimate"].to_list()
        == found.quality["estimate"].to_list()
    )
    told = json.loads(shell("--json")[1])
    assert (told["tokens_read"], told["tokens_to_train"]) == (found.tokens, found.training)


def test_what_was_read_is_never_read_again(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = asked("pairs"), asked("pairs", asks="task")
    first = read(box, *wanted)

    def refuse(*_: object) -> None:
        raise AssertionError("a model is loaded")

    monkeypatch.setattr(probing.checkpoint, "load", refuse)
    assert read(box, *wanted) == first
    path = box.store.root / "probes" / f"{wanted[0].fingerprint}.json"
    path.write_text(path.read_text().replace('"rows": 30', '"rows": 31'))
    with pytest.raises(DamageError, match="not what was written"):
        read(box, wanted[0])


def test_the_states_are_those_of_the_model_by_the_labels_of_the_rows(box: Box) -> None:
    """Each row alone, unpadded, without the package's batches."""
    wanted = asked("pairs", rows=1000)
    (found,) = read(box, wanted)
    model = probing.checkpoint.load(box.checkpoint(BACKBONE)).eval()
    rows: list[Any] = list(load_rows(PLACES.task("pairs"), "train", "en"))
    assert (found.rows, found.size) == (len(rows), len(rows))
    means, firsts = [], []
    for row in rows:
        ids = model.tokenizer(row.text, row.text2, truncation=True, max_length=40, return_tensors="pt")
        with torch.inference_mode():
            states = model.encoder(input_ids=ids["input_ids"]).last_hidden_state[0].double().numpy()
        means.append(states.mean(axis=0))
        firsts.append(states[0])
    labels = np.array([PLACES.task("pairs").labels.index(row.label) for row in rows])
    assert found.scores["logme"] == pytest.approx(transferability.logme(np.array(means), labels), abs=1e-4)
    assert found.scores["logme_first"] == pytest.approx(
        transferability.logme(np.array(firsts), labels), abs=1e-4
    )
    assert found.scores["h_score"] == pytest.approx(
        transferability.h_score(np.array(means), labels), abs=1e-3
    )
    (task,) = read(box, asked("pairs", asks="task", rows=1000))
    assert task.text == pytest.approx(np.mean(means, axis=0), abs=1e-5)


@pytest.mark.parametrize(
    ("task", "labels", "names"),
    [
        ("tags", 0, {"logme", "h_score"}),
        ("questions", 2, {"logme", "h_score"}),
        ("choices", 2, {"logme", "logme_first", "h_score", "h_score_first"}),
    ],
)
def test_every_family_has_labels_of_sequences_or_of_tokens(
    box: Box, monkeypatch: pytest.MonkeyPatch, task: str, labels: int, names: set[str]
) -> None:
    seen: list[Any] = []
    real: Callable[..., Any] = transferability.logme
    monkeypatch.setattr(transferability, "logme", lambda *given: seen.append(given) or real(*given))
    (found,) = read(box, asked(task))
    assert set(found.scores) == names
    assert len(set(seen[0][1].tolist())) == (labels or len(PLACES.task(task).labels))
    monkeypatch.setattr(probing, "MOST", 20)
    if task == "tags":
        read(box, asked(task, seed=2))
        assert seen[-1][0].shape == (20, 16)


def test_texts_without_labels_have_no_fisher_information(box: Box) -> None:
    texts, sentences = read(box, asked("texts", asks="task"), asked("bitexts", asks="task"))
    for found in (texts, sentences):
        assert len(found.text) == 16 and not found.fisher and found.vocabulary
    (tags,) = read(box, asked("tags", asks="task"))
    assert len(tags.fisher) == 16


def test_a_trained_model_tells_its_own_task_best(box: Box) -> None:
    """The labels of the toy pairs are told by the states of a model that has learned them."""
    trained = phase("pairs", updates=60)
    box.compute(trained)
    before, after = read(box, asked("pairs", rows=100), asked("pairs", trained, rows=100))
    assert after.scores["logme"] > before.scores["logme"]
    assert after.scores["h_score"] > before.scores["h_score"]
