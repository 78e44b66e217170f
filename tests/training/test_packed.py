"""A packed batch has the loss and the gradients of its examples run one by one."""

from __future__ import annotations

from typing import Any

import pytest

torch: Any = pytest.importorskip("torch")
pytest.importorskip("transformers")

from pytest_understudy.training import packed as packing  # noqa: E402  (torch first)
from pytest_understudy.training.batches import shared_prefix  # noqa: E402
from pytest_understudy.training.lora import packed  # noqa: E402
from pytest_understudy.training.model import frozen  # noqa: E402
from pytest_understudy.training.packed import Masks, Pair, loss  # noqa: E402

from . import tiny  # noqa: E402

SCALE = 1.7


@pytest.fixture(scope="module")
def model() -> Any:
    return tiny.llama()


def gradients(pairs: dict[str, Pair]) -> dict[str, Any]:
    found = {f"{linear}.{side}": getattr(pair, side).grad.clone() for linear, pair in pairs.items() for side in ("a", "b")}
    for pair in pairs.values():
        pair.a.grad = pair.b.grad = None
    return found


@pytest.mark.parametrize("head_weight", [1.0, 5.0])
@pytest.mark.parametrize(("shared", "used"), [(0, 0), (40, 0), (64, 64), (150, 150)])
def test_loss_and_gradients_are_those_of_the_plain_way(model: Any, shared: int, used: int, head_weight: float) -> None:
    pairs, examples = tiny.adapter(model), tiny.examples(shared)
    assert shared_prefix(examples) == used
    plain = tiny.plain_loss(model, pairs, SCALE, examples, head_weight)
    plain.backward()
    expected = gradients(pairs)
    ours = loss(frozen(model, torch.float32), pairs, SCALE, packed(examples, head_weight))
    ours.backward()
    torch.testing.assert_close(ours, plain, rtol=1e-5, atol=1e-6)
    for name, gradient in gradients(pairs).items():
        assert float((gradient - expected[name]).norm()) < 1e-4 * float(expected[name].norm()), name


def test_one_example_alone_is_the_plain_way_too(model: Any) -> None:
    pairs, [example] = tiny.adapter(model), tiny.examples(80, count=1)
    plain = tiny.plain_loss(model, pairs, SCALE, [example], 1.0)
    torch.testing.assert_close(loss(frozen(model, torch.float32), pairs, SCALE, packed([example])), plain, rtol=1e-5, atol=1e-6)


def test_an_example_sees_nothing_of_another(model: Any) -> None:
    llama, pairs = frozen(model, torch.float32), tiny.adapter(model)
    first, second, third, *_ = tiny.examples(100)
    states = packing.hidden(llama, pairs, SCALE, packed([first, second]), None)
    changed = packing.hidden(llama, pairs, SCALE, packed([first, third]), None)
    ends = first.size
    torch.testing.assert_close(states[:ends], changed[:ends])
    assert not torch.allclose(states[ends : ends + 10], changed[ends : ends + 10])


def test_answers_over_several_chunks_count_as_in_one(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    llama, pairs, batch = frozen(model, torch.float32), tiny.adapter(model), packed(tiny.examples(64))
    whole = loss(llama, pairs, SCALE, batch)
    whole.backward()
    expected = gradients(pairs)
    monkeypatch.setattr(packing, "CHUNK", 4)
    parts = loss(llama, pairs, SCALE, batch)
    parts.backward()
    torch.testing.assert_close(parts, whole)
    torch.testing.assert_close(gradients(pairs), expected)


def test_bfloat16_is_near(model: Any) -> None:
    pairs, batch = tiny.adapter(model), packed(tiny.examples(100))
    exact, near = (loss(frozen(model, kind), pairs, SCALE, batch) for kind in (torch.float32, torch.bfloat16))
    assert near.item() == pytest.approx(exact.item(), rel=0.02)
    assert near.item() != exact.item()


# Dropout


def test_a_linear_with_a_mask_has_the_gradients_of_its_formula() -> None:
    chance = torch.Generator().manual_seed(3)
    x, weight, a, b = (torch.randn(*shape, generator=chance) for shape in [(7, 10), (6, 10), (3, 10), (6, 3)])
    mask = Masks(0.3, 70, chance, torch.float32).mask(7, 10)
    for leaf in (x, a, b):
        leaf.requires_grad_()
    upstream = torch.randn(7, 6, generator=chance)
    expected = x @ weight.T + SCALE * ((x * mask) @ a.T) @ b.T
    theirs = torch.autograd.grad((expected * upstream).sum(), (x, a, b))
    result = packing._Linear.apply(x, weight, a, b, SCALE, mask)
    torch.testing.assert_close(result, expected)
    torch.testing.assert_close(torch.autograd.grad((result * upstream).sum(), (x, a, b)), theirs)


def test_a_mask_drops_its_share_and_keeps_the_mean() -> None:
    masks = Masks(0.1, 200_000, torch.Generator().manual_seed(0), torch.float32)
    first, second = masks.mask(400, 500), masks.mask(400, 500)
    assert float((first == 0).float().mean()) == pytest.approx(0.1, abs=0.005)
    assert float(first.mean()) == pytest.approx(1, abs=0.005)
    assert not torch.equal(first, second)


def test_dropout_follows_from_its_generator(model: Any) -> None:
    llama, pairs, batch = frozen(model, torch.float32), tiny.adapter(model), packed(tiny.examples(64))

    def dropped(seed: int) -> float:
        masks = Masks(0.2, batch.size * 80, torch.Generator().manual_seed(seed), torch.float32)
        return float(loss(llama, pairs, SCALE, batch, masks).item())

    assert dropped(1) == dropped(1)
    assert len({dropped(1), dropped(2), float(loss(llama, pairs, SCALE, batch).item())}) == 3
