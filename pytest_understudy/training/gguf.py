"""A LoRA adapter as a GGUF file, written and read, for llama-architecture models.

In and out: a Lora, whose matrices are in the orientation of the linear layers: a is (rank, in), b is (out, rank). llama.cpp keeps
the rows of q and k in another order than the models are published in (the two halves of a head, which are turned together, stand
side by side), so the rows of these two b are put in that order on the way out and back on the way in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Lora:
    """The matrices by linear (`blk.0.attn_q`), each (a, b); what they add is b a x, times alpha / rank."""

    matrices: Mapping[str, tuple[Matrix, Matrix]]
    alpha: float

    @property
    def rank(self) -> int:
        return int(next(iter(self.matrices.values()))[0].shape[0])


def write(path: Path, lora: Lora, *, heads: int, kv_heads: int, name: str = "") -> None:
    """Writes the adapter in float16; the file appears whole or not at all."""
    import numpy as np
    from gguf import GGUFWriter

    beside = path.with_name(f"{path.name}.part")
    writer = GGUFWriter(beside, "llama")  # writes general.architecture
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", lora.alpha)
    if name:
        writer.add_name(name)
    for linear, (a, b) in lora.matrices.items():
        b = _reordered(b, _heads_of(linear, heads, kv_heads), inverse=False)
        writer.add_tensor(f"{linear}.weight.lora_a", np.ascontiguousarray(a, dtype=np.float16))
        writer.add_tensor(f"{linear}.weight.lora_b", np.ascontiguousarray(b, dtype=np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    beside.replace(path)


def read(path: Path, *, heads: int, kv_heads: int) -> Lora:
    """The adapter in a file. ConfigError where it holds none for a llama."""
    reader = _reader(path)
    kind, architecture = _field(reader, "adapter.type"), _field(reader, "general.architecture")
    if kind != "lora" or architecture != "llama":
        raise ConfigError("is not a LoRA adapter of a llama-architecture model", at=path.name)
    tensors = {tensor.name: _floats(tensor) for tensor in reader.tensors}
    matrices: dict[str, tuple[Matrix, Matrix]] = {}
    for tensor, a in tensors.items():
        if not tensor.endswith(".weight.lora_a"):
            continue
        linear = tensor.removesuffix(".weight.lora_a")
        b = tensors.get(f"{linear}.weight.lora_b")
        if b is None or a.shape[0] != b.shape[1]:
            raise ConfigError(f"the matrices of {linear} do not fit together", at=path.name)
        matrices[linear] = (a, _reordered(b, _heads_of(linear, heads, kv_heads), inverse=True))
    if not matrices:
        raise ConfigError("the adapter holds no matrices", at=path.name)
    rank = next(iter(matrices.values()))[0].shape[0]
    return Lora(matrices, float(_field(reader, "adapter.lora.alpha") or rank))  # llama.cpp takes an absent alpha for a scale of 1


def check_model(path: Path) -> None:
    """ConfigError where a model's file holds no llama, or one with parts that training would leave out."""
    reader = _reader(path)
    if (architecture := _field(reader, "general.architecture")) != "llama":
        raise ConfigError(f"is a model of the architecture {architecture!r}; only llama can be trained", at=path.name)
    tensors = {tensor.name for tensor in reader.tensors}
    parts = {
        "experts": bool(_field(reader, "llama.expert_count")),
        "biases": any(name.startswith("blk.") and name.endswith(".bias") for name in tensors),
        "scaled positions": "rope_freqs.weight" in tensors or _field(reader, "llama.rope.scaling.type") not in (None, "none"),
    }
    if found := [part for part, there in parts.items() if there]:
        raise ConfigError(f"this llama has {' and '.join(found)}, which cannot be trained here", at=path.name)


def _reader(path: Path) -> Any:
    from gguf import GGUFReader

    try:
        return GGUFReader(path)
    except (OSError, ValueError, IndexError, KeyError) as failure:
        raise ConfigError(f"cannot be read as a GGUF file: {failure}", at=path.name) from failure


def _field(reader: Any, key: str) -> Any:
    field = reader.get_field(key)
    return None if field is None else field.contents()


def _floats(tensor: Any) -> Matrix:
    import numpy as np
    from gguf import dequantize

    return np.array(dequantize(tensor.data, tensor.tensor_type), dtype=np.float32)


def _heads_of(linear: str, heads: int, kv_heads: int) -> int:
    return {"attn_q": heads, "attn_k": kv_heads}.get(linear.rpartition(".")[2], 0)


def _reordered(b: Matrix, heads: int, *, inverse: bool) -> Matrix:
    """Rows (head, half, place) as (head, place, half), or back; untouched where `heads` is 0."""
    if not heads:
        return b
    width = b.shape[0] // heads
    inner = (width // 2, 2) if inverse else (2, width // 2)
    return b.reshape(heads, *inner, b.shape[1]).swapaxes(1, 2).reshape(b.shape)
