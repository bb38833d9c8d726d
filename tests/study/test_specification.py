"""Identity: a function of content, stable over releases, blind to places."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
from pydantic import ValidationError

from xstilts.study.backbone import Backbone, Tokenizer
from xstilts.study.phase import Evaluation, Inference, Phase, Prompt, chain, seen_with_labels
from xstilts.study.recipe import Adapter, Recipe
from xstilts.study.specification import Identified, Specification, added
from xstilts.study.step import Places, Step
from xstilts.study.use import Development, Use

GOLDEN = Path(__file__).parents[1] / "golden" / "fingerprints.json"

USE = Use(
    task="mnli",
    task_version=1,
    family="classification",
    family_version=1,
    label_set=("contradiction", "entailment", "neutral"),
    split="train",
    languages=("en",),
    data=("hub:nyu-mll/multi_nli@0123",),
    development=Development(split="dev", language="en", data="hub:nyu-mll/multi_nli@0123"),
)
TEXT = USE.changed(task="text", family="masked", label_set=(), languages=("en", "de"), data=("a", "b"))
HUB = Backbone(model="FacebookAI/xlm-roberta-large", revision="0123456789abcdef")
FOLDER = Backbone(checksum="sha256:00ff")
SCRATCH = Backbone(
    architecture="xlm-roberta",
    shape={"hidden_size": 64, "num_hidden_layers": 2},
    tokenizer=Tokenizer(uses=(TEXT,), vocabulary=1000),
    weights="random",
    seed=3,
)
INTERMEDIATE = Phase(parent=HUB, uses=(USE,), recipe=Recipe(), seed=1)
TARGET = Phase(parent=INTERMEDIATE, uses=(USE,), recipe=Recipe(epochs=2, batch_tokens=4096), seed=2)
INFERENCE = Inference(max_length=128, stride=64, precision="bf16")
EVALUATION = Evaluation(
    model=TARGET,
    use=USE.changed(task="xnli", split="test", development=None),
    trained_by=USE,
    metric="accuracy",
    metric_version=1,
    inference=INFERENCE,
)
MAJORITY = EVALUATION.changed(model=None, inference=None)
ASKED = EVALUATION.changed(model=HUB, trained_by=None, prompt=Prompt())

GOLDEN_SPECIFICATIONS = {
    "a Hub model": HUB,
    "a folder": FOLDER,
    "random weights": HUB.changed(weights="random", seed=5),
    "from scratch": SCRATCH,
    "an intermediate phase": INTERMEDIATE,
    "a target phase": TARGET,
    "masked text in two languages": Phase(parent=SCRATCH, uses=(TEXT,), recipe=Recipe(updates=10), seed=1),
    "shuffled labels and a cap": INTERMEDIATE.changed(uses=(USE.changed(labels="shuffled", examples=100),)),
    "an evaluation": EVALUATION,
    "the majority": MAJORITY,
    "asked in words": ASKED,
    "asked after shots": ASKED.changed(prompt=Prompt(shots=4, use=USE.changed(development=None), seed=1)),
}


@pytest.mark.parametrize("name", GOLDEN_SPECIFICATIONS)
def test_fingerprints_and_names_are_those_of_earlier_releases(name: str) -> None:
    """A change here makes stored results unfindable: raise a version instead, and tell the CHANGELOG."""
    specification = GOLDEN_SPECIFICATIONS[name]
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert {"fingerprint": specification.fingerprint, "name": specification.name} == golden[name]


def test_the_golden_file_has_nothing_else() -> None:
    assert sorted(json.loads(GOLDEN.read_text(encoding="utf-8"))) == sorted(GOLDEN_SPECIFICATIONS)


def test_every_field_of_a_recipe_is_part_of_the_identity() -> None:
    others: dict[str, Any] = {
        "learning_rate": 1e-4, "epochs": 1.0, "batch_size": 8, "max_length": 512, "stride": 64, "warmup": 0.0,
        "decay": "constant", "weight_decay": 0.0, "betas": (0.8, 0.9), "epsilon": 1e-6, "clip": 0.5,
        "precision": "fp32", "dropout": 0.0, "examples": 5, "mask_rate": 0.3, "evaluations": 2,
        "development_examples": 7, "layer": 3, "carry": "heads", "readout": "text",
        "attention": "bidirectional", "adapter": Adapter(), "development_rows": "first",
        "threads": 2,
    }  # fmt: skip
    seen = {
        INTERMEDIATE.changed(recipe=Recipe(**{name: value})).fingerprint for name, value in others.items()
    }
    seen.add(INTERMEDIATE.changed(recipe=Recipe(updates=4)).fingerprint)
    seen.add(INTERMEDIATE.changed(recipe=Recipe(batch_tokens=64)).fingerprint)
    seen.add(INTERMEDIATE.changed(recipe=Recipe(evaluations=2, select="best")).fingerprint)
    seen.add(INTERMEDIATE.changed(recipe=Recipe(evaluations=2, patience=1)).fingerprint)
    assert len(seen) == len(Recipe.model_fields)
    assert INTERMEDIATE.fingerprint not in seen


def test_a_parent_counts() -> None:
    other = TARGET.changed(parent=INTERMEDIATE.changed(seed=9))
    assert other.fingerprint != TARGET.fingerprint
    assert EVALUATION.changed(model=other).fingerprint != EVALUATION.fingerprint


def test_a_whole_number_for_a_float_is_the_same() -> None:
    assert INTERMEDIATE.changed(recipe=Recipe(epochs=3)).fingerprint == INTERMEDIATE.fingerprint


def test_identity_survives_json_and_other_processes() -> None:
    program = (
        "import sys, json; from xstilts.study.step import Step; "
        "print(Step.from_spec(json.load(sys.stdin)).fingerprint)"
    )
    for specification in GOLDEN_SPECIFICATIONS.values():
        assert Step.from_spec(Step(specification).spec).specification == specification
    shaped = Backbone(
        architecture="llama", weights="random", shape={"tie_word_embeddings": True, "layers": 1}
    )
    child = Step(INTERMEDIATE.changed(parent=shaped))
    assert Step.from_spec(child.spec).fingerprint == child.fingerprint
    output = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(Step(EVALUATION).spec),
        env={"PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert output.strip() == EVALUATION.fingerprint


class _Before(Identified):
    version: ClassVar[int] = 1
    kind: Literal["x"] = "x"
    part: "_PartBefore"


class _PartBefore(Specification):
    rate: float = 0.1


class _PartAfter(_PartBefore):
    shares: tuple[float, ...] | None = added(None)
    alpha: int = added(1, ge=1)


class _After(Identified):
    version: ClassVar[int] = 1
    kind: Literal["x"] = "x"
    part: _PartAfter


_Before.model_rebuild()


def test_a_field_added_later_counts_only_when_it_is_used() -> None:
    before = _Before(part=_PartBefore())
    assert _After(part=_PartAfter()).fingerprint == before.fingerprint
    assert _After(part=_PartAfter(alpha=2)).fingerprint != before.fingerprint
    assert _After(part=_PartAfter(shares=(0.5,))).fingerprint != before.fingerprint


def test_a_version_counts() -> None:
    class Raised(_Before):
        version: ClassVar[int] = 2

    assert Raised(part=_PartBefore()).fingerprint != _Before(part=_PartBefore()).fingerprint


def test_a_changed_copy_has_its_own_identity() -> None:
    assert HUB.fingerprint
    assert HUB.changed(seed=1).fingerprint != HUB.fingerprint


def test_specifications_are_frozen_and_refuse_unknown_fields() -> None:
    with pytest.raises(ValidationError):
        INTERMEDIATE.seed = 2  # type: ignore[misc]
    with pytest.raises(ValidationError):
        Recipe(learning_rat=1.0)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"epochs": 1, "updates": 2}, "exclude each other"),
        ({"batch_size": 1, "batch_tokens": 64}, "exclude each other"),
        ({"betas": (0.9, 1.0)}, "must lie in"),
        ({"max_length": 64, "stride": 64}, "must be smaller"),
        ({"select": "best"}, "set `evaluations`"),
        ({"patience": 2}, "set `evaluations`"),
        ({"learning_rate": "1"}, "number"),
        ({"epochs": float("nan")}, "finite"),
    ],
)
def test_a_recipe_refuses(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Recipe(**fields)


def test_a_recipe_fills_what_it_does_not_state() -> None:
    assert (Recipe().epochs, Recipe().batch_size) == (3.0, 32)
    assert (Recipe(updates=5).epochs, Recipe(batch_tokens=64).batch_size) == (None, None)


def test_a_chain_knows_which_languages_it_has_seen_with_labels() -> None:
    text = Phase(parent=SCRATCH, uses=(TEXT,), recipe=Recipe(), seed=1)
    assert seen_with_labels(text) == ()
    german = Phase(parent=text, uses=(USE.changed(languages=("de",)),), recipe=Recipe(), seed=1)
    assert seen_with_labels(Phase(parent=german, uses=(USE,), recipe=Recipe(), seed=1)) == ("de", "en")
    assert [type(one).__name__ for one in chain(german)] == ["Phase", "Phase", "Backbone"]


def test_parents_of_steps() -> None:
    assert Step(HUB).parents == Step(INTERMEDIATE).parents == Step(MAJORITY).parents == ()
    assert Step(TARGET).parents == (INTERMEDIATE.fingerprint,)
    assert Step(EVALUATION).parents == (TARGET.fingerprint,)
    made = Phase(parent=SCRATCH, uses=(TEXT,), recipe=Recipe(), seed=1)
    assert Step(made).parents == (SCRATCH.fingerprint,)


def test_places_survive_json() -> None:
    places = Places(Path("/data"), {"mine": Path("/mine.py")}, {"sha256:1": Path("/model")}, Path("/images"))
    assert Places.from_json(json.loads(json.dumps(places.to_json()))) == places
    assert Places.from_json(Places().to_json()) == Places()
