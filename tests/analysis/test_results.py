"""The tidy table has every cell, in a fixed order; samples are those of the store."""

from dataclasses import replace
from unittest import mock

import numpy as np
import polars as pl
import pytest

from xstilts.analysis.claims import judge
from xstilts.analysis.effects import EFFECT, SCORE, Effects, Quantity
from xstilts.analysis.results import SCHEMA, Line, Results, language, languages_by_family
from xstilts.errors import StoreError
from xstilts.metrics import Metric
from xstilts.study.claim import Claim

from . import example
from .example import LANGUAGES, METRICS, TRANSFER, N, make


def test_the_columns_stand_in_their_order(world):
    table = world.results.table
    assert table.columns == list(SCHEMA)
    assert dict(table.schema) == SCHEMA


def test_every_cell_has_a_row_for_each_language(world):
    table = world.results.table
    counted = table.group_by("arm", "reference", "target", "seed").len()
    assert counted.height == len(world.plan.cells)
    assert counted.filter(target="lab_tatoeba")["len"].unique().to_list() == [len(TRANSFER)]
    assert counted.filter(target="lab_nli")["len"].unique().to_list() == [len(LANGUAGES)]


def test_values_are_those_of_the_store(world):
    row = world.results.table.filter(arm="nli", target="lab_nli", language="x-ga", seed=2).row(0, named=True)
    scores = world.store.scores(row["fingerprint"])["languages"]["x-ga"]
    assert (row["value"], row["n"]) == (scores["value"], scores["n"])
    assert (row["metric"], row["family"], row["language_family"]) == ("accuracy", "classification", "Lab G")


def test_languages_seen_with_labels_are_marked(world):
    seen = world.results.table.filter(pl.col("seen_with_labels"))
    assert set(seen["language"]) == {"x-en"}
    assert world.results.table.filter(reference="majority")["seen_with_labels"].any() is False


def test_missing_cells_have_rows_without_values(torn_world):
    table = torn_world.results.table
    missing = table.filter(arm="nli", target="lab_ner", reference="arm")
    assert missing["value"].is_null().all()
    assert missing["language"].to_list() == list(LANGUAGES)
    assert len(torn_world.results.missing) == 2


def test_the_order_is_that_of_the_plan(world):
    again = Results(world.plan, world.store)
    assert again.table.equals(world.results.table)
    cells = (
        world.results.table.select("arm", "reference", "target", "seed").unique(maintain_order=True).rows()
    )
    planned = [(cell.arm or "-", cell.reference or "arm") for cell in world.plan.cells]
    assert [cell[:2] for cell in cells] == planned
    assert [cell[2:] for cell in cells] == [(cell.target, cell.seed) for cell in world.plan.cells]


def test_a_sample_has_all_seeds_and_the_stored_score(world):
    results = world.results
    sample = results.score(Line("lab-mini", "nli"), "lab_nli", ("x-ga",))
    stored = results.table.filter(arm="nli", target="lab_nli", language="x-ga").sort("seed")["value"]
    assert sample.seeds == (1, 2, 3)
    assert sample.observed == pytest.approx(stored.to_numpy())
    assert np.abs(sample.draws.mean(axis=0) - sample.observed).max() < 1  # resamples scatter around the score


@pytest.fixture(scope="module")
def trained_once(world):
    """As if `nli` had been trained once for all seeds; retrieval asks `none` as it was bought."""
    first = {
        (cell.arm, cell.target): cell for cell in world.plan.cells if cell.seed == 1 and not cell.reference
    }

    def shared(cell):
        if cell.reference or cell.arm not in ("none", "nli"):
            return cell
        one = first[cell.arm, cell.target]
        if cell.target == "lab_tatoeba":
            return replace(cell, evaluation=one.evaluation, phases=one.phases)
        return replace(cell, phases=(*one.phases[:-1], *cell.phases[-1:]))

    return Results(replace(world.plan, cells=tuple(map(shared, world.plan.cells))), world.store)


def test_evaluations_that_are_the_same_step_are_one_draw(trained_once):
    """Neither is measured three times; the seeds of the other arm are compared with what is known."""
    effects = Effects(trained_once)
    none, nli, tags = (Line("lab-mini", arm) for arm in ("none", "nli", "tags"))
    for line in (none, nli):
        sample = effects.sample(SCORE, line, ("lab_tatoeba",))
        assert sample.is_fixed
        assert sample.draws.shape[1] == 1
        assert effects.estimate(SCORE, line, "lab_tatoeba").seeds == 1
    assert effects.estimate(EFFECT, nli, "lab_tatoeba").seeds == 1
    compared = effects.sample(EFFECT, tags, ("lab_tatoeba",))
    assert compared.seeds == (1, 2, 3)
    assert set(compared.by_source) == {" ".join(tags)}
    plain = effects.sample(SCORE, tags, ("lab_tatoeba",)).observed
    assert compared.observed == pytest.approx(plain - effects.sample(SCORE, none, ("lab_tatoeba",)).observed)


def test_three_seeds_may_rest_on_one_intermediate_training(trained_once, world):
    line = Line("lab-mini", "nli")
    for target, seeds in (("lab_nli", 3), ("lab_ner", 3), ("lab_tatoeba", 1)):
        estimate = Effects(trained_once).estimate(EFFECT, line, target)
        assert (estimate.seeds, estimate.chains) == (seeds, 1)
        estimate = Effects(world.results).estimate(EFFECT, line, target)
        assert (estimate.seeds, estimate.chains) == (3, 3)
    over_both = Effects(trained_once).estimate(EFFECT, line, "lab_nli", "lab_tatoeba")
    assert (over_both.seeds, over_both.chains) == (3, 1)
    assert Effects(trained_once).estimate(SCORE, Line("lab-mini", "none"), "lab_nli").chains is None
    claims = Claim(says="helps", arms=("nli",), targets=("lab_nli",)), Claim(says="helps", arms=("tags",))
    study = trained_once.plan.study.changed(claims=claims)
    once, own = judge(Effects(Results(replace(trained_once.plan, study=study), world.store)))
    assert once.evidence == (
        "Difference on lab_nli (7 languages, 3 seeds, one intermediate training), nli − none."
    )
    assert (once.n_chains, own.n_chains) == (1, 3)
    assert "one intermediate training" not in own.evidence


def test_lines_that_ask_the_same_models_are_one_source(world):
    """As a control does: its difference is taken seed by seed."""
    sources = world.results.sources
    assert len({sources[line] for line in world.results.lines}) == len(world.results.lines)
    controls = tuple(replace(cell, reference="text-only") for cell in world.plan.cells if cell.arm == "nli")
    results = Results(replace(world.plan, cells=world.plan.cells + controls), world.store)
    control, nli = Line("lab-mini", "nli", "text-only"), Line("lab-mini", "nli")
    assert results.sources[control] == results.sources[nli] != results.sources[Line("lab-mini", "none")]
    found = Effects(results).estimate(Quantity("difference", against="text-only"), nli, "lab_ner")
    assert (found.low, found.high) == (0, 0)  # the same answers


def test_translations_are_resampled_together(world):
    """The majority reference answers translations alike; here the same items are easy in all languages."""
    results = world.results
    one, other = (results.score(Line("lab-mini", "none"), "lab_ner", (code,)) for code in ("x-ga", "x-ra"))
    together = np.corrcoef(one.draws[:, 0], other.draws[:, 0])[0, 1]
    assert together > 0.1


def test_no_mean_is_taken_over_what_happens_to_be_there(torn_world):
    results = torn_world.results
    assert results.score(Line("lab-mini", "nli"), "lab_ner", ("x-ga",)) is None
    assert results.score(Line("lab-mini", "nli"), "lab_nli", ("x-ga", "fi")) is None
    assert results.score(Line("lab-mini", "nli"), "lab_nli", ()) is None


def test_a_damaged_file_is_named(tmp_path):
    world = make(tmp_path, (1,))
    folder = world.store.folder(world.plan.cells[0].evaluation)
    (folder / "predictions.parquet").write_bytes(b"no parquet")
    with pytest.raises(StoreError, match=r"predictions.parquet: is damaged"):
        world.results.score(Line("lab-mini", "none"), "lab_nli", ("x-ga",))


def test_targets_know_their_source(world):
    targets = {target.name: target for target in world.results.targets}
    assert list(targets) == list(METRICS)
    assert targets["lab_nli"].source == "x-en"
    assert targets["lab_nli"].transfer == TRANSFER
    assert targets["lab_tatoeba"].source == ""
    assert not targets["lab_tatoeba"].has_gap
    assert targets["lab_nli"].select(("x-ia", "x-ga", "fi")) == ("x-ga", "x-ia")


def test_languages_of_a_users_task_need_no_table():
    assert language("tlh").name == "tlh"
    assert language("fi").family == "Uralic"
    assert [one.code for one in languages_by_family(("en", "fi", "de", "et"))] == ["en", "de", "fi", "et"]


def test_n_is_counted_once(world):
    assert world.results.table["n"].unique().to_list() == [N]


def test_where_resamples_do_not_differ_nothing_is_known(tmp_path):
    """20 of 20 right by a metric that does not say what a wrong answer adds: any score is as likely."""
    with mock.patch.object(example, "N", 20):
        world = example.make(tmp_path, (1, 2))
    results = world.results
    (target,) = [one for one in results.targets if one.name == "lab_nli"]
    own = Metric("own", target.measure.statistics, lambda sums: 100.0 + 0 * sums[..., 0])
    changed = replace(target, own=own)
    results.__dict__["targets"] = tuple(changed if one is target else one for one in results.targets)
    found = Effects(results).estimate(Quantity("score"), Line("lab-mini", "none"), "lab_nli")
    assert (found.value, found.high) == (100, 100)
    assert found.low < 80  # the mean of seven languages
    both = Effects(results).estimate(Quantity("difference"), Line("lab-mini", "nli"), "lab_nli")
    assert both.low < -20 < 20 < both.high
