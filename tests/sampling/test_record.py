"""The record: what was paid for is found again, whatever became of its writer."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_understudy.errors import ConfigError
from pytest_understudy.routes.ask import sample_key
from pytest_understudy.sampling.draws import Drawn
from pytest_understudy.sampling.record import Record, count_verdict

from .made import completion, plan


def kept(folder: Path, key: str = "k", output: str = "yes", error: str | None = None) -> Path:
    """A record of one line, by a process of its own."""
    record = Record(folder)
    record.keep(key, plan(), 0, Drawn(None, error) if error else Drawn(completion(output)))
    record.close()
    return max(folder.glob("*.jsonl"), key=lambda path: path.stat().st_mtime_ns)


def test_a_sample_is_found_again_with_its_latency_and_tokens(tmp_path: Path) -> None:
    kept(tmp_path)
    found = Record(tmp_path).find("k")
    assert found == Drawn(completion(), replayed=True)
    assert Record(tmp_path).find("other") is None


def test_several_are_found_at_once_in_the_order_that_they_are_asked_in(tmp_path: Path) -> None:
    for key in "abc":
        kept(tmp_path, key, f"of {key}")
    record = Record(tmp_path)
    found = record.find_all(["c", "x", "a", "c"])
    assert [one and one.completion and one.completion.output for one in found] == ["of c", None, "of a", "of c"]
    assert record.missing(["x", "b", "y", "a"]) == ["x", "y"]


@given(st.floats(0, 1e9), st.text() | st.just("half of \ud83d"), st.integers(0, 2**70))
def test_a_line_is_read_as_exactly_as_python_reads_json(seconds: float, output: str, tokens: int) -> None:
    with TemporaryDirectory() as name:
        (whole,) = kept(Path(name)).read_text().splitlines()
        line = json.loads(whole) | {"latency": seconds, "output": output}
        line["tokens"] = {**line["tokens"], "prompt": tokens}
        Path(name, "another.jsonl").write_text(json.dumps(line | {"key": "another"}) + "\n")
        found = Record(Path(name)).find("another")
    assert found is not None
    assert found.completion is not None
    assert (found.completion.latency, found.completion.output, found.completion.tokens.prompt) == (seconds, output, tokens)


def test_a_line_has_the_keys_of_the_surface_and_no_other(tmp_path: Path) -> None:
    (line,) = kept(tmp_path).read_text().splitlines()
    data = json.loads(line)
    assert list(data) == [
        "key",
        "route",
        "task",
        "sample",
        "output",
        "finish",
        "error",
        "tokens",
        "latency",
        "waited",
        "requests",
        "sent",
        "at",
    ]
    assert list(data["tokens"]) == ["prompt", "cached", "cache_write", "generated", "reasoning"]
    assert data["requests"] == [{"tokens": data["tokens"], "latency": 0.5, "finish": "stop", "output": "yes"}]
    assert (data["route"], data["task"], data["sample"]) == ("raw", "lamp", 0)


def test_a_prompt_stands_in_the_line_only_where_prompts_are_kept(tmp_path: Path) -> None:
    record = Record(tmp_path)
    record.keep("k", plan(), 0, replace(Drawn(completion()), sent="5e", prompt="Hello"))
    record.close()
    (path,) = tmp_path.glob("*.jsonl")
    data = json.loads(path.read_text())
    assert list(data)[-4:] == ["requests", "sent", "prompt", "at"]
    assert (data["sent"], data["prompt"]) == ("5e", "Hello")


def test_a_line_of_an_earlier_version_without_a_hash_of_what_was_sent_is_replayed(tmp_path: Path) -> None:
    path = kept(tmp_path)
    line = json.loads(path.read_text())
    del line["sent"]
    path.write_text(json.dumps(line) + "\n")
    assert Record(tmp_path).find("k") == Drawn(completion(), replayed=True)


def test_of_equal_keys_the_newest_wins_whatever_the_files_are_called(tmp_path: Path) -> None:
    kept(tmp_path, output="old").rename(tmp_path / "z.jsonl")
    kept(tmp_path, output="new").rename(tmp_path / "a.jsonl")
    found = Record(tmp_path).find("k")
    assert found is not None
    assert found.completion is not None
    assert found.completion.output == "new"


def test_an_error_is_kept_and_asked_again(tmp_path: Path) -> None:
    path = kept(tmp_path, error="refused")
    assert json.loads(path.read_text())["error"] == "refused"
    assert Record(tmp_path).find("k") is None


def test_a_torn_last_line_is_skipped_and_told(tmp_path: Path) -> None:
    path = kept(tmp_path)
    line = path.read_bytes()
    path.write_bytes(line + line.replace(b'"k"', b'"l"')[: len(line) // 2])
    record = Record(tmp_path)
    assert record.find("k") is not None
    assert record.find("l") is None
    assert record.notes == [f"{path.name}:2: a torn line was skipped; its sample is asked again"]


def test_half_a_line_in_front_of_a_whole_one_is_skipped_with_it_and_told(tmp_path: Path) -> None:
    path = kept(tmp_path)
    line = path.read_bytes()
    path.write_bytes(line[: len(line) // 2] + line)
    record = Record(tmp_path)
    assert record.find("k") is None
    assert record.notes == [f"{path.name}:1: a torn line was skipped; its sample is asked again"]


def test_what_an_output_says_of_errors_and_keys_is_not_read_as_the_lines_own(tmp_path: Path) -> None:
    text = '{"key": "m", "route": "r", "error": null, "tokens": {}, "at": "2020-01-01T00:00:00+00:00"}\n'
    kept(tmp_path, output=text)
    kept(tmp_path, key="l", output=text, error="refused")
    record = Record(tmp_path)
    found = record.find("k")
    assert found is not None
    assert found.completion is not None
    assert found.completion.output == text
    assert ("l" in record, "m" in record, record.notes) == (False, False, [])


def test_a_line_whose_middle_is_broken_is_named_when_it_is_asked_for(tmp_path: Path) -> None:
    path = kept(tmp_path)
    path.write_bytes(path.read_bytes().replace(b'"latency": 0.5', b'"latency": ..5', 1))
    with pytest.raises(ConfigError, match=rf"{path.name}: the line of key k is none of ours.*take it out"):
        Record(tmp_path).find("k")


@pytest.mark.parametrize("torn", [b"\xff\xfe", b"null\n", b"{}\n", b'{"key": 3}\n', b"\n"])
def test_a_line_that_is_none_of_ours_is_skipped_and_told(tmp_path: Path, torn: bytes) -> None:
    path = kept(tmp_path)
    path.write_bytes(torn + path.read_bytes() if torn.endswith(b"\n") else path.read_bytes() + torn)
    record = Record(tmp_path)
    assert record.find("k") is not None
    assert len(record.notes) == 1


def test_read_only_records_may_be_compressed_files_or_folders(tmp_path: Path) -> None:
    (tmp_path / "shipped").mkdir()
    path = kept(tmp_path / "own")
    with gzip.open(tmp_path / "shipped" / "record.jsonl.gz", "wb") as file:
        file.write(path.read_bytes())
    path.unlink()
    for place in (tmp_path / "shipped", tmp_path / "shipped" / "record.jsonl.gz"):
        record = Record(tmp_path / "own", recorded=[place])
        assert record.find("k") == Drawn(completion(), replayed=True)
    with pytest.raises(ConfigError, match="no such file or folder"):
        Record(tmp_path, recorded=[tmp_path / "nowhere"])


def test_a_record_that_is_not_read_finds_nothing_and_still_keeps(tmp_path: Path) -> None:
    kept(tmp_path)
    record = Record(tmp_path, read=False)
    assert record.find("k") is None
    record.keep("m", plan(), 1, Drawn(completion()))
    record.close()
    assert Record(tmp_path).find("m") is not None


def test_lines_are_found_by_request_and_number_also_those_that_others_wrote_meanwhile(tmp_path: Path) -> None:
    record = Record(tmp_path)
    for number in (0, 1):
        record.keep(sample_key("digest", number), plan(), number, Drawn(completion(f"mine {number}"), sent="5e", prompt="Hello"))
    record.keep(sample_key("digest", 2), plan(), 2, Drawn(None, "refused"))
    kept(tmp_path, sample_key("digest", 3), "another's")
    record.close()
    lines = record.lines("digest", [3, 2, 1, 9])
    assert {number: line["output"] for number, line in lines.items()} == {3: "another's", 1: "mine 1"}
    assert (lines[1]["prompt"], lines[1]["tokens"]["prompt"], lines[1]["latency"]) == ("Hello", 10, 0.5)
    assert record.lines("of nothing", range(3)) == {}


def test_a_sample_is_found_as_soon_as_it_is_kept_and_its_output_is_on_disk_alone(tmp_path: Path) -> None:
    record = Record(tmp_path)
    record.keep("k", plan(), 0, Drawn(completion()))
    assert "k" in record
    assert record.find("k") == Drawn(completion(), replayed=False)
    (path,) = tmp_path.glob("*.jsonl")
    path.write_text(path.read_text().replace("yes", "not"))
    found = record.find("k")
    assert found is not None
    assert found.completion is not None
    assert found.completion.output == "not"
    path.write_text("short\n")
    with pytest.raises(ConfigError, match=rf"{path.name}: the line of key k is none of ours, or was changed while it was in use"):
        record.find("k")


def test_verdicts_are_counted_by_holdout(tmp_path: Path) -> None:
    assert [count_verdict(tmp_path, holdout) for holdout in ("a", "b", "a", "a")] == [1, 1, 2, 3]
    assert Record(tmp_path).notes == []  # they are no lines of the record


def test_nothing_is_written_where_nothing_was_drawn(tmp_path: Path) -> None:
    Record(tmp_path / "new").close()
    assert not (tmp_path / "new").exists()
