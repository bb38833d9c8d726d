"""Several backbones in one study: each with its own recipe where it needs one, and claims about some."""

from pathlib import Path

import pytest

from xstilts.errors import InputErrors
from xstilts.study.backbone import SETTINGS, checksum
from xstilts.study.load import load
from xstilts.study.phase import Evaluation, Phase
from xstilts.study.plan import plan

STUDY = """
name = "two"
question = "Do they differ?"
references = []
[backbones.one]
model = "lab"
[backbones.two]
model = "lab"
recipe = {{ {recipe} }}
[intermediate]
recipe = {{ max_length = 96, stride = 32, learning_rate = 1e-3, epochs = 2 }}
[intermediate.arms]
none = []
nli = ["lab_nli"]
[target]
tasks = ["lab_entail", "lab_tatoeba"]
recipe = {{ max_length = 96, stride = 32 }}
[[claims]]
says = "one gains more"
arms = ["nli"]
targets = ["lab_entail"]
{claim}
"""


def _load(folder: Path, recipe: str = "learning_rate = 5e-4", claim: str = 'backbones = ["one"]'):
    path = folder / "two.toml"
    path.write_text(STUDY.format(recipe=recipe, claim=claim))
    return load(path)


def test_a_backbones_recipe_is_laid_over_all_phases_that_start_from_it(tmp_path: Path) -> None:
    found = plan(_load(tmp_path, "learning_rate = 5e-4, updates = 7, layer = 3"))
    recipes = {"one": [], "two": []}
    for cell in found.cells:
        for fingerprint in cell.phases:
            phase = found.by_fingerprint[fingerprint].specification
            assert isinstance(phase, Phase)
            recipes[cell.backbone].append(phase.recipe)
    assert {recipe.learning_rate for recipe in recipes["two"]} == {5e-4}
    assert {(recipe.updates, recipe.epochs) for recipe in recipes["two"]} == {(7, None)}
    assert {recipe.epochs for recipe in recipes["one"]} == {2, 3}
    assert {recipe.max_length for both in recipes.values() for recipe in both} == {96}
    layers = {
        cell.backbone: evaluation.inference.layer
        for cell in found.cells
        if cell.target == "lab_tatoeba" and isinstance(evaluation := found.evaluation(cell), Evaluation)
    }
    assert layers == {"one": None, "two": 3}


def test_what_is_not_overridden_is_shared(tmp_path: Path) -> None:
    found = plan(_load(tmp_path, "layer = 3"))
    trained = {cell.backbone: cell.phases for cell in found.cells if cell.target == "lab_entail"}
    assert trained["one"] == trained["two"]


@pytest.mark.parametrize(
    ("recipe", "claim", "said"),
    [
        ("learning_rat = 1.0", "", "backbones.two.recipe.learning_rat"),
        ("examples = 5", "", "backbones.two.recipe.examples: is the same for all backbones."),
        (
            "layer = 1",
            'backbones = ["on"]',
            "claims[1].backbones: no backbone named 'on'. Did you mean 'one'?",
        ),
        ("layer = 1", "backbones = []", "claims[1].backbones: names no backbone."),
        ("layer = 1", 'against_backbone = "two"', "compares the backbone 'two' with itself."),
        ("layer = 1", 'backbones = ["one"]\nagainst_backbone = "tow"', "no backbone named 'tow'."),
        (
            "layer = 1",
            'quantity = "best_difference"\nbackbones = ["one"]\nagainst_backbone = "two"',
            "does not go with best_difference.",
        ),
    ],
)
def test_wrong_words_about_backbones_are_refused(tmp_path: Path, recipe: str, claim: str, said: str) -> None:
    with pytest.raises(InputErrors) as caught:
        _load(tmp_path, recipe, claim)
    assert said in str(caught.value)


@pytest.mark.parametrize("name", ["tokenizer.json", *SETTINGS])
def test_all_that_says_how_texts_become_tokens_is_part_of_a_folders_identity(
    tmp_path: Path, name: str
) -> None:
    for file in ("model.safetensors", "config.json", "tokenizer.json", *SETTINGS):
        (tmp_path / file).write_text("{}")
    before = checksum(tmp_path)
    (tmp_path / "README.md").write_text("nothing of it")
    assert checksum(tmp_path) == before
    (tmp_path / name).write_text('{"add_bos_token": false}')
    assert checksum(tmp_path) != before
