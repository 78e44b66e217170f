"""An adapter's file, as llama.cpp wants it and as we read it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pytest_understudy.errors import ConfigError
from pytest_understudy.training.gguf import Lora, check_model, read, write

from ..endpoints.lora import noise

gguf = pytest.importorskip("gguf")

HEADS, KV, WIDTH = 4, 2, 6


def lora(alpha: float = 12.0) -> Lora:
    chance = np.random.default_rng(0)
    sizes = {"blk.0.attn_q": HEADS * WIDTH, "blk.0.attn_k": KV * WIDTH, "blk.0.ffn_up": 20}
    matrices = {}
    for name, wide in sizes.items():
        a, b = chance.normal(size=(3, 10)), chance.normal(size=(wide, 3))
        matrices[name] = tuple(matrix.astype(np.float16).astype(np.float32) for matrix in (a, b))
    return Lora(matrices, alpha)  # type: ignore[arg-type]  # tuples of two


def tensors(path: Path) -> dict[str, np.ndarray]:
    return {tensor.name: np.array(tensor.data) for tensor in gguf.GGUFReader(path).tensors}


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    write(tmp_path / "a.gguf", lora(), heads=HEADS, kv_heads=KV)
    again = read(tmp_path / "a.gguf", heads=HEADS, kv_heads=KV)
    assert (again.rank, again.alpha) == (3, 12.0)
    assert set(again.matrices) == set(lora().matrices)
    for name, (a, b) in lora().matrices.items():
        np.testing.assert_array_equal(again.matrices[name][0], a)
        np.testing.assert_array_equal(again.matrices[name][1], b)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.gguf"]


def test_the_file_says_what_it_is(tmp_path: Path) -> None:
    write(tmp_path / "a.gguf", lora(), heads=HEADS, kv_heads=KV)
    reader = gguf.GGUFReader(tmp_path / "a.gguf")
    keys = ("general.architecture", "general.type", "adapter.type", "adapter.lora.alpha")
    assert [reader.get_field(key).contents() for key in keys] == ["llama", "adapter", "lora", 12.0]
    assert {tensor.tensor_type.name for tensor in reader.tensors} == {"F16"}


def test_the_halves_of_a_head_stand_side_by_side_in_q_and_k_alone(tmp_path: Path) -> None:
    write(tmp_path / "a.gguf", lora(), heads=HEADS, kv_heads=KV)
    there, here = tensors(tmp_path / "a.gguf"), lora().matrices
    second_head = here["blk.0.attn_q"][1][WIDTH : 2 * WIDTH]
    np.testing.assert_array_equal(there["blk.0.attn_q.weight.lora_b"][WIDTH : 2 * WIDTH], second_head[[0, 3, 1, 4, 2, 5]])
    first_head = here["blk.0.attn_k"][1][:WIDTH]
    np.testing.assert_array_equal(there["blk.0.attn_k.weight.lora_b"][:WIDTH], first_head[[0, 3, 1, 4, 2, 5]])
    np.testing.assert_array_equal(there["blk.0.attn_q.weight.lora_a"], here["blk.0.attn_q"][0])
    np.testing.assert_array_equal(there["blk.0.ffn_up.weight.lora_b"], here["blk.0.ffn_up"][1])


def test_an_adapter_of_32_bits_is_read_too(tmp_path: Path) -> None:
    again = read(noise(tmp_path / "noise.gguf"), heads=9, kv_heads=3)
    a, b = again.matrices["blk.0.attn_output"]
    assert (a.shape, b.shape, again.alpha) == ((1, 576), (576, 1), 1.0)


def test_what_is_no_gguf_is_an_error_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").write_bytes(b"nothing like it")
    with pytest.raises(ConfigError, match=r"^a.gguf: cannot be read as a GGUF file: "):
        read(tmp_path / "a.gguf", heads=9, kv_heads=3)


def test_a_model_is_no_adapter_and_an_adapter_no_other_model(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^m.gguf: is not a LoRA adapter of a llama-architecture model$"):
        read(model(tmp_path / "m.gguf", "llama"), heads=9, kv_heads=3)
    check_model(tmp_path / "m.gguf")
    with pytest.raises(ConfigError, match=r"^q.gguf: is a model of the architecture 'qwen3'; only llama can be trained$"):
        check_model(model(tmp_path / "q.gguf", "qwen3"))


@pytest.mark.parametrize(
    ("part", "tensor", "key"),
    [
        ("biases", "blk.0.attn_q.bias", ""),
        ("scaled positions", "rope_freqs.weight", ""),
        ("experts", "blk.0.attn_q.weight", "llama.expert_count"),
    ],
)
def test_a_llama_with_parts_that_training_would_leave_out_is_refused(tmp_path: Path, part: str, tensor: str, key: str) -> None:
    with pytest.raises(ConfigError, match=rf"^m.gguf: this llama has {part}, which cannot be trained here$"):
        check_model(model(tmp_path / "m.gguf", "llama", tensor, key))


def model(path: Path, architecture: str, tensor: str = "blk.0.attn_q.weight", key: str = "") -> Path:
    writer = gguf.GGUFWriter(path, architecture)
    if key:
        writer.add_uint32(key, 8)
    writer.add_tensor(tensor, np.zeros((2, 2), dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
