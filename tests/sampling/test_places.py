"""Where lines stand: each is found by its key, in plain files and in compressed ones."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import pytest

from pytest_understudy.errors import ConfigError
from pytest_understudy.sampling.places import BLOCK, GAP, LineFile, Places


def placed(places: Places, file: LineFile, *, at: float = 0.0) -> None:
    """Every line of the file, by its first word."""
    for start, line in file.new_lines():
        places.put(line.split()[0].decode(), file, start, len(line), at)


def test_a_key_is_found_among_many_and_one_that_is_no_hash_too(tmp_path: Path) -> None:
    places, file = Places(), LineFile(tmp_path / "a.jsonl")
    keys = [hashlib.sha256(str(number).encode()).hexdigest()[:32] for number in range(5000)]
    keys += [f"{number:032x}" for number in range(500)] + [f"word {number}" for number in range(500)] + ["", "00 11", "\ud800"]
    file.path.write_bytes(b"".join(b"%06d\n" % number for number in range(len(keys))))
    assert not any(key in places for key in keys)
    for number, key in enumerate(keys):
        places.put(key, file, 7 * number, 7, 0.0)
    assert all(key in places for key in keys)
    assert places.get(keys) == [(b"%06d\n" % number, file, 0.0) for number in range(len(keys))]
    assert places.get([*keys[3:1:-1], "f" * 32, keys[3]]) == [
        (b"000003\n", file, 0.0),
        (b"000002\n", file, 0.0),
        None,
        (b"000003\n", file, 0.0),
    ]
    assert "f" * 32 not in places


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_a_line_is_read_back_by_its_key_in_any_order(tmp_path: Path, name: str) -> None:
    lines = [f"{number:032x} {'é' * number}\n".encode() for number in range(50)]
    content = b"".join(lines)
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    places, file = Places(), LineFile(tmp_path / name)
    placed(places, file)
    for number in reversed(range(50)):
        assert places.get([f"{number:032x}"]) == [(lines[number], file, 0.0)]
    assert places.get(["f" * 32]) == [None]
    file.close()
    assert places.get([f"{7:032x}"]) == [(lines[7], file, 0.0)]
    file.close()


def test_lines_of_many_files_are_told_apart_with_one_of_them_open(tmp_path: Path) -> None:
    places = Places()
    files = [LineFile(tmp_path / f"{number}.jsonl") for number in range(5)]
    for number, file in enumerate(files):
        file.path.write_bytes(b"a%d x\nb%d y\n" % (number, number))
        placed(places, file)
    for letter, rest in (("a", b"x"), ("b", b"y")):
        for number in range(5):
            (line,) = places.get([f"{letter}{number}"])
            assert line is not None
            assert line.text == b"%s%d %s\n" % (letter.encode(), number, rest)
            assert sum(file._file is not None for file in files) == 1


def test_of_equal_keys_the_newest_counts_and_then_the_last(tmp_path: Path) -> None:
    places = Places()
    files = {name: LineFile(tmp_path / name) for name in ("old", "new", "between", "same")}
    for name, file in files.items():
        file.path.write_text(f"k {name}\n")
    for name, at in (("old", 1.0), ("new", 3.0), ("between", 2.0)):
        placed(places, files[name], at=at)
    assert places.get(["k"]) == [(b"k new\n", files["new"], 3.0)]
    placed(places, files["same"], at=3.0)
    assert places.get(["k"]) == [(b"k same\n", files["same"], 3.0)]


def test_lines_far_apart_and_of_several_files_are_found_together(tmp_path: Path) -> None:
    """Such as stand close together are read in one piece: around each bound of that, and past it."""
    places, written = Places(), dict[str, bytes]()
    for name in ("a", "b"):
        lengths = [10, GAP - 1, 10, GAP, 10, GAP + 1, 10, BLOCK, 10, 10, 3 * BLOCK, 10]
        lines = [f"{name}-{number} ".encode().ljust(length, b".") + b"\n" for number, length in enumerate(lengths)]
        content = b"".join(lines)
        path = tmp_path / f"{name}.jsonl"
        path.write_bytes(content)
        placed(places, LineFile(path))
        written |= {line.split()[0].decode(): line for line in lines}
    for keys in ([*written], [*written][::2], [*written][1::2], [*written][::-3]):
        assert [line.text for line in places.get(keys) if line is not None] == [written[key] for key in keys]


def test_a_file_that_grows_is_read_on_and_a_line_without_an_end_is_left(tmp_path: Path) -> None:
    file = LineFile(tmp_path / "a.jsonl")
    file.path.write_bytes(b"a\nb")
    assert list(file.new_lines(whole=True)) == [(0, b"a\n")]
    assert list(file.new_lines(whole=True)) == []
    with file.path.open("ab") as more:
        more.write(b"b\nc")
    assert list(file.new_lines(whole=True)) == [(2, b"bb\n")]
    assert list(file.new_lines()) == [(5, b"c")]
    assert list(file.new_lines()) == []
    assert file.lines_read == 3


def test_a_file_that_is_gone_or_torn_is_named(tmp_path: Path) -> None:
    places, file = Places(), LineFile(tmp_path / "a.jsonl")
    file.path.write_bytes(b"a\n")
    placed(places, file)
    file.path.unlink()
    with pytest.raises(ConfigError, match=r"a\.jsonl: cannot be read"):
        places.get(["a"])
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(b"a\n" * 9)[:-4])
    with pytest.raises(ConfigError, match=r"b\.jsonl\.gz: cannot be read"):
        placed(places, LineFile(tmp_path / "b.jsonl.gz"))
