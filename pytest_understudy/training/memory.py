"""What memory a training will take. In: the sizes of model, adapter and largest batch. Out: an estimate, or a clear no.

The model is loaded by then, so what is estimated comes on top of it. For each token of a batch a block keeps its two inputs
(float32), their norms, q, k, v, what was attended (twice), gate, up and their product until it has gone back. Masks, passing
values and what the allocator cannot use again come to a share of that, so it is taken `SLACK` times. The peak beside the loaded
model, measured with SmolLM2 in bfloat16: 3.6 GB for batches of 3,800 tokens, 10.2 for 12,600; estimated are 3.8 and 11.8.
"""

from __future__ import annotations

from ..errors import ConfigError
from .packed import CHUNK, Llama
from .process import free_memory

SLACK = 1.6
LOGITS = 3  # copies of a chunk's logits, float32


def needed(llama: Llama, trainable: int, tokens: int) -> int:
    """Bytes for an adapter of `trainable` weights and a largest batch of `tokens`, the model itself not counted."""
    size = llama.head.element_size()
    vocabulary, width = (int(length) for length in llama.head.shape)
    kept = 0
    for layer in llama.layers:
        q, kv, wide = (layer.linears[name].shape[0] for name in ("attn_q", "attn_k", "ffn_up"))
        kept += width * (8 + 2 * size) + size * (3 * q + 2 * kv + 3 * wide)
    steps = 4 * 4 * trainable  # weights, gradients and AdamW's two
    return round(SLACK * tokens * kept) + steps + 4 * LOGITS * vocabulary * min(tokens, CHUNK)


def checked(llama: Llama, trainable: int, tokens: int, batch: int) -> str:
    """A line about what will be needed; ConfigError where it is more than what is free."""
    need, free = needed(llama, trainable, tokens), free_memory()
    if free is None:
        return f"about {_shown(need)} of memory beside the model"
    if need > free:
        way = "a smaller --batch takes less" if batch > 1 else "leave the longest examples out: --max-tokens and --skip-long"
        raise ConfigError(
            f"the largest batch, {tokens} tokens, needs about {_shown(need)} of memory, and {_shown(free)} is free; {way}"
        )
    return f"about {_shown(need)} of memory beside the model, {_shown(free)} free"


def _shown(size: int) -> str:
    return f"{size / 2**30:.1f} GB" if size >= 2**30 else f"{size / 2**20:.0f} MB"
