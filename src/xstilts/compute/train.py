"""Training: one phase, in three stages read from top to bottom: the model, the data, the loop."""

import json
import math
import time
from collections.abc import Mapping
from contextlib import nullcontext
from functools import partial
from typing import Any

import torch

from xstilts import families
from xstilts.compute import adapter, attention, checkpoint, distributed, embedding_rows
from xstilts.compute.context import Context, computes_on
from xstilts.compute.data import generator
from xstilts.compute.device import Execution, Unread, ahead
from xstilts.compute.distributed import Ranks
from xstilts.compute.model import Model, forward_flops, loss_sum, sizes
from xstilts.compute.predict import autocast
from xstilts.compute.rows import MASKED_HEAD, head_name
from xstilts.compute.state import PhaseProgress, adamw, resume, save, trained
from xstilts.compute.training_data import Data, mean_score, source_scores
from xstilts.errors import LossError
from xstilts.families.items import Layout
from xstilts.study.backbone import Backbone
from xstilts.study.phase import Phase
from xstilts.study.recipe import Recipe

POINTS = 200
"""Points of a training curve."""

REPORT_SECONDS = 0.5
"""Time between two signs of life."""


def train(phase: Phase, context: Context) -> dict[str, Any]:  # noqa: PLR0915 (the loop in sight)
    """Train a phase; writes checkpoint and curve into `context.folder`, gives what belongs in the record.

    Every update is a pure function of the phase and its number: which items it sees, which tokens are masked
    and which units dropped. The loss is averaged over all decisions of the update, whatever the micro-batch.
    State is kept in `context.running` every `context.save_seconds`; a killed phase continues from there with
    bit-identical numbers on the CPU. Raises LossError if a loss or its gradient is not finite, DataError if
    the recipe selects by development rows and there are none, BackboneError if a text is too long.
    """
    recipe, ranks = phase.recipe, context.ranks or Ranks()
    torch.set_num_threads(recipe.threads)

    # The model, the data, and how this computer computes with them.
    model, layouts = _prepared(phase, context)
    data = Data.of(phase, context, model, layouts)
    total = data.schedule.total
    checks = recipe.evaluations if data.watch else 0
    check_at = frozenset(round(total * (number + 1) / checks) for number in range(checks))
    embedding_rows.reduce(model, data.every)
    checkpoint.put_tokenizer_away(model, context.folder / "checkpoint", writes=ranks.writes)
    execution = Execution.chosen(model, recipe, ranks.size)
    device = execution.device
    whole = distributed.placed(model, ranks, device)
    replica = ranks.replica(model)

    # The optimizer, and where an interrupted run had come to.
    optimizer = adamw(model, recipe)
    with ranks.in_turn():
        progress, best = resume(context.running, model, optimizer)
    if (computer := computes_on()) not in progress.computed_on:
        progress.computed_on.append(computer)
    before, began = progress.seconds, time.monotonic()
    since, shown, told, saved = 0.0, progress.update, began, began

    # The loop.
    model.train()
    sees = partial(data.update, ranks=ranks, execution=execution, tokens=context.micro_tokens, pad=model.pad)
    unread = Unread(optimizer, execution.wait)
    with ahead(sees, range(progress.update, total), execution.ahead) as seen:
        for update, batches in enumerate(seen, progress.update):
            torch.manual_seed(generator("update", phase.seed, update, *ranks.key).integers(2**62).item())
            for group in optimizer.param_groups:
                group["lr"] = rate(recipe, update, total)
            losses = []
            # Weights are cast once for all passes; parts of a divided model are not there between them.
            with nullcontext() if ranks.divides else autocast(device, recipe.precision):
                for place, batch in enumerate(batches.micro):
                    on_device = batch.to(device)
                    replica.require_backward_grad_sync = place + 1 == len(batches.micro)
                    with autocast(device, recipe.precision):
                        scores = replica(on_device, batches.head)
                    with autocast(device, "fp32"):
                        decided = batches.decided if place < batches.own else math.inf
                        part_loss = loss_sum(scores, on_device) / decided
                        (part_loss * ranks.size).backward()  # type: ignore[no-untyped-call]
                    losses.append(part_loss.detach())
            norm = distributed.full(torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.clip))
            unread.add(torch.stack([*losses, norm]), batches.tokens)
            late = ranks.writes and time.monotonic() - saved >= context.save_seconds
            point_due = update + 1 in check_at or (update + 1) % max(1, total // POINTS) == 0
            for (*parts, steepness), tokens in unread.read(due=point_due or update + 1 == total):
                loss, real, padded, due = ranks.total((sum(parts), *tokens, late), device)
                if not math.isfinite(loss + steepness):
                    where = f"{phase.name}, update {progress.update + 1} of {total}"
                    what = f"the loss is {loss}, the norm of its gradient {steepness}."
                    now = 'Lower the learning rate, or set precision = "fp32" in the recipe.'
                    raise LossError(where, what, now)
                progress.count(loss, int(real), int(padded))
                since += loss
            optimizer.step()
            # Taking memory anew takes time; but what no update reaches must have no gradient.
            optimizer.zero_grad(set_to_none=len(data.tasks) > 1)
            if progress.update <= update:
                continue

            # What is known now.
            progress.seconds = before + time.monotonic() - began
            if point_due:
                point = {"update": progress.update, "loss": since / (progress.update - shown)}
                point |= {"rate": rate(recipe, update, total), "tokens": progress.tokens}
                since, shown = 0.0, progress.update
                if progress.update in check_at:
                    distributed.fill(whole, model)
                    score = mean_score(whole, data.watch, phase) if ranks.writes else 0.0
                    distributed.put_away(whole, model)
                    point["development"] = ranks.first(score, device)
                    if progress.improves(point["development"]):
                        keeps = ranks.writes and recipe.select == "best"
                        best = {
                            name: weight.detach().cpu().clone() for name, weight in trained(whole) if keeps
                        }
                    model.train()
                progress.curve.append(point)
            if time.monotonic() - told >= REPORT_SECONDS:
                told, speed = time.monotonic(), progress.tokens / max(progress.seconds, 1e-9)
                event = {"kind": "train", "update": progress.update, "updates": total, "loss": progress.loss}
                context.report(event | {"tokens_per_second": speed, "execution": str(execution)})
            if recipe.patience is not None and progress.since_best >= recipe.patience:
                break
            if due and shown == progress.update:
                save(context.running, model, optimizer, progress, best, writes=ranks.writes)
                saved = time.monotonic()

    # What only updates needed makes room for whole tables.
    del replica
    optimizer.zero_grad()
    optimizer.state.clear()
    distributed.fill(whole, model)
    if not ranks.writes:
        return {}
    return _finished(whole, data, context, progress, best, execution)


def _finished(
    model: Model,
    data: Data,
    context: Context,
    progress: PhaseProgress,
    best: Mapping[str, torch.Tensor],
    execution: Execution,
) -> dict[str, Any]:
    """Write the checkpoint of a trained phase, its adapter if it trained one, and its curve.

    The weights are the `best` ones, if any were kept. Gives what belongs in the record: also how well the
    phase learned its own tasks, and how it was computed.
    """
    phase, total, ranks = data.phase, data.schedule.total, context.ranks or Ranks()
    selected = progress.best_update if best else progress.update
    if best:
        model.load_state_dict(best, strict=False)
    attention.keep_all(model.encoder)
    rows_read = embedding_rows.restore(model, decay(phase.recipe, selected, total))
    model.to(execution.device)  # what was not trained has waited in the computer's memory
    heads = [head_name(use, phase.recipe.readout) for use in phase.uses]
    if phase.recipe.adapter is not None:
        parent = phase.parent
        if isinstance(parent, Backbone) and parent.model is not None and not parent.made:
            base = parent.model, parent.revision
        else:
            base = str(context.checkpoint(parent)), None
        adapter.merge(model, context.folder / "adapter", *base)
    labels = dict(zip(heads, (use.label_set for use in phase.uses), strict=True))
    checkpoint.save(model, context.folder / "checkpoint", labels)
    lines = [json.dumps(point, sort_keys=True) for point in progress.curve]
    (context.folder / "curve.jsonl").write_text("".join(line + "\n" for line in lines))
    number, items = data.schedule.at(0)
    return {
        **sizes(model),
        **forward_flops(model, data.tasks[number], items[:8], heads[number]),
        "updates": progress.update,
        "planned_updates": total,
        "selected_update": selected,
        "tokens": progress.tokens,
        "padding": 1 - progress.tokens / max(1, progress.padded),
        "train_seconds": progress.seconds,
        "loss": progress.curve[-1]["loss"] if progress.curve else progress.loss,
        "examples": data.counts,
        "computed_on": progress.computed_on,
        "execution": str(execution),
        "embedding_rows": rows_read,
        "processes": ranks.size,
        "divided": ranks.divides,
        "source_score": source_scores(model, data.watch, phase),
    }


def _prepared(phase: Phase, context: Context) -> tuple[Model, dict[str, Layout]]:
    """The parent's model, ready to be trained, and how it reads each task.

    It has a new head for every label set; the language model's is kept, and what the recipe carries over.
    """
    recipe = phase.recipe
    heads = {use.task: head_name(use, recipe.readout) for use in phase.uses}
    torch.manual_seed(phase.seed)
    model = checkpoint.load(context.checkpoint(phase.parent))
    for use in phase.uses:
        model.check_able(use, recipe.readout, recipe.attention)
    model.attend(recipe.attention)
    kept = {name: model.heads[head] for name, head in carried(phase).items()}
    for name in [name for name in model.heads if name != MASKED_HEAD]:
        del model.heads[name]
    model.heads.update(kept)
    stated = {
        use.task: Layout(labels=use.label_set, max_length=recipe.max_length, stride=recipe.stride)
        for use in phase.uses
    }
    layouts = {task: model.layout(layout, recipe.readout) for task, layout in stated.items()}
    new = set(heads.values()) - set(model.heads)
    for use in phase.uses:
        if heads[use.task] not in model.heads:
            family = "masked" if heads[use.task] == MASKED_HEAD else use.family
            model.add_head(heads[use.task], family, families.find(family).outputs(layouts[use.task]))
    for name in set(model.heads) - set(heads.values()):
        del model.heads[name]
    if recipe.dropout is not None:
        set_dropout(model, recipe.dropout)
    if recipe.adapter is not None:
        adapter.attach(model, recipe.adapter, new)
    attention.in_bulk(model)
    attention.keep_little(model.encoder)
    if context.means.save_memory:
        model.save_memory()
    return model, layouts


def carried(phase: Phase) -> dict[str, str]:
    """The heads that a phase takes over from its parent: its own name for each, and the parent's.

    None unless the recipe says so; then for each use the head of the same task, or else of the only task of
    the same family with the same labels.
    """
    if phase.recipe.carry != "heads" or not isinstance(phase.parent, Phase):
        return {}
    found = {}
    for use in phase.uses:
        alike = {
            head_name(other): other.task == use.task
            for other in phase.parent.uses
            if use.kind.labelled and other.family == use.family and other.label_set == use.label_set
        }
        same = [name for name, is_same in alike.items() if is_same] or list(alike)
        if len(same) == 1:
            found[head_name(use)] = same[0]
    return found


def rate(recipe: Recipe, update: int, total: int) -> float:
    """The learning rate of an update: linear warm-up over a share of all updates, then the recipe's decay."""
    warm = round(recipe.warmup * total)
    if update < warm:
        return recipe.learning_rate * (update + 1) / warm
    left = (total - update) / max(1, total - warm)
    shape = {"linear": left, "cosine": 0.5 * (1 - math.cos(math.pi * left)), "constant": 1.0}[recipe.decay]
    return recipe.learning_rate * shape


def decay(recipe: Recipe, updates: int, total: int) -> float:
    """What AdamW has left of a weight without gradients after so many updates of all, as a share of it."""
    return math.prod(1 - rate(recipe, update, total) * recipe.weight_decay for update in range(updates))


def set_dropout(model: torch.nn.Module, share: float) -> None:
    """In every dropout layer, and in the attention of models that keep the share as a number (T5, Llama)."""
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = share
        for name, value in vars(module).items():
            if "dropout" in name and isinstance(value, float):
                setattr(module, name, share)
