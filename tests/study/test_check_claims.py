"""Axes and claims that say nothing, or speak of what the study does not measure, are refused."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from xstilts.data import typology
from xstilts.errors import InputErrors
from xstilts.study.load import load
from xstilts.study.study import Axis

if TYPE_CHECKING:
    from conftest import World

ARMS = 'a = { tasks = ["./mood.py"], examples = 1 }\nb = { tasks = ["./mood.py"], examples = 2 }\n'
AXIS = '[[axes]]\nname = "size"\nscale = "log"\narms = { a = 1, b = 2, mood = 4 }\n'
LONG = '[[axes]]\nname = "size"\nscale = "log"\narms = { a = 1, b = 2, c = 3, d = 4, mood = 5 }\n'
MORE = ARMS + "".join(
    f'{arm} = {{ tasks = ["./mood.py"], examples = {n} }}\n' for arm, n in (("c", 3), ("d", 4))
)
SLOPE = 'axis = "size"\nquantity = "slope_over_axis"'
CLAIM = 'arms = ["mood"]\ntargets = ["mood"]'


def study(world: "World", axis: str, claim: str, arms: str = ARMS) -> Path:
    """A study file with more arms, axes, and the text of its only claim but for `says`."""
    changes = (
        ("none = []\n", f"none = []\n{arms}"),
        ("[[claims]]", f"{axis}[[claims]]"),
        (CLAIM, claim),
    )
    return world.study(*changes)


def errors(path: Path) -> list[str]:
    with pytest.raises(InputErrors) as raised:
        load(path)
    return [line.removeprefix(f"{path}: ") for line in str(raised.value).splitlines()]


GOOD = {
    "slope": (AXIS, SLOPE),
    "slope of a difference": (AXIS, f'{SLOPE}\nof = "difference"\nagainst = ["none", "majority"]'),
    "slope of a group": (AXIS + 'group = { a = "x" }\n', f'{SLOPE}\ngroup = "x"'),
    "fit": (LONG, 'axis = "size"\nquantity = "fit_advantage"'),
    "best": ("", 'quantity = "best_difference"\narms = ["a", "mood"]'),
    "several opponents": ("", 'arms = ["mood"]\nagainst = ["a", "b", "random"]'),
    "targets": ("", 'arms = ["mood"]\ntargets = ["mood"]\nagainst_targets = ["search"]'),
    "families": ("", 'arms = ["mood"]\nlanguages = ["family:Indo-European"]\nagainst_languages = "source"'),
    "how sure": ("", 'arms = ["mood"]\nof = "brier_score"\ntargets = ["mood"]'),
    "how sure over an axis": (AXIS, f'{SLOPE}\nof = "selective_accuracy"\ntargets = ["mood"]'),
    "others": ("", 'arms = ["mood"]\nlanguages = ["fr"]\nagainst_languages = "others"'),
}


@pytest.mark.parametrize("name", GOOD)
def test_good_claims(world: "World", name: str) -> None:
    assert len(load(study(world, *GOOD[name], MORE)).claims) == 1


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "size"\n', "", "axes[1].name: is missing. Say what the numbers are."),
        (
            AXIS,
            AXIS + AXIS,
            "axes[2].name: a second axis named 'size'. Rename one.",
        ),
        ('"log"', '"lg"', "axes[1].scale: must be one of 'linear', 'log', got 'lg'. Did you mean 'log'?"),
        ("arms =", "arm =", "axes[1].arm: no such key. Did you mean 'arms'?"),
        (
            "arms = { a = 1, b = 2, mood = 4 }\n",
            "",
            "axes[1].arms: is missing. Write arms = { NAME = NUMBER, ... }.",
        ),
        ("mood = 4", "mod = 4", "axes[1].arms.mod: no arm named 'mod'. Did you mean 'mood'?"),
        ("a = 1", 'a = "1"', "axes[1].arms.a: must be a number, got '1'."),
        (
            "a = 1",
            "a = 0",
            "axes[1].arms.a: must be greater than 0 on a logarithmic scale, got 0. "
            'Take the arm out, or write scale = "linear".',
        ),
        (
            "a = 1, b = 2, mood = 4",
            "a = 1, b = 1",
            "axes[1].arms: the arms all have the same value. An axis needs two different ones.",
        ),
        (
            "mood = 4 }",
            'mood = 2 }\ngroup = { a = "x", b = "y", mood = "y" }',
            "axes[1].arms: the arms of the group 'x' all have the same value. "
            "An axis needs two different ones.",
        ),
        (
            "mood = 4 }",
            'mood = 4 }\ngroup = { moody = "x" }',
            "axes[1].group.moody: the axis has no arm named 'moody'. Did you mean 'mood'?",
        ),
        (
            "mood = 4 }",
            'mood = 4 }\ngroup = { a = "" }',
            "axes[1].group.a: the name of a group is empty. Leave the arm out: it joins every group.",
        ),
    ],
)
def test_a_wrong_axis(world: "World", old: str, new: str, said: str) -> None:
    assert old in AXIS
    assert said in errors(study(world, AXIS.replace(old, new), CLAIM))


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        # axes
        ('quantity = "slope_over_axis"', "axis: is missing. There are size."),
        ('axis = "sise"\nquantity = "slope_over_axis"', "axis: no axis named 'sise'. Did you mean 'size'?"),
        (f'{SLOPE}\narms = ["a"]', "arms: are those of the axis. Take it out."),
        (f'{SLOPE}\ngroup = "x"', "group: no group named 'x'. The axis has none."),
        (
            f'{CLAIM}\naxis = "size"',
            "axis: belongs to the quantities slope_over_axis and fit_advantage only. Take it out.",
        ),
        (
            f'{CLAIM}\ngroup = "x"',
            "group: belongs to the quantities slope_over_axis and fit_advantage only. Take it out.",
        ),
        (
            f'{CLAIM}\nof = "gap"',
            "of: belongs to the quantities slope_over_axis and fit_advantage only. Take it out.",
        ),
        (
            'axis = "size"\nquantity = "fit_advantage"',
            "axis: 3 different values cannot tell one curve from another. Give it 5 or more.",
        ),
        (
            f'{SLOPE}\nof = "fit_advantage"',
            "of: must be one of 'score', 'difference', 'gain_over_random', 'gap', 'gap_difference', "
            "'retention', 'slope_with_distance', 'slope_difference', 'calibration_error', 'brier_score', "
            "'selective_accuracy', 'syntax', 'phonology', 'inventory', 'genealogy', 'geography', 'script', "
            "'resources', 'fertility', 'vocabulary', got 'fit_advantage'.",
        ),
        # what it is of
        (
            'arms = ["mood"]\nquantity = "retention"\nof = "brier_score"',
            "of: the quantity retention is of scores only. Take it out.",
        ),
        (
            'arms = ["mood"]\nof = "calibration_error"\ntargets = ["search"]',
            "of: answers of 'search' have no calibration_error. "
            "Name targets of the kinds classification, choice, tagging, visual.",
        ),
        (
            'arms = ["mood"]\nof = "script"',
            "of: the quantity difference is over no distance. "
            "Write quantity = 'slope_with_distance' or 'slope_difference'.",
        ),
        (
            f'{SLOPE}\nof = "script"',
            "of: the quantity slope_over_axis is over no distance. "
            "Write quantity = 'slope_with_distance' or 'slope_difference'.",
        ),
        (
            'arms = ["mood"]\nquantity = "slope_with_distance"\nof = "script"\ntargets = ["mood"]',
            "of: a slope needs 5 languages of 4 families; 'mood' has a distance of this kind for 2 of 1. "
            "Name other targets, languages or another distance.",
        ),
        (
            'arms = ["mood"]\nquantity = "slope_with_distance"\ntargets = ["mood"]',
            "of: is missing: only the languages of the lab have a planted distance. Name one of syntax, "
            "phonology, inventory, genealogy, geography, script, resources, fertility, vocabulary.",
        ),
        # what is compared
        (
            f'{SLOPE}\nof = "difference"\nagainst = "a"',
            "against: compares the arm 'a' with itself. Name an arm that is not on the axis.",
        ),
        (f'{SLOPE}\nagainst = "a"', "against: the quantity score compares with nothing. Take it out."),
        (
            'arms = ["mood"]\nquantity = "gap"\nagainst = ["a"]',
            "against: the quantity gap compares with nothing. Take it out.",
        ),
        (
            'arms = ["mood"]\nagainst = []',
            "against: names nothing to compare with. Leave the key out to compare with `none`.",
        ),
        (
            'arms = ["mood"]\nagainst = ["a", "none", "a"]',
            "against: names 'a' more than once. Remove the others.",
        ),
        ('arms = ["mood"]\nagainst = ["nono"]', "against: no arm named 'nono'. Did you mean 'none'?"),
        (
            'arms = ["a", "mood"]\nagainst = ["none", "mood"]',
            "against: compares the arm 'mood' with itself. Take it out of `arms`.",
        ),
        (
            'arms = ["a"]\nquantity = "gain_over_random"',
            "quantity: the arm 'a' is not measured with random weights. Add it: random_arms = [..., 'a'].",
        ),
        (
            'arms = ["mood"]\nquantity = "gain_over_random"\nagainst = ["none", "random"]',
            "against: is a difference of arms; 'random' is a reference. Name an arm.",
        ),
        # the best
        (
            'arms = ["mood"]\nquantity = "best_difference"',
            "arms: the best of one arm is no choice. Name several.",
        ),
        (
            'arms = ["a", "b"]\nquantity = "best_difference"\n'
            'targets = ["mood"]\nagainst_targets = ["search"]',
            "against_targets: does not go with best_difference. Take it out.",
        ),
        (
            'arms = ["a", "b"]\nquantity = "best_difference"\nagainst_languages = "source"',
            "against_languages: does not go with best_difference. Take it out.",
        ),
        # targets
        (
            f'{CLAIM}\nagainst_targets = ["serch"]',
            "against_targets: no target named 'serch'. Did you mean 'search'?",
        ),
        (
            f"{CLAIM}\nagainst_targets = []",
            "against_targets: names no target. Leave the key out to subtract nothing.",
        ),
        (
            'arms = ["mood"]\nagainst_targets = ["search"]',
            "against_targets: needs `targets`, from which it is subtracted. Name them.",
        ),
        (
            f'{CLAIM}\nagainst_targets = ["mood"]',
            "against_targets: compares the target 'mood' with itself. Take it out of one list.",
        ),
        # languages
        (
            f'{CLAIM}\nlanguages = ["family:Indoeuropean"]',
            "languages: no language family named 'Indoeuropean'. Did you mean 'Indo-European'?",
        ),
        (
            f'{CLAIM}\nlanguages = ["family:Turkic"]',
            "languages: none of the tasks has a language of the family 'Turkic'. They have Indo-European.",
        ),
        (
            f'{CLAIM}\nagainst_languages = ["sw"]',
            "against_languages: none of the tasks has the language 'sw'. They have de, en, fr.",
        ),
        (
            f'{CLAIM}\nagainst_languages = "transfer"',
            "against_languages: subtracts from the languages what they are. Name others.",
        ),
        (
            f'{CLAIM}\nagainst_languages = "others"',
            "against_languages: 'others' are those that a list of `languages` leaves out. "
            "Name some languages or families there.",
        ),
        (
            f'{CLAIM}\nagainst_languages = "other"',
            "against_languages: must be one of 'source', 'transfer', 'all', 'others', got 'other'. "
            "Did you mean 'others'?",
        ),
        (
            f"{CLAIM}\nlanguages = []",
            "languages: an empty grid: no language. Leave the key out to take all.",
        ),
    ],
)
def test_a_wrong_claim(world: "World", claim: str, said: str) -> None:
    assert errors(study(world, AXIS, claim)) == [f"claims[1].{said}"]


def test_the_arms_of_an_axis_need_random_weights_too(world: "World") -> None:
    said = errors(study(world, AXIS, f'{SLOPE}\nof = "gain_over_random"'))
    assert [line.split(" is not")[0] for line in said] == [
        f"claims[1].quantity: the arm '{arm}'" for arm in ("a", "b", "mood")
    ]


def test_curves_are_told_apart_on_a_logarithmic_axis_only(world: "World") -> None:
    claim = 'axis = "size"\nquantity = "fit_advantage"'
    said = errors(study(world, LONG.replace('"log"', '"linear"'), claim, MORE))
    assert said == ["claims[1].axis: 'size' is not logarithmic. Write scale = \"log\" there."]


def test_a_claim_on_an_axis_needs_one(world: "World") -> None:
    assert errors(study(world, "", SLOPE)) == ["claims[1].axis: no axis named 'size'. Write [[axes]]."]


def test_arms_without_a_group_belong_to_every_curve() -> None:
    axis = Axis(name="share", arms={"en": 0.0, "g": 50.0, "r": 50.0}, group={"g": "Lab G", "r": "Lab R"})
    assert axis.groups == ("Lab G", "Lab R")
    assert axis.curve("Lab R") == {"en": 0.0, "r": 50.0}
    assert axis.curve() == axis.arms


def test_distances_that_a_package_tells_need_it(world: "World", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typology, "PACKAGE", "no_such_package_as_this")
    claim = 'arms = ["mood"]\nquantity = "slope_with_distance"\nof = "syntax"\ntargets = ["mood"]'
    told = "the distance 'syntax' needs the package no_such_package_as_this, which is not there. "
    told += "Install it: pip install 'xstilts[typology]'."
    assert f"claims[1].of: {told}" in errors(study(world, "", claim))
    named = world.study(("[backbones.scratch]", 'distances = ["script", "syntax"]\n[backbones.scratch]'))
    assert errors(named) == [f"distances[2]: {told}"]


def test_distances_are_named_once(world: "World") -> None:
    twice = world.study(("[backbones.scratch]", 'distances = ["script", "script"]\n[backbones.scratch]'))
    assert errors(twice) == ["distances[2]: names 'script' twice. Take one out."]
