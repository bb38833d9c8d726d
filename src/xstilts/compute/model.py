"""A pretrained model with our heads: which states a family reads in which kind of model, and the one loss.

Shapes: S sequences, L tokens, T tokens given to a decoder, H hidden, R states read, K outputs of a head,
D decisions, W choices.
"""

import inspect
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from transformers import PreTrainedModel
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
)

from xstilts.compute import vision
from xstilts.compute.data import Batch, Encoded, collate
from xstilts.compute.head import Head, LanguageHead
from xstilts.compute.pixels import Preparation
from xstilts.compute.vision import Eyes, joined
from xstilts.errors import BackboneError
from xstilts.families.items import Layout
from xstilts.families.text import SUMMARIZED
from xstilts.study.architecture import CORRECT, KINDS, Kind, facts_of, refusal, scaling
from xstilts.study.use import Use


class Model(nn.Module):
    """A pretrained model and one head per label set; `heads` are named by the tasks that they serve.

    `encoder` is what transformers' AutoModel makes: an encoder, an encoder and a decoder, a decoder, or one
    that sees images and says in `sight` how it wants them. Beside an encoder that reads there may be `eyes`.
    The `tokenizer` is None where nothing is encoded any more (`drop_tokenizer`).
    """

    def __init__(self, encoder: PreTrainedModel, tokenizer: Any) -> None:
        super().__init__()
        self.encoder = encoder
        self.tokenizer = tokenizer
        self.kind = kind_of(encoder.config)
        self.heads = nn.ModuleDict()
        self.eyes: Eyes | None = None
        self.sight: Preparation | None = None
        self._takes_types = "token_type_ids" in tokenizer.model_input_names
        takes = inspect.signature(encoder.forward).parameters
        self.takes_positions = self.kind == "decoder" and "position_ids" in takes

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return next(self.parameters()).device

    @property
    def preparation(self) -> Preparation | None:
        """How it wants its images; None if it reads text alone."""
        return self.sight if self.eyes is None else self.eyes.preparation

    def drop_tokenizer(self) -> None:
        """Let go of the tokenizer, which may be larger than the layers, but for what batches need of it."""
        _ = self.pad, self.start, self.vocabulary
        self.tokenizer = None

    @cached_property
    def vocabulary(self) -> int:
        """The number of the tokenizer's tokens."""
        return len(self.tokenizer)

    @cached_property
    def pad(self) -> int:
        """The token that fills what the attention mask hides; any will do."""
        known = (getattr(self.tokenizer, f"{name}_token_id", None) for name in ("pad", "eos"))
        return int(next((token for token in known if token is not None), 0))

    @property
    def writes(self) -> bool:
        """Whether its language head is the vectors of the tokens alone, without layers before them."""
        return self.kind not in ("encoder", "dual") or facts_of(self.encoder.config.model_type).plain_head

    @cached_property
    def start(self) -> int | None:
        """What a decoder beside an encoder is given first; None where there is none.

        As the model's settings state it; else, for mBART, the language that its tokenizer writes last.
        """
        if self.kind != "encoder-decoder":
            return None
        stated = getattr(self.encoder.config, "decoder_start_token_id", None)
        if stated is None and self.encoder.config.model_type == "mbart":
            stated = self.tokenizer("a")["input_ids"][-1]
        if stated is None:
            stated = self.encoder.config.get_text_config(decoder=True).bos_token_id
        return self.pad if stated is None else int(stated)

    def layout(self, layout: Layout, readout: str = "head") -> Layout:
        """The layout as this kind of model reads it.

        A causal decoder has seen a whole text only at its last token, and a whole word at its last piece.
        """
        whole = self.kind != "decoder"
        settings: Any = self.encoder.config
        causal = self.kind == "decoder" and getattr(settings, "is_causal", True)
        seeing = self.kind == "vision-language"
        prompts = vision.image_prompts(settings, self.tokenizer, self.sight) if seeing else {}
        return replace(
            layout,
            summary="first" if whole else "last",
            pieces="last" if causal else "first",
            readout=readout,
            target="beside" if self.kind == "encoder-decoder" else "inside",
            start=self.start or 0,
            **prompts,
        )

    def attend(self, attention: str) -> None:
        """Let the tokens of a decoder see those before them ("causal"), or all ("bidirectional").

        The models of transformers look at both places; the first is saved with them.
        """
        causal = attention == "causal"
        if self.kind != "decoder" or (causal and getattr(self.encoder.config, "is_causal", True)):
            return
        self.encoder.config.is_causal = causal
        for module in self.encoder.modules():
            if hasattr(module, "is_causal"):
                setattr(module, "is_causal", causal)  # noqa: B010 (types know a module's tensors only)

    def save_memory(self) -> None:
        """Compute what layers pass on again for the gradients, instead of keeping it (Chen et al. 2016, arXiv
        1604.06174). Raises BackboneError if the model cannot."""
        model: Any = self.encoder
        again = {"use_reentrant": False}
        try:
            if hasattr(model, "activation_checkpointing_enable"):
                model.activation_checkpointing_enable(activation_checkpointing_kwargs=again)
            else:  # transformers before 5.20
                model.gradient_checkpointing_enable(gradient_checkpointing_kwargs=again)
        except ValueError as error:
            what = f"cannot save memory in training ({error})."
            raise BackboneError(f"the {model.config.model_type} model", what, "Run without it.") from error

    def check_able(self, use: Use, readout: str, attention: str, now: str = CORRECT) -> None:
        """Raises BackboneError if this kind of model cannot do a task with that readout and attention; `now`
        says what to do about it."""
        name, why = self.encoder.config.model_type, refusal(self.kind, use.family, readout, attention)
        if not why and readout == "text" and self.tokenizer.eos_token_id is None:
            why = "its tokenizer has no token that ends a text"
        if why:
            raise BackboneError(f"the {name} model", f"cannot do '{use.task}' in this way: {why}.", now)

    @property
    def room(self) -> int | None:
        """Of how many tokens it has learned positions; None where positions are relative or computed."""
        return _positions(self.encoder)[1]

    @property
    def known_length(self) -> int | None:
        """The tokens of the longest text that it has learned positions for or, where they are computed, that
        its settings say it was made for; None where neither is known."""
        text = self.encoder.config.get_text_config(decoder=True)
        known = (self.room, getattr(text, "max_position_embeddings", None))
        return min((length for length in known if length), default=None)

    def check_room(self, data: Encoded) -> None:
        """Raises BackboneError if a sequence is longer than the model has positions for."""
        room = self.room
        longest = int(data.longest.max(initial=0))
        if room is not None and longest > room:
            name = self.encoder.config.model_type
            what = f"reads up to {room} tokens at once, but a text has {longest}."
            raise BackboneError(
                f"the {name} model", what, f"Set `max_length` in the recipe to {room} or less."
            )

    def add_head(self, name: str, family: str, outputs: int) -> None:
        """A new head with fresh weights, or for `masked` the language model's, which shares the embeddings
        of the tokens where the architecture ties them."""
        text = self.encoder.config.get_text_config()
        if family == "masked" and self.writes:
            self.add_language_head(name)
            return
        if self.kind == "dual" and family == "visual":
            self.heads[name] = vision.Fusion(vision.tower_width(self.encoder), outputs).to(self.device)
            return
        stated = getattr(text, "classifier_dropout", None)
        dropout = getattr(text, "hidden_dropout_prob", 0.0) if stated is None else stated
        embeddings = self.embeddings
        head = Head(
            family,
            vision.tower_width(self.encoder) if self.kind == "dual" else text.hidden_size,
            len(embeddings) if family == "masked" else outputs,
            float(dropout or 0.0),
            float(getattr(text, "layer_norm_eps", 1e-5)),
            biased=bool(getattr(text, "norm_bias", True)),
        )
        if family == "masked":
            head.out.weight = embeddings
        self.heads[name] = head.to(self.device)

    @property
    def embeddings(self) -> nn.Parameter:
        """The vectors of the tokens that the language model writes, [V, H]."""
        model: Any = self.encoder
        side = model.get_decoder() if self.kind == "encoder-decoder" else vision.text_tower(model)
        weight = side.get_input_embeddings().weight
        assert isinstance(weight, nn.Parameter)
        return weight

    def add_language_head(self, name: str, weight: torch.Tensor | None = None) -> None:
        """The head that writes: with that weight, else with the embeddings, or a fresh weight where the
        architecture does not tie the two."""
        settings, embeddings = self.encoder.config, self.embeddings
        own = embeddings if weight is None else nn.Parameter(weight)
        if weight is None and not getattr(settings, "tie_word_embeddings", False):
            own = nn.Parameter(torch.empty_like(embeddings))
            nn.init.normal_(own, std=0.02)
        bias = torch.zeros(len(own)) if facts_of(settings.model_type).biased else None
        head = LanguageHead(own, bias, *scaling(settings, tied=own is embeddings))
        self.heads[name] = head.to(self.device)

    def hidden(self, batch: Batch, *, all_layers: bool = False) -> Any:
        """The states after the last layer [S, L, H]; with `all_layers` those after each, embeddings first.

        Of an encoder-decoder those of its encoder.
        """
        if batch.pixels is not None and self.eyes is not None:
            first, room = _positions(self.encoder)
            seen = joined(self.encoder, self.eyes, batch, None if room is None else first)
            return self.encoder(**seen).last_hidden_state
        inputs: dict[str, Any] = {"input_ids": batch.ids, "attention_mask": batch.attention}
        if self.kind == "vision-language":
            inputs |= vision.image_inputs(self.encoder.config, batch, self.sight) | {"use_cache": False}
        elif self._takes_types:
            inputs["token_type_ids"] = batch.types
        if self.takes_positions:
            inputs["position_ids"] = (batch.attention.cumsum(dim=1) - 1).clamp(min=0)
        if self.kind == "decoder":
            inputs["use_cache"] = False
        if batch.cuts is not None and batch.positions is not None:
            first, _ = _positions(self.encoder)
            inputs |= {"position_ids": batch.positions + first, "attention_mask": batch.attention[None, None]}
            inputs |= {"cu_seq_lens_q": batch.cuts, "cu_seq_lens_k": batch.cuts}
            inputs |= {"max_length_q": batch.longest, "max_length_k": batch.longest}
        model = self.encoder.get_encoder() if self.kind == "encoder-decoder" else self.encoder
        outputs = model(**inputs, output_hidden_states=all_layers)
        return outputs.hidden_states if all_layers else outputs.last_hidden_state

    def states(self, batch: Batch, family: str) -> torch.Tensor:
        """The states in which a family's reads are places, [S, L, H] or [S, T, H].

        In an encoder-decoder, what is written is read where it is written, a whole sequence in the decoder's
        first state, and tokens in the encoder.
        """
        targets, attention = batch.targets, batch.target_attention
        if self.kind == "dual":
            return vision.dual_states(self.encoder, batch, self.pad, joined=family == "visual")
        if self.kind != "encoder-decoder" or (targets is None and family not in SUMMARIZED):
            states: torch.Tensor = self.hidden(batch)
            return states
        if targets is None:
            assert self.start is not None
            targets = batch.ids.new_full((len(batch.ids), 1), self.start)
        outputs = self.encoder(
            input_ids=batch.ids,
            attention_mask=batch.attention,
            decoder_input_ids=targets,
            decoder_attention_mask=attention,
            use_cache=False,
        )
        decoded: torch.Tensor = outputs.last_hidden_state
        return decoded

    def forward(self, batch: Batch, head: str) -> torch.Tensor:
        """The head's scores for the states that the batch reads, [R, K]."""
        answering = self.heads[head]
        states = self.states(batch, str(answering.family))
        scores: torch.Tensor = answering(states[batch.row, batch.column])
        return scores


def kind_of(settings: Any) -> Kind:
    """The kind of model that has these settings; of unlisted types what transformers' own tables say."""
    if settings.model_type in KINDS:
        return KINDS[settings.model_type]
    if getattr(settings, "is_encoder_decoder", False):
        return "encoder-decoder"
    known = (MODEL_FOR_MASKED_LM_MAPPING_NAMES, MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)
    fills, continues = (settings.model_type in names for names in known)
    return "decoder" if continues and not fills else "encoder"


POSITIONS = (
    "embeddings.position_embeddings",
    "text_model.embeddings.position_embedding",
    "encoder.embed_positions",
    "decoder.embed_positions",
    "wpe",
)
"""Where models keep the vectors of positions that they learned; BART's and OPT's begin behind an `offset`."""


def _positions(encoder: PreTrainedModel) -> tuple[int, int | None]:
    """The number of the first position, and of how many tokens the model has learned positions; None where
    positions are relative or computed."""
    for path in POSITIONS:
        table: Any = encoder
        for name in path.split("."):
            table = getattr(table, name, None)
        if isinstance(table, nn.Embedding):
            padding = -1 if table.padding_idx is None else table.padding_idx
            first = int(getattr(table, "offset", padding + 1))
            return first, table.num_embeddings - first
    return 0, None


def decisions(scores: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Scores [R, K] arranged so that the last axis is what is chosen among, [D, W].

    Where reads compete, each group becomes K rows of its reads, padded with minus infinity.
    """
    if batch.group is None or batch.place is None:
        return scores
    groups, width = len(batch.reads), int(batch.reads.max())
    table = scores.new_full((groups, width, scores.shape[1]), float("-inf"))
    table[batch.group, batch.place] = scores
    return table.transpose(1, 2).reshape(groups * scores.shape[1], width)


def loss_sum(scores: torch.Tensor, batch: Batch) -> torch.Tensor:
    """The one loss: cross-entropy, summed over the decisions of the batch, in float32."""
    return nn.functional.cross_entropy(decisions(scores, batch).float(), batch.gold, reduction="sum")


def sizes(model: Model) -> dict[str, int]:
    """Parameters of the pretrained model, heads left out: all, and all but the tables of tokens."""
    tables = {
        id(part.weight)
        for name, part in model.encoder.named_modules()
        if isinstance(part, torch.nn.Embedding)
        and part.num_embeddings >= model.vocabulary
        and "position" not in name
    }
    every = list(model.encoder.parameters())
    bare = [one for one in every if id(one) not in tables]
    return {
        "parameters": sum(one.numel() for one in every),
        "parameters_without_embeddings": sum(one.numel() for one in bare),
    }


def forward_flops(model: Model, data: Encoded, items: NDArray[np.int64], head: str) -> dict[str, float]:
    """Floating-point operations of a forward pass for each token of some items, head included.

    Counted by torch; a training step costs about three times as much. Nothing is hidden of masked text.
    """
    batch = collate(data, items, model.pad).to(model.device)
    training = model.training
    model.eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(batch, head)
    model.train(training)
    return {"forward_flops_per_token": counter.get_total_flops() / batch.real_tokens}
