"""Arms: what is wrong with them, and what of them becomes part of a phase's identity."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from xstilts.errors import InputErrors
from xstilts.study.load import load
from xstilts.study.phase import Phase
from xstilts.study.plan import plan
from xstilts.study.use import Mixture

if TYPE_CHECKING:
    from conftest import World

ARM = 'mood = ["./mood.py"]'
HERE = "intermediate.arms.mood"
OTHER = "intermediate.arms.other"


def written(world: "World", arm: str) -> Path:
    return world.study((ARM, f"{ARM}\nother = {arm}"))


@pytest.mark.parametrize(
    ("arm", "said"),
    [
        (
            '{ tasks = ["./mood.py"], mixing = "uniform" }',
            f"{OTHER}.mixing: mixes nothing: the arm has one task or none. Leave it out.",
        ),
        (
            '{ tasks = ["./mood.py", "./tone.py"], mixing = "even" }',
            f"{OTHER}.mixing: must be one of 'size', 'uniform', got 'even'.",
        ),
        (
            '{ tasks = ["./mood.py", "./tone.py"], mixing = { limit = 5, temperature = 2.0 } }',
            f"{OTHER}.mixing: needs exactly one of `limit`, `temperature` and `shares`.",
        ),
        (
            '{ tasks = ["./mood.py", "./tone.py"], mixing = { shares = { mood = 0.5, tone = 0.6 } } }',
            f"{OTHER}.mixing.shares: must sum to 1, got 1.1.",
        ),
        (
            '{ tasks = ["./mood.py", "./tone.py"], mixing = { shares = { mood = 1.0 } } }',
            f"{OTHER}.mixing.shares: has no share of 'tone'. Give every task of the arm one.",
        ),
        (
            '{ tasks = ["./mood.py", "./words.py"], mixing = "uniform" }',
            f"{OTHER}.mixing: 'words' is masked text, which has no share among labelled tasks. "
            'Write replay = { tasks = ["words"], share = 0.5 }.',
        ),
        (
            '{ tasks = ["./words.py"], replay = { tasks = ["./words.py"] } }',
            f"{OTHER}.replay.tasks: 'words' is a task of the arm already. Take it out of one of them.",
        ),
        (
            '{ tasks = ["./mood.py"], replay = { tasks = ["./tone.py"] } }',
            f"{OTHER}.replay.tasks: 'tone' is no masked text. Put it into the tasks of the arm.",
        ),
        (
            '{ tasks = ["./mood.py"], replay = { tasks = ["./words.py"], share = 1.0 } }',
            f"{OTHER}.replay.share: must be less than 1, got 1.0.",
        ),
        (
            '{ tasks = ["./mood.py"], examples = 1.5 }',
            f"{OTHER}: `examples` is a whole number, or a fraction up to 1.0; got 1.5.",
        ),
        (
            '{ tasks = ["./mood.py"], languages = { en = 0.5, de = 0.5 } }',
            f"{OTHER}.languages: are shares of a fixed number of examples, which is missing. "
            "Write examples = 10_000.",
        ),
        (
            '{ tasks = ["./mood.py"], languages = { en = 0.5, de = 0.4 }, examples = 5 }',
            f"{OTHER}.languages: must sum to 1, got 0.9.",
        ),
        (
            '{ tasks = ["./mood.py"], languages = { en = 0.5, "family:Turkish" = 0.5 }, examples = 5 }',
            f"{OTHER}.languages: no language family named 'Turkish'. Did you mean 'Turkic'?",
        ),
        (
            '{ tasks = ["./mood.py"], translated = true }',
            f'{OTHER}.languages: is missing: into which languages? Write languages = ["de"].',
        ),
    ],
)
def test_what_is_wrong_with_an_arm_is_told(tone: "World", arm: str, said: str) -> None:
    path = written(tone, arm)
    with pytest.raises(InputErrors) as raised:
        load(path)
    assert said in str(raised.value)


@pytest.fixture
def tone(world: "World") -> "World":
    world.task("tone", family="classification", example="Pair", metric="accuracy",
               row='Pair(line, None, "good")', facts='labels=("good", "bad"),')  # fmt: skip
    return world


@pytest.mark.parametrize(
    ("mixing", "mixture"),
    [
        ("", None),
        (', mixing = "size"', None),
        (', mixing = "uniform"', Mixture(rule="uniform")),
        (", mixing = { limit = 5 }", Mixture(rule="limit", limit=5)),
        (", mixing = { temperature = 2.0 }", Mixture(rule="temperature", temperature=2.0)),
        (
            ', mixing = { shares = { "./tone.py" = 0.25, mood = 0.75 } }',
            Mixture(rule="shares", shares=(0.75, 0.25)),
        ),
        (', replay = { tasks = ["./words.py"] }', Mixture(replay=0.5)),
    ],
)
def test_the_mixture_of_a_phase(tone: "World", mixing: str, mixture: Mixture | None) -> None:
    phase = trained(written(tone, f'{{ tasks = ["./tone.py", "./mood.py"]{mixing} }}'))
    assert phase.mixture == mixture
    assert [use.task for use in phase.uses if use.family != "masked"] == ["mood", "tone"]


def trained(path: Path) -> Phase:
    """The intermediate phase of the arm `other`."""
    found = plan(load(path))
    cell = next(cell for cell in found.cells if cell.arm == "other")
    phase = found.by_fingerprint[cell.phases[0]].specification
    assert isinstance(phase, Phase)
    return phase


def mood(world: "World", fields: str) -> Phase:
    return trained(written(world, f'{{ tasks = ["./mood.py"], {fields} }}'))


def test_shares_of_languages_and_families(world: "World") -> None:
    for code in ("de", "fr"):
        (world.folder / f"mood-train-{code}.tsv").write_text("text\tno\n")
    (use,) = mood(world, 'examples = 8, languages = { en = 0.5, "family:Indo-European" = 0.5 }').uses
    assert (use.languages, use.shares, use.examples) == (("de", "en", "fr"), (0.25, 0.5, 0.25), 8)
    (use,) = mood(world, "examples = 8, languages = { en = 0.5, de = 0.5, fr = 0.0 }").uses
    assert (use.languages, use.shares) == (("de", "en"), (0.5, 0.5))
    with pytest.raises(InputErrors, match="there are no train rows of 'mood' in a language of Turkic"):
        mood(world, 'examples = 8, languages = { en = 0.5, "family:Turkic" = 0.5 }')


def test_a_fraction_and_a_cap(world: "World") -> None:
    (half,) = mood(world, "examples = 0.5").uses
    assert (half.examples, half.fraction) == (None, 0.5)
    (five,) = mood(world, "examples = 5").uses
    assert (five.examples, five.fraction) == (5, None)


def test_replay_reads_all_languages_unless_told(world: "World") -> None:
    phase = mood(world, 'replay = { tasks = ["./words.py"], languages = ["fr"], examples = 2 }')
    text = next(use for use in phase.uses if use.family == "masked")
    assert (text.languages, text.examples) == (("fr",), 2)
    text = next(
        use for use in mood(world, 'replay = { tasks = ["./words.py"] }').uses if use.family == "masked"
    )
    assert text.languages == ("de", "en", "fr")


def test_a_claimed_value_goes_with_equality(world: "World") -> None:
    with pytest.raises(
        InputErrors, match=r'claims\[1\].about: goes with the relation "=" only. Write `margin`'
    ):
        load(world.study(('says = "Mood helps"', 'says = "Mood helps"\nabout = 3.0')))


def test_origins_are_of_settings_in_the_file(world: "World") -> None:
    origins = '[origins]\n"intermediate.recipe.updates" = "ours"\n"intermediate.recipe.warmup" = "theirs"\n\n'
    with pytest.raises(InputErrors) as raised:
        load(world.study(("[backbones.scratch]", f"{origins}[backbones.scratch]")))
    (line,) = str(raised.value).splitlines()
    assert line.endswith(
        "origins.intermediate.recipe.warmup: the study does not state 'intermediate.recipe.warmup'. "
        "There are updates, max_length, stride."
    )
