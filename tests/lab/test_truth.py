"""The truth table follows from the skills of the tasks."""

from xstilts import tasks as registry
from xstilts.analysis import truth


def test_every_task_of_the_lab_declares_skills() -> None:
    for name in registry.names():
        if name.startswith(truth.PREFIX):
            found = registry.find(name)
            assert found.skills
            assert found.made is not None
            assert f"{truth.PREFIX}{found.made.name}" == name


def test_planted_effects() -> None:
    planted = {(row["intermediate"], row["target"]): row["expected"] for row in truth.table()}
    assert set(planted.values()) == set(truth.EFFECTS)
    for one, other, effect in (
        ("nli", "entail", "help"),
        ("entail", "nli", "help"),
        ("nli", "nli", "help"),
        ("qa", "qa2", "help"),
        ("qa", "entail", "none"),
        ("para", "nli", "none"),
        ("text", "nli", "none"),
        ("ccg", "pos", "harm"),
        ("ccg", "tatoeba", "harm"),
        ("qa", "tatoeba", "harm"),
    ):
        assert planted[f"lab_{one}", f"lab_{other}"] == effect


def test_the_same_task_with_more_data_helps() -> None:
    for row in truth.table():
        if row["intermediate"] == row["target"]:
            assert row["expected"] == "help"


def test_every_effect_has_a_reason() -> None:
    for row in truth.table():
        assert row["reason"] == truth.reason(row["intermediate"], row["target"])
        assert (row["reason"] == "no shared skill") == (row["expected"] == "none")


def test_a_skill_that_harms_is_declared_by_a_task() -> None:
    skills = {skill for name in registry.names() for skill in registry.find(name).skills}
    for trained, needed, _ in truth._HARMS:
        assert {trained, needed} <= skills
