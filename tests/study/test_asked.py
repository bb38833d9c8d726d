"""Models that are asked in words: which cells a plan has of them, and what they change of the others."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from xstilts.analysis import distances
from xstilts.analysis.results import Line
from xstilts.errors import InputErrors
from xstilts.study.load import parse
from xstilts.study.phase import Prompt
from xstilts.study.plan import Plan, plan

STUDY: dict[str, Any] = {
    "name": "asked",
    "question": "Why train at all?",
    "backbones": {"encoder": {"model": "lab"}, "decoder": {"model": "lab-decoder"}},
    "intermediate": {"arms": {"none": []}},
    "target": {
        "seeds": [1, 2],
        "tasks": ["lab_entail", "lab_qa", "lab_pos", "lab_tatoeba"],
        "recipe": {"max_length": 64, "examples": 8},
    },
}


def planned(*references: str, **changes: Any) -> Plan:
    return plan(parse(STUDY | {"references": list(references)} | changes, Path("study.toml"), "study"))


def test_decoders_are_asked_for_labels_and_answers() -> None:
    found = planned("prompted", "few-shot", shots=3)
    asked = [cell for cell in found.cells if cell.reference]
    assert {(cell.backbone, cell.arm, cell.target) for cell in asked} == {
        ("decoder", "none", "lab_entail"),
        ("decoder", "none", "lab_qa"),
    }
    assert all(not cell.phases for cell in asked)
    of = {
        name: [cell.evaluation for cell in asked if (cell.reference, cell.target) == (name, "lab_entail")]
        for name in ("prompted", "few-shot")
    }
    assert len(of["prompted"]) == 2 and len(set(of["prompted"])) == 1  # no seed changes what is asked
    assert len(set(of["few-shot"])) == 2
    prompts = [found.evaluation(cell).prompt for cell in asked if cell.evaluation in of["few-shot"]]
    assert [(one.shots, one.seed) for one in prompts if one is not None] == [(3, 1), (3, 2)]
    (use,) = {one.use for one in prompts if one is not None}
    assert use is not None and (use.split, use.languages, use.examples) == ("train", ("x-en",), None)
    zero = found.evaluation(next(cell for cell in asked if cell.reference == "prompted"))
    assert zero.prompt == Prompt() and zero.inference is not None and zero.inference.readout == "text"
    assert zero.trained_by is None


def test_the_other_steps_stay_what_they_are() -> None:
    without, beside = planned(), planned("prompted", "few-shot")
    assert {step.fingerprint for step in without.steps} < {step.fingerprint for step in beside.steps}
    few, more = (
        {cell.evaluation for cell in planned("few-shot", shots=shots).cells if cell.reference}
        for shots in (2, 4)
    )
    assert not few & more


DIFFERENCE = {"says": "so", "arms": ["none"], "against": "few-shot"}


@pytest.mark.parametrize("key", ["targets", "against_targets"])
def test_a_claim_names_targets_that_can_be_asked(key: str) -> None:
    claim = DIFFERENCE | {"targets": ["lab_qa"], key: ["lab_tatoeba"]}
    with pytest.raises(InputErrors, match=r"claims\[1\]\.targets: .*cannot ask about 'lab_tatoeba'.*, span"):
        planned("few-shot", claims=[claim])
    planned("few-shot", claims=[DIFFERENCE | {"targets": ["lab_qa", "lab_entail"]}])


@pytest.mark.parametrize("key", ["backbones", "against_backbone"])
def test_a_claim_names_backbones_that_can_be_asked(key: str) -> None:
    named = {"backbones": ["decoder"], key: ["encoder"] if key == "backbones" else "encoder"}
    with pytest.raises(
        InputErrors, match=r"claims\[1\]: 'few-shot' cannot ask the backbone 'encoder'.*: decoder"
    ):
        planned("few-shot", claims=[DIFFERENCE | named])
    planned("few-shot", claims=[DIFFERENCE | {"backbones": ["decoder"]}])


def test_facts_of_the_rows_are_those_of_evaluations_without_a_prompt() -> None:
    found = planned("prompted", "few-shot")
    facts = {cell.evaluation: {"x-ga": {"tokens": 99 if cell.reference else 7}} for cell in found.cells}
    store: Any = SimpleNamespace(scores=lambda fingerprint: {"languages": facts[fingerprint]})
    results: Any = SimpleNamespace(plan=found, store=store, missing=())
    for reference in ("", "prompted", "few-shot"):
        line = Line("decoder", "none", reference)
        assert distances._facts(results, line, "lab_entail") == {"x-ga": {"tokens": 7}}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"backbones": {"encoder": {"model": "lab"}}},
            "need a backbone that writes text, and the study has none. Add a decoder or an encoder-decoder, "
            "or take them out of `references`.",
        ),
        (
            {"target": STUDY["target"] | {"tasks": ["lab_pos"]}},
            "need a target of the families classification, choice, span, and the study has none. Add one, or "
            "take them out of `references`.",
        ),
    ],
)
def test_references_that_nothing_can_be_are_refused_once(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputErrors) as raised:
        planned("few-shot", "prompted", **changes)
    assert str(raised.value) == f"study.toml: references: 'few-shot' and 'prompted' {said}"


@pytest.mark.parametrize(("model_type", "asked"), [("xlm-roberta", False), ("qwen2", True), ("", True)])
def test_the_type_of_a_hub_model_is_read_where_it_was_fetched(
    model_type: str, asked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    commit = "0" * 40
    if model_type:
        folder = tmp_path / "models--org--tiny" / "snapshots" / commit
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps({"model_type": model_type}))
    hub = {"model": "org/tiny", "revision": commit}
    found = planned("prompted", backbones={"hub": hub, "decoder": {"model": "lab-decoder"}})
    assert {cell.backbone for cell in found.cells if cell.reference} == {"decoder"} | (
        {"hub"} if asked else set()
    )
