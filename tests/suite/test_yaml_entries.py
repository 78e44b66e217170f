"""libyaml and PyYAML's own parser read the same, down to the lines; and the second says what is wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pytest_understudy.errors import TaskError
from pytest_understudy.suite import yaml_entries as module
from pytest_understudy.suite.yaml_entries import yaml_entries, yaml_value

ROOT = Path(__file__).parents[2]
SHIPPED = sorted(path for folder in ("docs", "example_suite", "example_workflows") for path in (ROOT / folder).rglob("*.yaml"))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.sampled_from(["2026-12-13", "0x_", "~"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1), inner, max_size=4),
    max_leaves=20,
)


needs_libyaml = pytest.mark.skipif(not yaml.__with_libyaml__, reason="PyYAML was built without libyaml")


def tree(node: yaml.Node | None) -> Any:
    """Tags, values and lines."""
    if node is None:
        return None
    inside = node.value
    if isinstance(node, yaml.SequenceNode):
        inside = [tree(one) for one in node.value]
    if isinstance(node, yaml.MappingNode):
        inside = [(tree(key), tree(value)) for key, value in node.value]
    return (node.tag, inside, node.start_mark.line)


def both(text: str) -> tuple[Any, Any]:
    quick = module._quickly_composed(text)
    assert quick is not None
    return tree(quick[1]), tree(module._slowly_composed(text)[1])


@needs_libyaml
@pytest.mark.parametrize("path", [path for path in SHIPPED if path.stat().st_size < 200_000], ids=lambda path: path.name)
def test_what_is_shipped_is_read_alike(path: Path) -> None:
    quick, slow = both(path.read_text())
    assert quick == slow


@needs_libyaml
@given(JSON, st.booleans(), st.booleans())
def test_what_is_dumped_is_read_alike(value: Any, flow: bool, unicode: bool) -> None:
    text = yaml.safe_dump({"value": value}, default_flow_style=flow, allow_unicode=unicode)
    quick, slow = both(text)
    assert quick == slow


def test_without_libyaml_the_entries_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "docs/tutorial/emails.yaml").read_text()
    quick = yaml_entries(text, "emails.yaml")
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    assert yaml_entries(text, "emails.yaml") == quick


def test_where_yaml_was_imported_twice_a_suite_is_read_all_the_same() -> None:
    code = f"""
        import sys
        for _ in range(2):
            for name in [name for name in sys.modules if name.partition(".")[0] in ("yaml", "pytest_understudy")]:
                del sys.modules[name]
            from pytest_understudy.suite.yaml_entries import yaml_entries
            print(len(yaml_entries(open({str(ROOT / "docs/tutorial/emails.yaml")!r}).read(), "emails.yaml").tasks))
        """
    done = subprocess.run([sys.executable, "-c", dedent(code)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["10", "10"]


@pytest.mark.parametrize("depth", [1_100, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ("{a: ", "}"), ("- ", "")])
def test_what_is_nested_beyond_all_bounds_is_an_error_and_no_crash(depth: int, opening: str, closing: str) -> None:
    with pytest.raises(TaskError, match=r"deep\.yaml:1: not YAML: maximum recursion depth"):
        yaml_value(opening * depth + "x" + closing * depth, "deep.yaml")
