"""The truth table follows from the skills of the tasks."""

from xstilts import tasks as registry
from xstilts.analysis import planted


def table() -> list[dict[str, str]]:
    """One row per pair of the lab's tasks that can be trained and of those that are targets."""
    tasks = [registry.find(name) for name in registry.names() if name.startswith(planted.LAB)]
    rows = []
    for one in (task for task in tasks if task.trained_by is None):
        for other in (task for task in tasks if task.family != "masked"):
            effect, reason = planted.expected(one.name, other.name)
            rows.append(
                {"intermediate": one.name, "target": other.name, "expected": effect, "reason": reason}
            )
    return rows


def test_every_task_of_the_lab_declares_skills() -> None:
    for name in registry.names():
        if name.startswith(planted.LAB):
            found = registry.find(name)
            assert found.skills
            assert found.made is not None
            assert f"{planted.LAB}{found.made.name}" == name


def test_planted_effects() -> None:
    found = {(row["intermediate"], row["target"]): row["expected"] for row in table()}
    assert set(found.values()) == set(planted.PLANTED)
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
        assert found[f"lab_{one}", f"lab_{other}"] == effect


def test_the_same_task_with_more_data_helps() -> None:
    for row in table():
        if row["intermediate"] == row["target"]:
            assert row["expected"] == "help"


def test_every_effect_has_a_reason() -> None:
    for row in table():
        assert row["reason"] == planted.expected(row["intermediate"], row["target"])[1]
        assert (row["reason"] == "no shared skill") == (row["expected"] == "none")


def test_a_skill_that_harms_is_declared_by_a_task() -> None:
    skills = {skill for name in registry.names() for skill in registry.find(name).skills}
    for trained, needed, _ in planted._HARMS:
        assert {trained, needed} <= skills
