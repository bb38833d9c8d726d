"""The shrunk shapes of the formats of real releases: configurations, and how images are prepared.

A shape takes the tokenizer, whose numbers it repeats, and the rows of the embeddings.
"""

from typing import Any

import transformers

HIDDEN, LAYERS, HEADS, INNER = 32, 2, 4, 48
IMAGE, PATCH = 32, 16
"""Width and height of an image, and of a patch, in pixels."""

_SIZE = {
    "hidden_size": HIDDEN,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "intermediate_size": INNER,
}
_GROUPED = _SIZE | {"num_key_value_heads": 2, "head_dim": 8}
_T5 = {"d_model": HIDDEN, "d_kv": 8, "d_ff": INNER, "num_layers": LAYERS, "num_heads": HEADS}
_GEMMA2 = _GROUPED | {"sliding_window": 16, "query_pre_attn_scalar": 8}
_SEEING = _SIZE | {"image_size": IMAGE, "patch_size": PATCH}


def xlm_roberta(_: Any, rows: int) -> Any:
    more = {"max_position_embeddings": 514, "type_vocab_size": 1, "layer_norm_eps": 1e-5}
    ids = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
    return transformers.XLMRobertaConfig(vocab_size=rows, **_SIZE, **more, **ids)


def mbert(_: Any, rows: int) -> Any:
    return transformers.BertConfig(vocab_size=rows, **_SIZE, max_position_embeddings=512)


def mdeberta(_: Any, rows: int) -> Any:
    return transformers.DebertaV2Config(
        vocab_size=rows,
        **_SIZE,
        max_position_embeddings=512,
        relative_attention=True,
        position_buckets=256,
        norm_rel_ebd="layer_norm",
        share_att_key=True,
        pos_att_type=["p2c", "c2p"],
        position_biased_input=False,
        type_vocab_size=0,
        pooler_hidden_size=HIDDEN,
    )


def modernbert(_: Any, rows: int) -> Any:
    ids = {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 1, "cls_token_id": 1, "sep_token_id": 1}
    return transformers.ModernBertConfig(
        vocab_size=rows, **_SIZE, local_attention=16, global_attn_every_n_layers=2, **ids
    )


def eurobert(tokenizer: Any, rows: int) -> Any:
    ids = {
        f"{kind}_token_id": getattr(tokenizer, f"{kind}_token_id") for kind in ("bos", "eos", "pad", "mask")
    }
    return transformers.EuroBertConfig(vocab_size=rows, **_SIZE, num_key_value_heads=HEADS, **ids)


def mt5(_: Any, rows: int) -> Any:
    return transformers.MT5Config(vocab_size=rows, **_T5)


def umt5(_: Any, rows: int) -> Any:
    return transformers.UMT5Config(vocab_size=rows, **_T5)


def mbart(_: Any, rows: int) -> Any:
    sides = {
        f"{side}_{part}": value
        for side in ("encoder", "decoder")
        for part, value in (("layers", LAYERS), ("ffn_dim", INNER), ("attention_heads", HEADS))
    }
    return transformers.MBartConfig(vocab_size=rows, d_model=HIDDEN, **sides, scale_embedding=True)


def bloom(_: Any, rows: int) -> Any:
    return transformers.BloomConfig(
        vocab_size=rows, hidden_size=HIDDEN, n_layer=LAYERS, n_head=HEADS, pad_token_id=3
    )


def xglm(_: Any, rows: int) -> Any:
    return transformers.XGLMConfig(
        vocab_size=rows, d_model=HIDDEN, ffn_dim=INNER, num_layers=LAYERS, attention_heads=HEADS
    )


def llama(tokenizer: Any, rows: int) -> Any:
    ids = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    rope = {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 32.0}
    rope |= {"low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}
    return transformers.LlamaConfig(
        vocab_size=rows,
        **_GROUPED,
        **ids,
        rope_parameters=rope,
        max_position_embeddings=131072,
        tie_word_embeddings=True,
    )


def qwen(kind: Any, tokenizer: Any, rows: int) -> Any:
    end = tokenizer.convert_tokens_to_ids("<|endoftext|>")
    ids = {"bos_token_id": end, "eos_token_id": end}
    size = _GROUPED if kind is transformers.Qwen3Config else _SIZE | {"num_key_value_heads": 2}
    return kind(vocab_size=rows, **size, **ids, tie_word_embeddings=True)


def gemma(kind: Any, _: Any, rows: int) -> Any:
    return kind(vocab_size=rows, **(_GROUPED if kind is transformers.GemmaConfig else _GEMMA2))


def t5gemma(_: Any, rows: int) -> Any:
    module = _GEMMA2 | {"vocab_size": rows}
    return transformers.T5GemmaConfig(encoder=module, decoder=dict(module), vocab_size=rows)


def siglip(_: Any, rows: int) -> Any:
    text = _SIZE | {"vocab_size": rows, "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 1}
    return transformers.SiglipConfig(text_config=text, vision_config=dict(_SEEING))


def siglip2(_: Any, rows: int) -> Any:
    text = _SIZE | {"vocab_size": rows, "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 1}
    vision = _SIZE | {"patch_size": PATCH, "num_patches": (IMAGE // PATCH) ** 2}
    return transformers.Siglip2Config(text_config=text, vision_config=vision)


def paligemma(tokenizer: Any, rows: int) -> Any:
    return transformers.PaliGemmaConfig(
        text_config=_GROUPED | {"model_type": "gemma", "vocab_size": rows},
        vision_config=_SEEING | {"model_type": "siglip_vision_model", "vision_use_head": False},
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        projection_dim=HIDDEN,
        hidden_size=HIDDEN,
        vocab_size=rows,
        pad_token_id=0,
        bos_token_id=2,
        eos_token_id=1,
    )


def qwen_vl(kind: Any, tokenizer: Any, rows: int) -> Any:
    number = tokenizer.convert_tokens_to_ids
    text: dict[str, Any] = _SIZE | {"num_key_value_heads": 2, "vocab_size": rows}
    text["rope_scaling"] = {"type": "mrope", "mrope_section": [2, 1, 1]}
    if kind is transformers.Qwen3VLConfig:
        text["head_dim"] = 8
        text["rope_scaling"] = {"rope_type": "default", "mrope_section": [2, 1, 1], "mrope_interleaved": True}
    text |= {"bos_token_id": number("<|endoftext|>"), "eos_token_id": number("<|im_end|>")}
    return kind(
        text_config=text,
        vision_config=_QWEN_EYES[kind] | {"depth": LAYERS, "num_heads": 2, "patch_size": PATCH // 2},
        tie_word_embeddings=True,
        image_token_id=number("<|image_pad|>"),
        video_token_id=number("<|video_pad|>"),
        vision_start_token_id=number("<|vision_start|>"),
        vision_end_token_id=number("<|vision_end|>"),
    )


_QWEN_SEEING: dict[str, Any] = {"hidden_size": 24, "intermediate_size": INNER, "out_hidden_size": HIDDEN}
_QWEN_EYES: dict[Any, dict[str, Any]] = {
    transformers.Qwen2VLConfig: {"embed_dim": 24, "hidden_size": HIDDEN, "mlp_ratio": 2},
    transformers.Qwen2_5_VLConfig: _QWEN_SEEING | {"window_size": PATCH, "fullatt_block_indexes": [1]},
    transformers.Qwen3VLConfig: _QWEN_SEEING
    | {"num_position_embeddings": 9, "deepstack_visual_indexes": [0]},
}


def siglip_images(**more: Any) -> Any:
    size = {"height": IMAGE, "width": IMAGE}
    return transformers.SiglipImageProcessorPil(size=size, **more)


def siglip2_images() -> Any:
    return transformers.Siglip2ImageProcessorPil(patch_size=PATCH, max_num_patches=(IMAGE // PATCH) ** 2)


def qwen_images() -> Any:
    size = {"shortest_edge": IMAGE**2, "longest_edge": IMAGE**2}
    return transformers.Qwen2VLImageProcessorPil(size=size, patch_size=PATCH // 2)
