"""The one loss against each family's own; padding and company, which move nothing."""

import numpy as np
import pytest
import torch
from toybox import OF_FAMILY, SHAPE, encoded, whole

from xstilts.compute import model as models
from xstilts.compute.data import collate

# The loss


def test_the_loss_of_labels_tags_and_hidden_tokens_is_the_mean_over_reads(model: models.Model) -> None:
    for family in ("classification", "tagging", "masked"):
        _, data = encoded(model, family)
        batch = whole(model, data)
        scores = model(batch, family)
        naive = [-torch.log_softmax(row, 0)[gold] for row, gold in zip(scores, batch.gold, strict=True)]
        torch.testing.assert_close(models.loss_sum(scores, batch), torch.stack(naive).sum())
        assert data.decisions(np.arange(len(data))) == len(naive)


def test_the_loss_of_a_choice_compares_the_options_of_each_example(model: models.Model) -> None:
    items, data = encoded(model, "choice")
    assert {len(item.sequences) for item in items} == {2, 3}
    batch = whole(model, data)
    scores = model(batch, "choice")
    naive, at = torch.zeros(()), 0
    for item in items:
        options = scores[at : at + len(item.sequences), 0]
        at += len(item.sequences)
        naive = naive - torch.log_softmax(options, 0)[item.gold[0]]
    torch.testing.assert_close(models.loss_sum(scores, batch), naive)


def test_the_loss_of_a_span_compares_the_tokens_of_each_window(model: models.Model) -> None:
    items, data = encoded(model, "span")
    assert len({len(item.reads[0]) for item in items}) > 1
    batch = whole(model, data)
    scores = model(batch, "span")
    naive, at = torch.zeros(()), 0
    for item in items:
        window = scores[at : at + len(item.reads[0])]
        at += len(item.reads[0])
        for edge, gold in enumerate(item.gold):
            naive = naive - torch.log_softmax(window[:, edge], 0)[gold]
    torch.testing.assert_close(models.loss_sum(scores, batch), naive)
    assert data.decisions(np.arange(len(data))) == 2 * len(items)


@pytest.mark.parametrize("family", sorted(OF_FAMILY))
def test_the_loss_has_finite_gradients_for_encoder_and_head(model: models.Model, family: str) -> None:
    _, data = encoded(model, family)
    batch = whole(model, data)
    models.loss_sum(model(batch, family), batch).backward()
    for name, parameter in [*model.encoder.named_parameters(), *model.heads[family].named_parameters()]:
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        if not name.endswith("key.bias"):  # a key's bias moves no attention
            assert parameter.grad.abs().sum() > 0, name
    for other in set(OF_FAMILY) - {family}:
        grads = {name: parameter.grad for name, parameter in model.heads[other].named_parameters()}
        tied = {"out.weight"} if other == "masked" else set()
        assert all(grad is None for name, grad in grads.items() if name not in tied)


def test_a_decision_that_is_ignored_adds_nothing(model: models.Model) -> None:
    _, data = encoded(model, "tagging", 2)
    batch = whole(model, data)
    scores = model(batch, "tagging")
    full = models.loss_sum(scores, batch)
    last = -torch.log_softmax(scores[-1], 0)[batch.gold[-1]]
    batch.gold[-1] = -100
    torch.testing.assert_close(models.loss_sum(scores, batch), full - last)


# Padding and company


@pytest.mark.parametrize("family", sorted(OF_FAMILY))
def test_padding_changes_no_score(model: models.Model, family: str) -> None:
    items, data = encoded(model, family)
    together = model(whole(model, data), family)
    assert len({len(ids) for item in items for ids in item.sequences}) > 3
    alone = [
        model(collate(data, np.asarray([row]), model.tokenizer.pad_token_id), family)
        for row in range(len(items))
    ]
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-5, rtol=1e-5)


def test_a_changed_example_moves_no_other(model: models.Model) -> None:
    for family in sorted(OF_FAMILY):
        _, data = encoded(model, family)
        batch = whole(model, data)
        before = model(batch, family)
        sequences = range(int(data.sequence_at[3]), int(data.sequence_at[4]))
        for row in sequences:
            inside = slice(1, int(batch.attention[row].sum()) - 1)
            batch.ids[row, inside] = (batch.ids[row, inside] + 3) % len(model.tokenizer)
        after = model(batch, family)
        own = torch.isin(batch.row, torch.tensor(list(sequences)))
        assert (before[own] - after[own]).abs().max() > 1e-3
        torch.testing.assert_close(before[~own], after[~own], atol=1e-6, rtol=0)


def test_all_layers_end_with_the_last(model: models.Model) -> None:
    _, data = encoded(model, "classification")
    batch = whole(model, data)
    layers = model.hidden(batch, all_layers=True)
    assert len(layers) == int(SHAPE["num_hidden_layers"]) + 1
    torch.testing.assert_close(layers[-1], model.hidden(batch))
