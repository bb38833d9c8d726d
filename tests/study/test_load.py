"""The study file: everything that may be wrong with it is told, at once, with its place and a way out."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from xstilts.data.task import NO_COMMIT, find_commit
from xstilts.errors import InputErrors, StudyError
from xstilts.study import load as loading
from xstilts.study.load import bundled, load
from xstilts.study.recipe import overridden

if TYPE_CHECKING:
    from conftest import World

GRID = ("none = []\nmood", "none = []\nother = []\nmood")


def errors(path: Path) -> list[str]:
    """What is said of a study file, without the file's name."""
    with pytest.raises(InputErrors) as raised:
        load(path)
    assert raised.value.exit_status == 2
    lines = str(raised.value).splitlines()
    assert all(line.startswith(f"{path}: ") for line in lines)
    return [line.removeprefix(f"{path}: ") for line in lines]


def test_a_good_study(world: "World") -> None:
    study = load(world.study())
    assert study.name == "small"
    assert list(study.intermediate.arms) == ["none", "mood"]
    assert study.intermediate.arms["mood"].tasks == ("./mood.py",)
    assert study.target_recipe("./search.py").updates == 2
    assert study.claims[0].against == "none"


@pytest.mark.parametrize("name", bundled())
def test_bundled_studies_are_good(name: str) -> None:
    assert load(name).name == name


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        # keys and types
        ('name = "small"', 'name = "small"\nclaim = 1', "claim: no such key. Did you mean 'claims'?"),
        ('name = "small"', "name = 5", "name: must be a string, got 5."),
        ('name = "small"', "", 'name: is missing. Write name = "...".'),
        ("updates = 2", 'updates = "2"', "intermediate.recipe.updates: must be a whole number, got '2'."),
        ("updates = 2", "updates = 2.5", "intermediate.recipe.updates: must be a whole number, got 2.5."),
        ("updates = 2", "updates = true", "intermediate.recipe.updates: must be a whole number, got True."),
        ("updates = 2", "epochs = -1", "intermediate.recipe.epochs: must be greater than 0, got -1."),
        ("updates = 2", "epochs = 1e308", "intermediate.recipe.epochs: must be at most 1e+06, got 1e+308."),
        ("updates = 2", "epochs = inf", "intermediate.recipe.epochs: must be a finite number, got inf."),
        (
            "updates = 2",
            "epochs = 2000-01-01",
            "intermediate.recipe.epochs: must be a number, got '2000-01-01'.",
        ),
        (
            "updates = 2",
            'precision = "fp8"',
            "intermediate.recipe.precision: must be one of 'bf16', 'fp32', got 'fp8'.",
        ),
        ("updates = 2", "update = 2", "intermediate.recipe.update: no such key. Did you mean 'updates'?"),
        (
            "updates = 2",
            "updates = 2\nepochs = 1.0",
            "intermediate.recipe: `epochs` and `updates` exclude each other; leave one out.",
        ),
        ("none = []", "none = 5", "intermediate.arms.none: must be a table, got 5."),
        ("none = []", "none = [5]", "intermediate.arms.none.tasks[1]: must be a string, got 5."),
        ('says = "Mood helps"', "", "claims[1].says: is missing. Say in a sentence what is claimed."),
        (
            'says = "Mood',
            'quantity = "scor"\nsays = "Mood',
            "claims[1].quantity: must be one of 'score', 'difference', 'gain_over_random', 'gap', "
            "'gap_difference', 'retention', 'slope_with_distance', 'slope_difference', 'slope_over_axis', "
            "'fit_advantage', 'best_difference', got 'scor'. Did you mean 'score'?",
        ),
        (
            'mood = ["./mood.py"]',
            'mood = { tasks = ["./mood.py"], after = "non" }',
            "intermediate.arms.mood.after: no arm named 'non'. Did you mean 'none'?",
        ),
        (
            'mood = ["./mood.py"]',
            'mood = { tasks = ["./mood.py"], after = "mood" }',
            "intermediate.arms.mood.after: comes after itself: mood after mood. Break the circle.",
        ),
        (
            "none = []",
            'none = { after = "mood" }',
            "intermediate.arms.none.after: an arm without tasks trains nothing after another. Give it tasks.",
        ),
        # names of tasks and languages
        (
            'mood = ["./mood.py"]',
            'mood = ["mlni"]',
            "intermediate.arms.mood: no task named 'mlni'. Did you mean 'mnli'? `xstilts tasks` lists all.",
        ),
        (
            'tasks = ["./mood.py", "./search.py"]',
            'tasks = ["./mood.py", "udpso"]',
            "target.tasks: no task named 'udpso'. Did you mean 'udpos'? `xstilts tasks` lists all.",
        ),
        (
            'mood = ["./mood.py"]',
            'mood = { tasks = ["./mood.py"], languages = ["gxr"] }',
            "intermediate.arms.mood.languages: no language has the code 'gxr'. "
            "`xstilts languages` lists all.",
        ),
        (
            'mood = ["./mood.py"]',
            'mood = { tasks = ["./mood.py"], languages = ["sw"] }',
            "intermediate.arms.mood.languages: none of the tasks has the language 'sw'. "
            "They have de, en, fr.",
        ),
        (
            "[target]\n",
            '[target]\nlanguages = ["dee"]\n',
            "target.languages: no language has the code 'dee'. Did you mean 'de'? "
            "`xstilts languages` lists all.",
        ),
        (
            'mood = ["./mood.py"]',
            'mood = ["./mood.py", "./mood.py"]',
            "intermediate.arms.mood: names './mood.py' more than once. Remove the others.",
        ),
        (
            'mood = ["./mood.py"]',
            'mood = ["./search.py"]',
            "intermediate.arms.mood: 'search' is a retrieval task, which trains nothing. Take it out.",
        ),
        (
            'mood = ["./mood.py"]',
            'mood = ["xnli"]',
            "intermediate.arms.mood: 'xnli' has no training rows of its own: 'mnli' trains it. Name 'mnli'.",
        ),
        (
            'mood = ["./mood.py"]',
            'mood = { tasks = ["./words.py"], labels = "shuffled" }',
            "intermediate.arms.mood.labels: 'words' has no labels to shuffle. Take it out.",
        ),
        (
            'tasks = ["./mood.py", "./search.py"]',
            'tasks = ["./mood.py", "./words.py"]',
            "target.tasks: 'words' is masked text, which has no score. Use it in an arm.",
        ),
        # grids
        (*GRID, "intermediate.arms.other: has the same content as 'none'. Remove one."),
        (
            'mood = ["./mood.py"]',
            'mood = ["./mood.py"]\nmoody = { tasks = ["./mood.py"], recipe = { updates = 2 } }',
            "intermediate.arms.moody: has the same content as 'mood'. Remove one.",
        ),
        ("seeds = [1, 2]", "seeds = []", "target.seeds: an empty grid: no seed. Name one: seeds = [1]."),
        ("seeds = [1, 2]", "seeds = [1, 1]", "target.seeds: names a seed twice: [1, 1]. Remove one."),
        ("seeds = [1, 2]", "seeds = [-1]", "target.seeds: must not be negative, got [-1]."),
        (
            "seeds = [1, 2]",
            "seeds = [9223372036854775808]",
            "target.seeds: must be below 9223372036854775808.",
        ),
        (
            "[intermediate]\nseeds = [1]",
            "[intermediate]\nseeds = [1, 2, 3]",
            "intermediate.seeds: 3 seeds do not pair with 2 target seeds. "
            "Leave it out: each target seed then has a chain of its own.",
        ),
        (
            "[target]\n",
            "[target]\nlanguages = []\n",
            "target.languages: an empty grid: no language. Leave the key out to take all.",
        ),
        (
            'name = "small"',
            'name = "small"\nrandom_arms = ["moody"]',
            "random_arms: no arm named 'moody'. Did you mean 'mood'?",
        ),
        # recipes
        (
            "[[claims]]",
            "[target.recipes.serch]\nlayer = 1\n[[claims]]",
            "target.recipes.serch: is used by nothing: it needs a target. Did you mean 'search'?",
        ),
        (
            "[[claims]]",
            "[target.recipes.search]\nstride = 99\n[[claims]]",
            "target.recipes.search: `stride` (99) must be smaller than `max_length` (16): "
            "it is the overlap of two windows.",
        ),
        (
            'mood = ["./mood.py"]',
            'mood = { tasks = ["./mood.py"], recipe = { clip = 0 } }',
            "intermediate.arms.mood.recipe.clip: must be greater than 0, got 0.",
        ),
        (
            'mood = ["./mood.py"]',
            'mood = { tasks = ["./mood.py"], examples = 2, recipe = { examples = 3 } }',
            "intermediate.arms.mood.recipe.examples: is stated a second time. Leave one out.",
        ),
        # backbones
        (
            'architecture = "xlm-roberta"',
            'architecture = "xlm-roberta"\nmodel = "lab"',
            "backbones.scratch: needs exactly one of `model` and `architecture`. "
            "Name a `model`, or an `architecture` with its `shape` and `tokenizer`.",
        ),
        (
            'tokenizer = { tasks = ["./words.py"], vocabulary = 100 }',
            "",
            "backbones.scratch.tokenizer: is missing: a backbone from scratch needs one. "
            'Write tokenizer = { tasks = ["..."], vocabulary = 8000 }.',
        ),
        (
            'tokenizer = { tasks = ["./words.py"],',
            "tokenizer = {",
            "backbones.scratch.tokenizer.tasks: is missing. Name the tasks whose text it learns.",
        ),
        (
            "[intermediate]\nseeds",
            '[backbones.hub]\nmodel = "FacebookAI/xlm-roberta-large"\n[intermediate]\nseeds',
            "backbones.hub.revision: is missing for 'FacebookAI/xlm-roberta-large', a model of the Hub. "
            'Pin the commit: revision = "c23d21b0620b635a76227c604d44e43a9f0ee389".',
        ),
        (
            "[intermediate]\nseeds",
            '[backbones.hub]\nmodel = "some/model"\n[intermediate]\nseeds',
            "backbones.hub.revision: is missing for 'some/model', a model of the Hub. "
            "Pin the commit: revision = \"...\" (the Hub shows it under 'Files and versions').",
        ),
        (
            "[intermediate]\nseeds",
            '[backbones.hub]\nmodel = "xlm-roberta-base"\n[intermediate]\nseeds',
            "backbones.hub.model: no bundled backbone named 'xlm-roberta-base'. Write model = "
            '"FacebookAI/xlm-roberta-base", revision = "e73636d4f797dec63c3081bb6ed5c7b0bb3f2089".',
        ),
        (
            "[intermediate]\nseeds",
            '[backbones.hub]\nmodel = "bert-base-casd"\n[intermediate]\nseeds',
            "backbones.hub.model: no bundled backbone named 'bert-base-casd'. "
            'On the Hub it is model = "google-bert/bert-base-cased". '
            "Pin the commit: revision = \"...\" (the Hub shows it under 'Files and versions').",
        ),
        (
            "[intermediate]\nseeds",
            '[backbones.hub]\nmodel = "mdeberta"\n[intermediate]\nseeds',
            "backbones.hub.model: no bundled backbone named 'mdeberta'. "
            'On the Hub it is model = "microsoft/mdeberta-v3-base". '
            "Pin the commit: revision = \"...\" (the Hub shows it under 'Files and versions').",
        ),
        (
            "updates = 2",
            'updates = 2\nadapter = "LoRA"',
            "intermediate.recipe.adapter: must be a table, got 'LoRA'. "
            'Write adapter = { method = "lora" }.',
        ),
        (
            "[intermediate]\nseeds",
            '[backbones]\nx = "lab"\n[intermediate]\nseeds',
            "backbones.x: must be a table, got 'lab'. Write x = { model = \"lab\" }.",
        ),
        # what others call the keys, and keys that belong elsewhere
        (
            "updates = 2",
            "updates = 2\nlr = 1",
            "intermediate.recipe.lr: no such key. Did you mean 'learning_rate'?",
        ),
        (
            "updates = 2",
            "updates = 2\nper_device_train_batch_size = 8",
            "intermediate.recipe.per_device_train_batch_size: no such key. Did you mean 'batch_size'?",
        ),
        (
            'question = "Does',
            'num_epochs = 3\nquestion = "Does',
            "num_epochs: no such key. 'epochs' belongs into [intermediate.recipe] or [target.recipe].",
        ),
        (
            "updates = 2",
            "updates = 2\nseed = 1",
            "intermediate.recipe.seed: no such key. 'seed' belongs into [backbones.NAME], "
            "'seeds' belongs into [intermediate] or [target].",
        ),
        (
            'tasks = ["./mood.py", "./search.py"]',
            'tasks = ["./mood.py", "./search.py"]\nrevision = "x"',
            "target.revision: no such key. "
            "'revision' belongs into [backbones.NAME] or [backbones.NAME.vision] or [tasks.NAME.hub].",
        ),
        (
            'tasks = ["./mood.py", "./search.py"]',
            'tasks = ["./mood.py", "./search.py"]\nreferences = []',
            "target.references: no such key. "
            "'references' belongs into the head of the file, before its first [table].",
        ),
        ("seeds = [1, 2]", "seeds = 3", "target.seeds: must be a list, got 3. Write seeds = [3]."),
        (
            'mood = ["./mood.py"]',
            "mood = { examples = 5 }",
            'intermediate.arms.mood.tasks: is missing. Write tasks = ["mnli"], '
            "or mood = [] for the arm that trains nothing.",
        ),
        (
            "[target]\n",
            '[target]\nlanguages = ["German"]\n',
            "target.languages: no language has the code 'German'. Did you mean 'de'? "
            "`xstilts languages` lists all.",
        ),
        (
            "[intermediate]\nseeds",
            '[backbones.other]\nmodel = "./b"\nrevision = "1"\n[intermediate]\nseeds',
            "backbones.other.revision: belongs to a model of the Hub only. Remove it.",
        ),
        *(
            (
                "[intermediate]\nseeds",
                f'[backbones.hub]\nmodel = "a/b"\nrevision = "{revision}"\n[intermediate]\nseeds',
                f"backbones.hub.revision: '{revision}' {NO_COMMIT} {find_commit('model', 'a/b', revision)}",
            )
            for revision in ("main", "v1.0", "refs/pr/1", "0123456789abcdef")
        ),
        (
            "vocabulary = 100 }",
            'vocabulary = 100 }\nvision = { model = "a/b", revision = "main" }',
            f"backbones.scratch.vision.revision: 'main' {NO_COMMIT} {find_commit('model', 'a/b', 'main')}",
        ),
        # claims
        ('arms = ["mood"]', 'arms = ["moo"]', "claims[1].arms: no arm named 'moo'. Did you mean 'mood'?"),
        ('arms = ["mood"]', "", "claims[1].arms: is missing. Name some of none, mood."),
        (
            'arms = ["mood"]',
            'arms = ["mood"]\nagainst = "rand"',
            "claims[1].against: no arm named 'rand'. Did you mean 'random'?",
        ),
        (
            'arms = ["mood"]',
            'arms = ["none"]',
            "claims[1].against: compares the arm 'none' with itself. Take it out of `arms`.",
        ),
        (
            'arms = ["mood"]',
            'arms = ["mood"]\nquantity = "gain_over_random"',
            "claims[1].quantity: the arm 'mood' is not measured with random weights. "
            "Add it: random_arms = [..., 'mood'].",
        ),
        (
            'targets = ["mood"]',
            'targets = ["nood"]',
            "claims[1].targets: no target named 'nood'. Did you mean 'mood'?",
        ),
        (
            'targets = ["mood"]',
            'targets = ["mood"]\nlanguages = ["sw"]',
            "claims[1].languages: none of the tasks has the language 'sw'. They have de, en, fr.",
        ),
    ],
)
def test_one_error_is_told_once(world: "World", old: str, new: str, said: str) -> None:
    text = world.study().read_text().replace(old, new, 1)
    assert errors(world.study(text=text)) == [said]


def test_all_errors_are_told_at_once(world: "World") -> None:
    path = world.study(
        ('name = "small"', "name = 5\ncolour = 1"),
        ('mood = ["./mood.py"]', 'mood = ["mlni"]'),
        ("seeds = [1, 2]", "seeds = []"),
        ('targets = ["mood"]', 'targets = ["mod"]\nrelation = "~"'),
    )
    places = [line.split(":")[0] for line in errors(path)]
    assert places == [
        "name",
        "claims[1].relation",
        "colour",
        "intermediate.arms.mood",
        "target.seeds",
        "claims[1].targets",
    ]


def test_several_wrong_items_of_a_list_do_not_take_what_is_above_it_away(world: "World") -> None:
    table = '[tasks.m]\nfamily = "classification"\nlabels = [0, 1]\nlanguages = ["en"]\n'
    table += 'splits = { test = "x.csv" }\ncolumns = { text = "t", label = "l" }\ntrained_by = "./mood.py"\n'
    path = world.study(("seeds = [1, 2]", "seeds = [1.5, 2.5]"), ("[intermediate]", f"{table}[intermediate]"))
    assert errors(path) == [
        "tasks.m.labels[1]: must be a string, got 0.",
        "tasks.m.labels[2]: must be a string, got 1.",
        "target.seeds[1]: must be a whole number, got 1.5.",
        "target.seeds[2]: must be a whole number, got 2.5.",
    ]


def test_an_empty_grid_names_every_part_that_is_missing(world: "World") -> None:
    said = errors(world.study(text='name = "x"\nquestion = "y"\n'))
    assert [line.split(".")[0] for line in said] == ["backbones: an empty grid: no backbone", "intermediate"]
    said = errors(world.study(('tasks = ["./mood.py", "./search.py"]', ""), ('mood = ["./mood.py"]\n', "")))
    assert "target.tasks: an empty grid: no target and nothing to train. Name a target." in said


def test_a_reference_that_is_not_measured_cannot_be_claimed_about(world: "World") -> None:
    path = world.study(
        ('name = "small"', 'name = "small"\nreferences = ["majority"]'),
        ('arms = ["mood"]', 'arms = ["mood"]\nagainst = "random"'),
    )
    assert errors(path) == [
        "claims[1].against: the study does not measure the reference 'random'. "
        'Write references = ["random"].'
    ]


def test_training_outside_the_source_language_is_refused(world: "World") -> None:
    text = (world.folder / "mood.py").read_text()
    (world.folder / "german.py").write_text(
        text.replace('labels=("no"', 'source_language="de", labels=("no"')
    )
    (world.folder / "cross.py").write_text(
        text.replace('labels=("no"', 'trained_by="./german.py", labels=("no"')
    )
    said = errors(
        world.study(('tasks = ["./mood.py", "./search.py"]', 'tasks = ["./mood.py", "./cross.py"]'))
    )
    assert said == [
        "target.tasks: 'cross' has the source language 'en', but is trained by 'german' in 'de'. "
        "Zero-shot evaluation trains in the source language only."
    ]


def test_a_trainer_of_another_kind_is_refused(world: "World") -> None:
    text = (world.folder / "mood.py").read_text()
    changed = text.replace('labels=("no", "yes")', 'trained_by="./mood.py", labels=("yes", "no")')
    (world.folder / "cross.py").write_text(changed)
    said = errors(
        world.study(('tasks = ["./mood.py", "./search.py"]', 'tasks = ["./mood.py", "./cross.py"]'))
    )
    assert said == [
        "target.tasks: 'cross' is trained by 'mood', which has another family or other labels. "
        "Give the labels in its order: no, yes."
    ]


@pytest.mark.parametrize(
    ("trained_by", "said"),
    [
        ('mod = "./mood.py"', "mod: is no target of the study. Did you mean 'mood'?"),
        ('search = "./mood.py"', "search: is retrieval, which nothing trains. Take it out."),
        ('mood = "mnly"', "mood: 'mood' is trained by 'mnly': no task named 'mnly'. Did you mean 'mnli'?"),
        (
            'mood = "./words.py"',
            "mood: 'mood' is trained by 'words', which has another family or other labels. Name a task of",
        ),
        (
            'mood = "./other.py"',
            "mood: 'other' has no training rows of its own: 'mood' trains it. Name 'mood'.",
        ),
    ],
)
def test_a_trainer_that_the_study_names_must_fit(trained_by: str, said: str, world: "World") -> None:
    text = (world.folder / "mood.py").read_text()
    (world.folder / "other.py").write_text(text.replace('labels=("no"', 'trained_by="mood", labels=("no"'))
    found = errors(world.study(("[target]", f"[target]\ntrained_by = {{ {trained_by} }}")))
    assert len(found) == 1
    assert found[0].startswith(f"target.trained_by.{said}")


def test_broken_task_files_are_told_with_their_path(world: "World") -> None:
    (world.folder / "broken.py").write_text("import nothing_of_the_sort\n")
    (world.folder / "empty.py").write_text("")
    (world.folder / "mnli.py").write_text((world.folder / "mood.py").read_text())
    arms = ["broken", "empty", "absent", "mnli"]
    more = "".join(f'{arm} = ["./{file}.py"]\n' for arm, file in zip("abcd", arms, strict=True))
    said = errors(world.study(("none = []\n", f"none = []\n{more}")))
    folder = world.folder
    assert [line.replace(".py:1: ", ".py: ").split(".py: ", 1)[1].split(".")[0] for line in said[:3]] == [
        "the task file fails: ModuleNotFoundError: No module named 'nothing_of_the_sort', "
        "in `import nothing_of_the_sort`",
        "binds no TASK",
        "no such task file",
    ]
    assert said[0].startswith(f"intermediate.arms.a: {folder}/broken.py:1: ")
    assert said[3] == (
        "intermediate.arms.d: './mnli.py' has the name of a task of the package. Rename the file."
    )


def test_an_unknown_study_is_answered_with_those_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "bundled", lambda: {"lab-quickstart": Path("x")})
    with pytest.raises(StudyError) as raised:
        load("lab-quickstrat")
    assert str(raised.value) == (
        "study 'lab-quickstrat': no study named 'lab-quickstrat'. "
        "Did you mean 'lab-quickstart'? `xstilts studies` lists all; a path ends in .toml."
    )


def test_a_path_that_leads_nowhere(world: "World") -> None:
    path = world.study()
    with pytest.raises(StudyError) as raised:
        load(path.with_name("other.toml"))
    assert str(raised.value) == f"{path.with_name('other.toml')}: no such study file. In this folder: {path}."


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"name = ", ": is not TOML: Invalid value (at end of document). The line is: name ="),
        (
            b"\nname = xlm\n",
            ": is not TOML: Invalid value (at line 2, column 8). The line is: name = xlm -- A text",
        ),
        (
            b"name = 1\nname = 2\n",
            ": is not TOML: Cannot overwrite a value (at line 2, column 9). "
            "name stands in line 1 and again in line 2: leave one out.",
        ),
        (
            b"[target]\n[a]\nx = 1\n[b]\nx = 2\n[target]\n",
            ": is not TOML: Cannot declare ('target',) twice (at line 6, column 8). "
            "[target] stands in line 1 and again in line 6: leave one out.",
        ),
        (
            b'name = "a"\nquestion = "caf\xe9"',
            ":2: is not UTF-8 (invalid continuation byte at byte 15 of the line; "
            "in Latin-1: 'question = \"café\"'). Convert it: iconv",
        ),
        ('name = "a"\n'.encode("utf-16"), ":1: is not UTF-8 but UTF-16. Convert it: iconv -f UTF-16"),
        ('name = "a"\n'.encode("utf-16-le"), ":1: is not UTF-8 but UTF-16. Convert it: iconv -f UTF-16"),
        (
            b"[project]\nname = 1\n",
            ": is no study: it has none of the keys of one. A study is a TOML file with `name`",
        ),
        (b"", ": is no study: it has none of the keys of one. A study is a TOML file with `name`"),
    ],
)
def test_files_that_are_no_study(world: "World", content: bytes, said: str) -> None:
    path = world.folder / "x.toml"
    path.write_bytes(content)
    with pytest.raises(StudyError) as raised:
        load(path)
    assert str(raised.value).startswith(f"{path}{said}"), str(raised.value)


@pytest.mark.parametrize("content", [b"# A study\n\nMine.\n", b"\x89PNG\r\n"])
def test_a_file_of_another_kind_is_told_what_a_study_is(world: "World", content: bytes) -> None:
    path = world.folder / "README.md"
    path.write_bytes(content)
    with pytest.raises(
        StudyError, match=r"is no study\. A study is a TOML file with .*xstilts studies lab-quickstart --copy"
    ):
        load(path)


def test_a_folder_is_told_with_the_studies_in_it(world: "World") -> None:
    path = world.study()
    with pytest.raises(StudyError, match=f"is a folder, no study. In it: {path}"):
        load(world.folder)


@pytest.mark.parametrize("length", [8, 64, 128, 129, 256])
def test_a_length_alone_is_enough(world: "World", length: int) -> None:
    changes = ("max_length = 16\nstride = 4", f"max_length = {length}")
    recipe = load(world.study(changes)).target_recipe("./mood.py")
    assert (recipe.max_length, recipe.stride) == (length, 128 if length > 128 else length // 2)
    assert overridden(recipe, {"max_length": 300}).stride == 128
    assert overridden(recipe.changed(max_length=400, stride=5), {"max_length": 300}).stride == 5


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(world: "World") -> None:
    path = world.study()
    path.chmod(0)
    with pytest.raises(StudyError, match="cannot be read"):
        load(path)


def test_what_is_validated_is_what_stands_in_the_file(world: "World") -> None:
    """The specification of a study can be printed and read again."""
    study = load(world.study())
    again = type(study).model_validate_json(json.dumps(study.model_dump(mode="json")))
    assert again == study.changed(path=again.path)
