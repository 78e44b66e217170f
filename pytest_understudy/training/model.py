"""A llama-architecture model and its tokenizer, out of one GGUF file.

In: a model's name or path. Out: its weights, frozen, in the type that is calculated in, and the tokenizer with the model's own
chat template. Nothing is fetched.
"""

from __future__ import annotations

from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

import torch

from ..errors import ConfigError
from . import gguf
from .packed import Layer, Llama

PLACES = {  # of a block's linears, by their GGUF names
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def loaded(path: Path, compute: torch.dtype) -> tuple[Llama, Any]:
    """The weights and the tokenizer; ConfigError where the file holds no llama, or one that calculates otherwise."""
    gguf.check_model(path)
    model, tokenizer = published(path)
    if not tokenizer.chat_template:
        raise ConfigError("the model has no chat template, so there is no telling how it is asked", at=path.name)
    return frozen(model, compute), tokenizer


def published(path: Path) -> tuple[Any, Any]:
    """The model, float32, and the tokenizer as transformers has them; its progress bars are kept off the terminal."""
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.set_verbosity_error()
    folder = str(path.parent)
    try:
        with redirect_stderr(StringIO()):
            tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=path.name)
            model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=path.name, dtype=torch.float32)
    except (OSError, ValueError, RuntimeError, LookupError, AttributeError) as failure:
        raise ConfigError(f"transformers cannot load it: {failure}", at=path.name) from failure
    return model.eval(), tokenizer


def frozen(model: Any, compute: torch.dtype) -> Llama:
    """transformers' llama as the weights that are needed here."""
    config, inner = model.config, model.model
    layers = [
        Layer(
            linears={name: block.get_submodule(place).weight.detach().to(compute) for name, place in PLACES.items()},
            attention_norm=block.input_layernorm.weight.detach(),
            feed_norm=block.post_attention_layernorm.weight.detach(),
        )
        for block in inner.layers
    ]
    return Llama(
        embedding=inner.embed_tokens.weight.detach(),
        layers=layers,
        norm=inner.norm.weight.detach(),
        head=model.lm_head.weight.detach().to(compute),
        heads=config.num_attention_heads,
        kv_heads=config.num_key_value_heads,
        epsilon=config.rms_norm_eps,
        rotary=inner.rotary_emb,
        compute=compute,
    )


def compute_type() -> torch.dtype:
    """bfloat16 where the processor multiplies it, else float32."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return torch.float32
    return torch.bfloat16 if "avx512_bf16" in flags or "amx_bf16" in flags else torch.float32
