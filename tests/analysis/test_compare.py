"""Measured beside published figures: what is paired, what is not and why; and the shipped figures."""

import json
from dataclasses import replace

import pytest

from xstilts import metrics
from xstilts import tasks as registry
from xstilts.analysis import compare, published
from xstilts.analysis.effects import Effects, Quantity
from xstilts.analysis.findings import Findings
from xstilts.analysis.results import Line
from xstilts.cli import show
from xstilts.data import languages
from xstilts.errors import InputError, InputErrors
from xstilts.metrics.xtreme import XTREME
from xstilts.report.tables import score_grid

HEAD = 'title = "Made up"\nsource = "nobody"\n'
SCORES = """
[[scores]]
model = "a/b"
arm = "{arm}"
target = "{target}"
metric = "{metric}"
status = "confirmed"
{values}
"""


def figures(tmp_path, *entries, text=""):
    path = tmp_path / "made-up.toml"
    blocks = [SCORES.format(arm=arm, target=on, metric=by, values=values) for arm, on, by, values in entries]
    path.write_text(HEAD + "".join(blocks) + text)
    return published.read(str(path))


@pytest.fixture(scope="module")
def effects(world):
    return Effects(world.results)


def test_a_score_is_paired_by_arm_target_language_and_metric(effects, tmp_path):
    asked = figures(
        tmp_path, ("nli", "lab_nli", "accuracy", "languages = { x-ga = 70.0, x-gb = 1.0, de = 2.0 }")
    )
    found = compare.compare(effects, asked)
    first, second = found.pairs
    expected = effects.estimate(Quantity("score", ("x-ga",)), Line("lab-mini", "nli"), "lab_nli")
    assert (first.measured, first.low, first.high) == (expected.value, expected.low, expected.high)
    assert first.difference == pytest.approx(expected.value - 70.0)
    assert first.within == (expected.low <= 70.0 <= expected.high)
    assert second.within is False
    assert (first.backbone, first.arm, first.source) == ("lab-mini", "nli", "nobody")
    shown = dict(score_grid(Findings(effects.results), effects.results.target("lab_nli")).rows)["nli"]
    assert first.shown.split(" ")[0] in [entry.text for entry in shown]
    assert compare.Lone("a/b, nli on lab_nli, accuracy, de", "the study does not evaluate this language") in (
        found.without
    )
    assert compare.Lone("none on lab_nli", "nothing published") in found.without
    assert "nli on lab_nli" not in [one.what for one in found.without]


def test_a_mean_needs_as_many_languages(effects, tmp_path):
    entries = [("none", "lab_ner", "span_f1", f"mean = 50.0\nover = {count}") for count in (8, 9)]
    found = compare.compare(effects, figures(tmp_path, *entries))
    (pair,) = found.pairs
    expected = effects.estimate(Quantity("score", "all"), Line("lab-mini", "none"), "lab_ner")
    assert (pair.language, pair.measured) == ("mean of 8", pytest.approx(expected.value))
    assert compare.Lone(
        "a/b, none on lab_ner, span_f1, mean of 9", "the study evaluates 8 languages, not the same ones"
    ) in (found.without)


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (("none", "xnli", "accuracy", "mean = 1.0\nover = 15"), "no such target in the study"),
        (("qqp", "lab_nli", "accuracy", "mean = 1.0\nover = 8"), "no such arm in the study"),
        (("none", "lab_nli", "span_f1", "mean = 1.0\nover = 8"), "the study measures accuracy"),
    ],
)
def test_what_has_no_counterpart_is_told(effects, tmp_path, entry, why):
    found = compare.compare(effects, figures(tmp_path, entry))
    assert not found.pairs
    assert found.without[0].why == why


def test_what_is_not_measured_yet_is_told(torn_world, tmp_path):
    asked = figures(tmp_path, ("nli", "lab_ner", "span_f1", "mean = 1.0\nover = 8"))
    found = compare.compare(Effects(torn_world.results), asked)
    assert (found.pairs, found.without[0].why) == ((), compare.MISSING)


def test_the_best_arm_is_chosen_on_development_data_of_the_source(world, tmp_path, monkeypatch):
    real = world.store.record
    cells = [cell for cell in world.plan.cells if (cell.arm, cell.target) == ("tags", "lab_pairs")]
    last = {cell.phases[-1] for cell in cells if not cell.reference}

    def record(fingerprint):
        value = 99.0 if fingerprint in last else 50.0
        return dict(real(fingerprint)) | {"source_score": {"lab_pairs": {"value": value}}}

    monkeypatch.setattr(world.store, "record", record)
    entries = [("best", on, by, f"mean = 50.0\nover = {n}") for on, by, n in (
        ("lab_pairs", "accuracy", 8), ("lab_tatoeba", "retrieval_accuracy", 7))]  # fmt: skip
    found = compare.compare(Effects(replace(world).results), figures(tmp_path, *entries))
    assert [one.arm for one in found.pairs] == ["best (tags)"]
    assert found.without[0] == compare.Lone(
        "a/b, best on lab_tatoeba, retrieval_accuracy", "no such arm in the study"
    )


def test_settings_stand_beside_those_of_the_study(effects, tmp_path):
    text = '[[settings]]\ntarget = "{}"\nstatus = "confirmed"\nrecipe = {{ {} }}\n'
    text = text.format("lab_ner", 'epochs = 2, learning_rate = 1, decay = "linear"') + text.format(
        "lab_tatoeba", "max_length = 64"
    )
    found = compare.compare(effects, figures(tmp_path, text=text))
    told = {(one.target, one.setting): (one.published, one.study, one.same) for one in found.choices}
    assert told == {
        ("lab_ner", "epochs"): (2.0, (2.0,), True),
        ("lab_ner", "learning_rate"): (1.0, (7e-4,), False),
        ("lab_ner", "decay"): ("linear", ("linear",), True),
        ("lab_tatoeba", "max_length"): (64.0, (64,), True),
    }


def test_it_is_told_to_machines(effects, tmp_path):
    found = compare.compare(
        effects, figures(tmp_path, ("none", "lab_ner", "span_f1", "mean = 50.0\nover = 8"))
    )
    told = json.loads(json.dumps(found.to_json()))
    assert told["scores"][0]["language"] == "mean of 8"
    assert told["scores"][0]["difference"] == pytest.approx(told["scores"][0]["measured"] - 50.0)
    assert (told["title"], told["source"]) == ("Made up", "nobody")


def test_people_read_tables(effects, tmp_path, capsys):
    text = '[[settings]]\ntarget = "lab_ner"\nstatus = "confirmed"\nrecipe = { learning_rate = 1e-5 }\n'
    asked = figures(tmp_path, ("none", "lab_ner", "span_f1", "mean = 50.0\nover = 8"), text=text)
    found = compare.compare(effects, asked)
    show.compared(found, as_json=False)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["lab_ner", "learning_rate", "1e-05", "0.0007", "no"] in lines
    (pair,) = [line for line in lines if line[0] == "a/b"]
    assert pair[-6:-1] == ["50.0", *found.pairs[0].shown.split(), f"{found.pairs[0].difference:+.1f}"]
    show.compared(found, as_json=True)
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(found.to_json()))


def test_json_is_read_too(tmp_path):
    path = tmp_path / "made-up.json"
    path.write_text('{"title": "Made up", "source": "nobody"}')
    assert published.read(str(path)).title == "Made up"


def test_mistakes_are_told_together(tmp_path):
    text = '[[settings]]\ntarget = "xnli"\nstatus = "confirmed"\nrecipe = { epoch = 2 }\n'
    with pytest.raises(InputErrors) as caught:
        figures(
            tmp_path,
            ("none", "xnli", "accuracy", ""),
            ("none", "xnli", "accuracy", "mean = 1.0\nover = 1\nstatus_ = 1"),
            text=text,
        )
    said = str(caught.value)
    assert "scores.0: states either languages or a mean" in said
    assert "a recipe has no 'epoch'. Did you mean 'epochs'?" in said
    assert "made-up.toml: scores.1.status_: no such key. Did you mean 'status'?" in said


def test_fractions_are_no_percent(tmp_path):
    """Scores of this package are percent; 0.745 of another table would lie 70 points below them."""
    one, other = "languages = { de = 0.745, fr = 0.7 }", "mean = 0.72\nover = 2"
    with pytest.raises(InputErrors, match=r"all scores are below 1, .* in percent"):
        figures(tmp_path, ("none", "xnli", "accuracy", one), ("mnli", "xnli", "accuracy", other))
    low = ("none", "tatoeba", "retrieval_accuracy", "languages = { de = 0.3, fr = 9.0 }")
    assert figures(tmp_path, low).scores[0].languages["de"] == 0.3


def test_an_unknown_name_lists_the_known_ones(tmp_path):
    with pytest.raises(InputError, match=r"Did you mean 'xtreme-baselines'.*There are jiant-xtreme-settings"):
        published.read("xtreme-baseline")
    (tmp_path / "no.toml").write_text("= 1")
    with pytest.raises(InputError, match="cannot be read"):
        published.read(str(tmp_path / "no.toml"))


def test_a_byte_order_mark_is_dropped(tmp_path):
    text = published.shipped()["xtreme-baselines"].read_text()
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8-sig")
    assert published.read(str(tmp_path / "mine.toml")) == published.read("xtreme-baselines")


@pytest.mark.parametrize("name", published.shipped())
def test_shipped_figures_are_of_our_tasks(name):
    found = published.read(name)
    assert found.source
    known = {one.code for one in languages.all_languages()}
    for scores in found.scores:
        own = registry.find(scores.target)
        assert scores.metric in (own.metric, *metrics.beside(own.metric))
        assert set(scores.languages) <= known & set(own.languages)
        assert scores.status == "confirmed" or scores.note
        if scores.over is not None:
            assert set(XTREME[scores.target].languages) <= set(own.languages)
    for setting in found.settings:
        assert setting.target in registry.names()


def test_derived_means_are_those_of_the_languages():
    scores = published.read("retrieval-xlmr-large").scores
    for whole, mean in zip(scores[::2], scores[1::2], strict=True):
        assert sum(whole.languages.values()) / len(whole.languages) == pytest.approx(mean.mean, abs=0.005)
        assert set(whole.languages) == set(XTREME[whole.target].languages)
