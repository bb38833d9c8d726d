"""What a kind of model cannot do is told before anything runs, with the reason."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from xstilts.study.architecture import KINDS, refusal, type_of
from xstilts.study.load import load
from xstilts.study.plan import draft
from xstilts.study.recipe import Adapter, Recipe

if TYPE_CHECKING:
    from conftest import World

SCRATCH = """[backbones.scratch]
architecture = "xlm-roberta"
shape = { hidden_size = 16, num_hidden_layers = 1, num_attention_heads = 2, intermediate_size = 16 }
tokenizer = { tasks = ["./words.py"], vocabulary = 100 }
"""
TARGET = "updates = 2\nmax_length = 16\nstride = 4\n\n[[claims]]"
ARM = '[intermediate.arms]\nnone = []\nmood = ["./mood.py"]'
TEXT, BOTH_WAYS = 'readout = "text"', 'attention = "bidirectional"'


def told(world: "World", model: str, recipe: str, tasks: str = '["./mood.py"]', arm: str = ARM) -> list[str]:
    """What is wrong with a study of one target phase from a local model of that type, or a scratch one."""
    source = SCRATCH.replace("xlm-roberta", model.removeprefix("scratch "))
    if not model.startswith("scratch "):
        folder = world.folder / "local"
        folder.mkdir(exist_ok=True)
        for file in ("tokenizer.json", "model.safetensors"):
            (folder / file).write_text("{}")
        (folder / "config.json").write_text(json.dumps({"model_type": model}))
        source = '[backbones.local]\nmodel = "./local"\n'
    path = world.study(
        (SCRATCH, source),
        (TARGET, f"{recipe}\n{TARGET}"),
        ('tasks = ["./mood.py", "./search.py"]', f"tasks = {tasks}"),
        (ARM, arm),
    )
    return [str(error) for error in draft(load(path)).errors]


REFUSED = {
    "an encoder in text": ("bert", TEXT, "an encoder writes no text."),
    "a scratch encoder in text": ("scratch modernbert", TEXT, "an encoder writes no text."),
    "an encoder that is told what it sees": (
        "bert",
        BOTH_WAYS,
        "`attention` says what the tokens of a decoder see",
    ),
    "an encoder-decoder so": ("mt5", BOTH_WAYS, "`attention` says what the tokens of a decoder see"),
    "a decoder that sees the answer": (
        "llama",
        f"{TEXT}\n{BOTH_WAYS}",
        "a decoder that sees what follows cannot be",
    ),
    "a scratch decoder so": (
        "scratch gpt2",
        f"{TEXT}\n{BOTH_WAYS}",
        "a decoder that sees what follows cannot be",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_a_kind_cannot_do_is_refused_once_and_with_the_reason(world: "World", case: str) -> None:
    model, recipe, why = REFUSED[case]
    (error,) = told(world, model, recipe)
    named = model.removeprefix("scratch ")
    where = f"study.toml: 'mood' with a model of type {named}: "
    assert where in error
    assert why in error.split(where)[1]
    assert error.endswith("Correct `readout` or `attention` in the recipe, or in that of the backbone.")


@pytest.mark.parametrize(
    ("model", "recipe"),
    [
        ("bert", 'readout = "head"'),
        ("mt5", TEXT),
        ("llama", TEXT),
        ("llama", BOTH_WAYS),
        ("scratch gpt2", BOTH_WAYS),
        ("nobody-knows", TEXT),
    ],
)
def test_what_it_can_do_is_planned(world: "World", model: str, recipe: str) -> None:
    assert told(world, model, recipe) == []


def test_tags_are_not_read_out_as_text(world: "World") -> None:
    world.task(
        "tags",
        family="tagging",
        example="Tagged",
        row='Tagged((line.split("\\t")[0],), (line.split("\\t")[1],))',
        metric="accuracy",
        facts='labels=("no", "yes"),',
    )
    (error,) = told(world, "llama", TEXT, '["./mood.py", "./tags.py"]')
    assert "'tags' with a model of type llama: a sequence of tags is not read out as text." in error


def test_a_decoder_that_sees_all_cannot_learn_to_continue(world: "World") -> None:
    arm = f'{ARM}\ntext = {{ tasks = ["./words.py"], recipe = {{ {BOTH_WAYS} }} }}'
    (error,) = told(world, "llama", "", arm=arm)
    assert "'words' with a model of type llama: a decoder that sees what follows cannot be trained" in error


def test_retrieval_is_looked_at_too(world: "World") -> None:
    errors = told(world, "bert", BOTH_WAYS, '["./mood.py", "./search.py"]')
    assert [error.split(": ")[1] for error in errors] == [
        f"'{task}' with a model of type bert" for task in ("mood", "search")
    ]


def test_a_backbone_has_its_own_recipe(world: "World") -> None:
    text = SCRATCH + '[backbones.other]\narchitecture = "llama"\nrecipe = { attention = "bidirectional" }\n'
    text += "shape = { hidden_size = 8 }\n"
    text += 'tokenizer = { tasks = ["./words.py"], vocabulary = 100 }\n'
    assert draft(load(world.study((SCRATCH, text)))).errors == ()
    found = draft(load(world.study((SCRATCH, text), (TARGET, f"{BOTH_WAYS}\n{TARGET}")))).errors
    assert {str(error).split("type ")[1].split(":")[0] for error in found} == {"xlm-roberta"}


def test_kinds_follow_from_the_type(tmp_path: Path) -> None:
    for content, kind in (
        ('{"model_type": "umt5"}', "encoder-decoder"),
        ('{"model_type": "x"}', None),
        ("[", None),
    ):
        (tmp_path / "config.json").write_text(content)
        assert KINDS.get(type_of(tmp_path) or "") == kind
    assert type_of(tmp_path / "nowhere") is None
    assert {"encoder", "encoder-decoder", "decoder"} < set(KINDS.values())
    assert refusal("decoder", "retrieval", "text", "bidirectional") == ""


# Adapters


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"method": "ia3", "rank": 4}, "`rank` means nothing to ia3"),
        ({"method": "ia3", "dropout": 0.1}, "`dropout` means nothing to ia3"),
        ({"method": "oft", "alpha": 4.0}, "`alpha` means nothing to oft"),
        ({"method": "adalora"}, "Input should be 'lora'"),
        ({"rank": 0}, "greater than or equal to 1"),
        ({"modules": [""]}, "`modules` names a layer by nothing"),
        ({"layers": ["q_proj"]}, "Extra inputs"),
    ],
)
def test_fields_that_mean_nothing_are_refused(fields: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Recipe.model_validate_json(json.dumps({"adapter": fields}))


def test_an_adapter_is_the_same_when_written_and_read() -> None:
    for method in ("lora", "ia3", "oft"):
        recipe = Recipe.model_validate_json(json.dumps({"adapter": {"method": method}}))
        assert recipe.adapter == Adapter(method=method)  # type: ignore[arg-type]
        assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe
