"""A few inputs of every target, always the same; `python tests/fuzz` tries others, as many as one likes."""

import importlib.util
import re
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
import sandbox
from guided import Told
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from targets import TARGETS, Target

from xstilts.errors import DataError
from xstilts.plain import parse_json, parse_toml

INPUTS = {"study": 40, "plan": 40}
USUAL = 120


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_inputs_end_in_a_result_or_in_an_error_of_ours(target: Target, tmp_path: Path) -> None:
    wrong = target.prepare(tmp_path)
    kinds = set()
    for number in range(INPUTS.get(target.name, USUAL)):
        found = sandbox.attempt(wrong(Random(f"{target.name} test {number}")), tmp_path)
        assert found.kind != "fault", f"input {number}: {found.what}\n{found.trace}"
        kinds.add(found.kind)
    assert kinds == {"result", "error"}, "inputs that are all alike try nothing"


def test_only_what_an_input_does_counts(tmp_path: Path) -> None:
    outside, inside = tmp_path / "file", tmp_path / "folder"
    inside.mkdir()
    begin, done = threading.Event(), threading.Event()

    def write() -> None:
        begin.wait()
        outside.touch()
        done.set()

    before = threading.Thread(target=write)
    before.start()
    assert sandbox.attempt(lambda: begin.set() or done.wait(), inside).kind == "result", "another's thread"
    before.join()

    def begun() -> None:
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()

    assert sandbox.attempt(begun, inside).what.startswith("does what it may not")


def test_a_guided_input_is_made_of_what_it_is_told() -> None:
    def numbers(told: bytes) -> list[object]:
        rng = Told(told)
        return [rng.randrange(200), rng.random(), rng.choice("abcdefgh"), rng.randbytes(4), rng.random()]

    told = Random(0).randbytes(20)
    assert numbers(told) == numbers(told)
    assert numbers(bytes(20)) == [0, 0.0, "a", bytes(4), 0.0]
    changed = [one == other for one, other in zip(numbers(told), numbers(told[:-1] + b"?"), strict=True)]
    assert all(changed[:3]), "what comes later does not change what came before"
    assert numbers(b"") == numbers(b""), "what is too short is made longer, always in the same way"


@given(st.text() | st.text(alphabet='[]{}",:.\\ud8c019eE+-='))
@settings(max_examples=200, derandomize=True, database=None, deadline=None)
def test_texts_are_plain_values_or_errors_of_syntax(text: str) -> None:
    for parse in (parse_json, parse_toml):
        try:
            value = parse(text)
        except ValueError as error:
            assert type(error).__name__ in ("JSONDecodeError", "TOMLDecodeError")
        else:
            repr(value).encode()


@pytest.mark.parametrize(
    "target", [one for one in TARGETS if one.name in ("hub", "published")], ids=lambda one: one.name
)
@given(rng=st.randoms(use_true_random=False))
@settings(
    max_examples=40,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_what_fails_is_made_smaller(target: Target, rng: Random, tmp_path: Path) -> None:
    found = sandbox.attempt(target.prepare(tmp_path)(rng), tmp_path)
    assert found.kind != "fault", f"{found.what}\n{found.trace}"


# The sandbox itself


def _hang() -> None:
    while True:
        pass


def _tell() -> None:
    raise DataError("here", "is wrong.")


OUTSIDE = "outside"


@pytest.mark.parametrize(
    ("run", "kind", "what"),
    [
        (lambda folder: 1 / 0, "fault", "ZeroDivisionError"),
        (lambda folder: (folder.parent / OUTSIDE).write_text("x"), "fault", "does what it may not: open"),
        (lambda folder: (folder.parent / OUTSIDE).mkdir(), "fault", "does what it may not: os.mkdir"),
        (lambda folder: (folder / "inside").write_text("x"), "result", ""),
        (lambda folder: _hang(), "fault", "HangError"),
        (lambda folder: _tell(), "error", ""),
    ],
)
def test_the_sandbox_sees(
    run: Callable[[Path], object], kind: str, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "CPU_SECONDS", 0.1)
    folder = tmp_path / "folder"
    folder.mkdir()
    found = sandbox.attempt(lambda: run(folder), folder)
    assert (found.kind, found.what[: len(what)]) == (kind, what)


# The long run


FAKE = """
import json, os, sys
first, last = map(int, sys.argv[sys.argv.index("--serve") + 1].split(":"))
for number in range(first, last):
    print(json.dumps({"at": number}), flush=True)
    if number == 1:
        os._exit(9)
    kind = "fault" if number == 3 else "result"
    trace = 'File "/x/xstilts/task.py", line 7, in find'
    print(json.dumps({"number": number, "kind": kind, "seconds": 0.5, "what": "KeyError: 1", "trace": trace}))
"""


def test_a_process_that_dies_is_a_fault_and_not_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = importlib.util.spec_from_file_location("long_run", Path(__file__).with_name("__main__.py"))
    assert spec is not None and spec.loader is not None
    run = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "long_run", run)
    spec.loader.exec_module(run)
    run.__file__ = str(tmp_path / "fake.py")
    (tmp_path / "fake.py").write_text(FAKE)
    monkeypatch.setattr(sys, "argv", ["fuzz", "rows", "--inputs", "5"])
    assert run.main() == 1
    told = capsys.readouterr().out
    assert re.search(r"rows +5 +3 +0 +2 ", told)
    assert "rows 1 (and 0 more): the process died (exit status 9)" in told
    assert 'rows 3 (and 0 more): KeyError task.py", line 7, in find' in told
