"""LoRA adapters for the bundled model, written by hand: a strong one that drowns the model in noise, as large as a postcard."""

from __future__ import annotations

import random
import struct
from pathlib import Path

WIDTH, ALIGNMENT = 576, 32
STRING, FLOAT = 8, 6  # GGUF's types of a value; a tensor of 32-bit floats has type 0


def noise(path: Path, seed: int = 0) -> Path:
    """A rank-1 adapter of the first layer's attention output, in GGUF version 3, with values far beyond what training gives."""
    chance = random.Random(seed)
    tensors = {
        "blk.0.attn_output.weight.lora_a": (WIDTH, 1),
        "blk.0.attn_output.weight.lora_b": (1, WIDTH),
    }
    values = [
        _text("general.type") + _value("adapter"),
        _text("general.architecture") + _value("llama"),
        _text("adapter.type") + _value("lora"),
        _text("adapter.lora.alpha") + struct.pack("<If", FLOAT, 1.0),
    ]
    infos = [
        _text(name) + struct.pack("<IQQIQ", 2, *shape, 0, number * WIDTH * 4)
        for number, (name, shape) in enumerate(tensors.items())
    ]
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(values)) + b"".join(values + infos)
    data = struct.pack(f"<{2 * WIDTH}f", *(chance.uniform(-50, 50) for _ in range(2 * WIDTH)))
    path.write_bytes(head + b"\0" * (-len(head) % ALIGNMENT) + data)
    return path


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


def _value(text: str) -> bytes:
    return struct.pack("<I", STRING) + _text(text)
