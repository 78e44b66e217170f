"""A llama, run forwards and backwards over one packed batch, with LoRA on its linears.

In: a model's weights, an adapter's, and a batch whose examples lie end to end. Out: the loss of the answers' tokens. The tokens
that all examples begin with stand once, in front: every example attends to them and to its own, never to another's, so loss and
gradients are those of the examples run one by one, and nothing is padded. Dropout is drawn once for a token: on the shared tokens
it is one mask a batch.

Attention over two pieces, each with its own softmax, is joined by their log-sums; going back, each piece is given the joint
output and the joint log-sum, which makes its gradients the joint ones. The functions here keep for the way back only what cannot
be had again cheaply: a batch takes a third of the memory that autograd would.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

LINEARS = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
CHUNK = 512  # answer tokens whose logits are held at once
FILL = 32  # an example attends in a multiple of so many tokens

_attend = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
_attend_backward = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward


@dataclass(frozen=True, slots=True)
class Packed:
    """One batch laid end to end: `prefix` tokens that all share, then each example's rest, `lengths` tokens long.

    `places` are the indices whose next token is an answer's, `targets` those tokens, `weights` what each counts in the loss.
    """

    tokens: Tensor
    positions: Tensor
    prefix: int
    lengths: tuple[int, ...]
    places: Tensor
    targets: Tensor
    weights: Tensor

    @property
    def size(self) -> int:
        return int(self.tokens.numel())


@dataclass(frozen=True, slots=True)
class Layer:
    """One block's frozen weights; linears by their GGUF names, in the type that is calculated in."""

    linears: Mapping[str, Tensor]
    attention_norm: Tensor
    feed_norm: Tensor


@dataclass(frozen=True, slots=True)
class Llama:
    """A llama's frozen weights. `rotary` gives (cos, sin) of positions; `head` is in the type that is calculated in."""

    embedding: Tensor
    layers: Sequence[Layer]
    norm: Tensor
    head: Tensor
    heads: int
    kv_heads: int
    epsilon: float
    rotary: Any
    compute: torch.dtype


@dataclass(frozen=True, slots=True)
class Pair:
    """A linear's two small matrices: a is (rank, in), b is (out, rank)."""

    a: Tensor
    b: Tensor


class Masks:
    """Dropout masks, cut at random places out of one pool: to draw each linear's anew took as long as its multiplication."""

    def __init__(self, share: float, largest: int, generator: torch.Generator, kind: torch.dtype) -> None:
        self._generator = generator
        kept = torch.rand(2 * largest, generator=generator) >= share
        self._pool = kept.to(kind) / (1 - share)

    def mask(self, rows: int, columns: int) -> Tensor:
        start = int(torch.randint(self._pool.numel() - rows * columns + 1, (1,), generator=self._generator))
        return self._pool[start : start + rows * columns].view(rows, columns)


def loss(llama: Llama, adapter: Mapping[str, Pair], scale: float, batch: Packed, masks: Masks | None = None) -> Tensor:
    """The weighted mean of the answer tokens' cross entropy."""
    states = hidden(llama, adapter, scale, batch, masks)
    answers = _Norm.apply(states[batch.places], llama.norm, llama.epsilon, llama.compute)
    result: Tensor = _AnswerLoss.apply(answers, llama.head, batch.targets, batch.weights)
    return result


def logits(llama: Llama, adapter: Mapping[str, Pair], scale: float, batch: Packed) -> Tensor:
    """(tokens, vocabulary), float32, of all places."""
    states = hidden(llama, adapter, scale, batch, None)
    answers: Tensor = _Norm.apply(states, llama.norm, llama.epsilon, llama.compute)
    return (answers @ llama.head.T).float()


def hidden(llama: Llama, adapter: Mapping[str, Pair], scale: float, batch: Packed, masks: Masks | None) -> Tensor:
    """The last block's output, before the last norm, float32."""
    states = llama.embedding[batch.tokens]
    cos, sin = llama.rotary(states[None], batch.positions[None])
    turn = (cos[0].float(), sin[0].float())
    for number, layer in enumerate(llama.layers):

        def linear(name: str, x: Tensor, layer: Layer = layer, number: int = number) -> Tensor:
            weight = layer.linears[name]
            pair = adapter.get(f"blk.{number}.{name}")
            if pair is None:
                return x @ weight.T
            mask = masks.mask(x.shape[0], x.shape[1]) if masks else None
            result: Tensor = _Linear.apply(x, weight, pair.a, pair.b, scale, mask)
            return result

        x = _Norm.apply(states, layer.attention_norm, llama.epsilon, llama.compute)
        q, k, v = (linear(name, x) for name in LINEARS[:3])
        attended = _Attention.apply(q, k, v, *turn, llama.heads, llama.kv_heads, batch.prefix, batch.lengths)
        states = states + linear("attn_output", attended)
        x = _Norm.apply(states, layer.feed_norm, llama.epsilon, llama.compute)
        states = states + linear("ffn_down", _Gated.apply(linear("ffn_gate", x), linear("ffn_up", x)))
    return states


class _Linear(Function):
    """x W' + scale * (dropped x) A' B', keeping nothing but x and the narrow middle."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, a: Tensor, b: Tensor, scale: float, mask: Tensor | None) -> Tensor:
        a, b = a.to(x.dtype), b.to(x.dtype) * scale
        narrow = (x if mask is None else x * mask) @ a.T
        result = x @ weight.T
        result.addmm_(narrow, b.T)
        ctx.save_for_backward(x, weight, a, b, narrow, mask)
        ctx.scale = scale
        return result

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        x, weight, a, b, narrow, mask = ctx.saved_tensors
        [g] = gradients
        back = g @ b
        for_b = (g.T @ narrow).float() * ctx.scale
        for_a = (back.T @ (x if mask is None else x * mask)).float()
        for_x = None
        if ctx.needs_input_grad[0]:
            for_x = g @ weight
            if mask is None:
                for_x.addmm_(back, a)
            else:
                for_x.addcmul_(back @ a, mask)
        return for_x, None, for_a, for_b, None, None


class _Norm(Function):
    """Root mean square norm: float32 in, the compute type out; the factor is calculated anew going back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, epsilon: float, kind: torch.dtype) -> Tensor:
        factor = torch.rsqrt(x.square().mean(-1, keepdim=True) + epsilon)
        ctx.save_for_backward(x, weight, factor)
        return (x * factor).mul_(weight).to(kind)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        if not ctx.needs_input_grad[0]:
            return None, None, None, None
        x, weight, factor = ctx.saved_tensors
        g = gradients[0].float() * weight
        along = (g * x).mean(-1, keepdim=True)
        return g.mul_(factor).addcmul_(x, along * factor.pow(3), value=-1), None, None, None


class _Gated(Function):
    """silu(gate) * up, keeping the two and no more."""

    @staticmethod
    def forward(ctx: Any, gate: Tensor, up: Tensor) -> Tensor:
        ctx.save_for_backward(gate, up)
        return torch.nn.functional.silu(gate).mul_(up)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        gate, up = ctx.saved_tensors
        [g] = gradients
        for_up = torch.nn.functional.silu(gate).mul_(g)
        for_gate = torch.ops.aten.silu_backward(g * up, gate)
        return for_gate, for_up


class _Attention(Function):
    """Causal attention of a packed batch; q, k, v are (tokens, heads * width) and are turned here."""

    @staticmethod
    def forward(
        ctx: Any,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        cos: Tensor,
        sin: Tensor,
        heads: int,
        kv: int,
        prefix: int,
        rests: Sequence[int],
    ) -> Tensor:
        q, k, v = _turned(_by_head(q, heads), cos, sin), _turned(_by_head(k, kv), cos, sin), _by_head(v, kv).contiguous()
        group = heads // kv
        wide_k, wide_v = k.repeat_interleave(group, 0), v.repeat_interleave(group, 0)
        out, total = torch.empty_like(q), torch.empty(q.shape[:2], dtype=torch.float32)
        for span in _spans(prefix, rests):
            length, (own_q, own_k, own_v) = _filled(span, q, wide_k, wide_v)
            own, own_total = _piece(own_q, own_k, own_v, causal=True)
            out[:, span], total[:, span] = own[:, :length], own_total[:, :length]
        if prefix:
            own, own_total = out[:, prefix:], total[:, prefix:]
            shared, shared_total = _piece(_folded(q[:, prefix:], kv), k[:, :prefix], v[:, :prefix], causal=False)
            shared, shared_total = shared.reshape(own.shape), shared_total.reshape(own_total.shape)
            both = torch.logaddexp(own_total, shared_total)
            out[:, prefix:] = own * (own_total - both).exp()[..., None] + shared * (shared_total - both).exp()[..., None]
            total[:, prefix:] = both
        ctx.save_for_backward(q, k, v, out, total, cos, sin)
        ctx.prefix, ctx.rests = prefix, rests
        return out.transpose(0, 1).reshape(out.shape[1], -1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        q, k, v, out, total, cos, sin = ctx.saved_tensors
        prefix, (heads, tokens, width), kv = ctx.prefix, q.shape, k.shape[0]
        group = heads // kv
        g = _by_head(gradients[0], heads).contiguous()
        wide_k, wide_v = k.repeat_interleave(group, 0), v.repeat_interleave(group, 0)
        for_q = torch.empty(q.shape, dtype=torch.float32)
        for_k, for_v = torch.empty(k.shape, dtype=torch.float32), torch.empty(v.shape, dtype=torch.float32)
        for span in _spans(prefix, ctx.rests):
            length, pieces = _filled(span, g, q, wide_k, wide_v, out, total)
            of_q, of_k, of_v = (tensor[:, :length] for tensor in _piece_backward(*pieces, causal=True))
            for_q[:, span] = of_q
            for_k[:, span] = of_k.float().view(kv, group, -1, width).sum(1)
            for_v[:, span] = of_v.float().view(kv, group, -1, width).sum(1)
        if prefix:
            g, q, out = (_folded(tensor[:, prefix:], kv) for tensor in (g, q, out))
            total = total[:, prefix:].reshape(kv, -1)
            of_q, of_k, of_v = _piece_backward(g, q, k[:, :prefix], v[:, :prefix], out, total, causal=False)
            for_q[:, prefix:] += of_q.reshape(heads, tokens - prefix, width)
            for_k[:, :prefix] += of_k
            for_v[:, :prefix] += of_v
        kind = gradients[0].dtype
        for_q, for_k = _turned(for_q, cos, -sin), _turned(for_k, cos, -sin)
        flat = (tensor.to(kind).transpose(0, 1).reshape(tokens, -1) for tensor in (for_q, for_k, for_v))
        return (*flat, *[None] * 6)


class _AnswerLoss(Function):
    """The head and its cross entropy, a chunk of places at a time; the gradient is made on the way, as the head is frozen."""

    @staticmethod
    def forward(ctx: Any, answers: Tensor, head: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        weights = weights / weights.sum()
        result = torch.zeros((), dtype=torch.float32)
        gradient = torch.empty_like(answers)
        for start in range(0, answers.shape[0], CHUNK):
            span = slice(start, start + CHUNK)
            log_p = (answers[span] @ head.T).float().log_softmax(-1)
            result -= (log_p.gather(1, targets[span, None])[:, 0] * weights[span]).sum()
            p = log_p.exp_()
            p.scatter_add_(1, targets[span, None], torch.full((p.shape[0], 1), -1.0))
            gradient[span] = p.mul_(weights[span, None]).to(head.dtype) @ head
        ctx.save_for_backward(gradient)
        return result

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        [gradient] = ctx.saved_tensors
        return gradient * gradients[0].to(gradient.dtype), None, None, None


def _spans(prefix: int, rests: Sequence[int]) -> list[slice]:
    spans, start = [], 0
    for length in [prefix, *rests]:
        if length:
            spans.append(slice(start, start + length))
        start += length
    return spans


def _filled(span: slice, *tensors: Tensor) -> tuple[int, list[Tensor]]:
    """An example's length, and its part of tensors with zeros behind it up to a multiple of FILL: they add nothing to any sum.

    The kernels are made, and kept, for each length that they meet: without this some 50 MB a step were.
    """
    length = span.stop - span.start
    parts = []
    for tensor in tensors:
        part = tensor.new_zeros(tensor.shape[0], -(-length // FILL) * FILL, *tensor.shape[2:])
        part[:, :length] = tensor[:, span]
        parts.append(part)
    return length, parts


def _piece(q: Tensor, k: Tensor, v: Tensor, *, causal: bool) -> tuple[Tensor, Tensor]:
    out, total = _attend(q[None], k[None], v[None], 0.0, causal)
    return out[0], total[0]


def _piece_backward(g: Tensor, q: Tensor, k: Tensor, v: Tensor, out: Tensor, total: Tensor, *, causal: bool) -> Any:
    three = _attend_backward(g[None], q[None], k[None], v[None], out[None], total[None], 0.0, causal)
    return tuple(tensor[0] for tensor in three)


def _by_head(x: Tensor, heads: int) -> Tensor:
    return x.view(x.shape[0], heads, -1).transpose(0, 1)


def _folded(x: Tensor, kv: int) -> Tensor:
    """The heads that share keys, one after another along the tokens: they all see the same keys, so no key is repeated."""
    return x.reshape(kv, -1, x.shape[-1])


def _turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    first, second = x.float().chunk(2, -1)
    turned = x * cos
    return turned.add_(torch.cat((-second, first), -1).mul_(sin)).to(x.dtype)
