"""understudy.toml to Config: what it builds, and what it says of a file that is wrong."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from pytest_understudy.config.config import Config, find_config, load_config
from pytest_understudy.config.endpoints import endpoint_of, missing_key
from pytest_understudy.endpoints.anthropic import Anthropic
from pytest_understudy.endpoints.endpoint import Message, Request, Tokens
from pytest_understudy.endpoints.openai import OpenAI
from pytest_understudy.errors import ConfigError
from pytest_understudy.routes.price import Price
from pytest_understudy.routes.route import asks_alike
from pytest_understudy.verdict.machine import Machine

LOCAL = """
[endpoints.local]
kind = "embedded"
adapters = { ops = "ops.gguf" }

[routes.raw]
endpoint = "local"
sampling = { temperature = 0.7, seed = 3 }
"""
MACHINE = '[endpoints.local]\nkind = "embedded"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def loaded(folder: Path, text: str) -> Config:
    (folder / "understudy.toml").write_text(dedent(text))
    return load_config(folder / "understudy.toml")


def test_a_route_extends_another_and_its_sampling_key_by_key(folder: Path) -> None:
    config = loaded(
        folder,
        LOCAL
        + """
        [routes.prefill]
        extends = "raw"
        controls = ["prefill"]
        fill = "slots"
        sampling = { max_tokens = 100 }
        """.replace("        ", ""),
    )
    route = config.routes["prefill"]
    assert (route.endpoint, route.controls, route.fill) == ("local", ("prefill",), "slots")
    assert (route.sampling.temperature, route.sampling.seed, route.sampling.max_tokens) == (0.7, 3, 100)


def test_prices_are_blended_or_told_apart(folder: Path) -> None:
    config = loaded(
        folder,
        LOCAL
        + 'price = { blended = 0.2 }\n[routes.frontier]\nendpoint = "local"\nprice = { input = 3, cached = 0.3, output = 15 }\n',
    )
    tokens = Tokens(prompt=1_000_000, cached=500_000, generated=1_000_000)
    blended, apart = config.routes["raw"].price, config.routes["frontier"].price
    assert blended is not None
    assert blended.cost(tokens) == pytest.approx(0.4)
    assert apart is not None
    assert apart.cost(tokens) == pytest.approx(1.5 + 0.15 + 15)
    assert apart.uncached(tokens) == pytest.approx(18)
    assert apart.cost(Tokens(prompt=10)) is None


def test_a_price_names_its_day_as_a_date_or_as_text(folder: Path) -> None:
    for written in ("2026-11-20", '"2026-11-20"'):
        price = loaded(folder, f"{LOCAL}price = {{ blended = 0.2, date = {written} }}").routes["raw"].price
        assert price == Price(input=0.2, output=0.2, source="config", date="2026-11-20")


def test_a_price_is_looked_up_only_for_a_route_that_is_selected(folder: Path) -> None:
    config = loaded(
        folder,
        LOCAL
        + """price = "auto"
[endpoints.far]
kind = "openai"
base_url = "https://api.openai.com/v1"
[routes.mini]
extends = "raw"
endpoint = "far"
model = "gpt-5-mini"
[routes.cheap]
extends = "mini"
price = { blended = 0.1 }
""",
    )
    assert [route.price for route in config.routes.values()] == [None, None, Price.blended(0.1)]
    mini, cheap, raw = config.selected(["mini", "cheap", "raw"], ["no_think"])
    assert mini.name == "mini+no_think"
    assert mini.price is not None
    assert mini.price.cost(Tokens(prompt=1_000_000, generated=1_000_000)) == pytest.approx(2.25)
    assert cheap.price == Price.blended(0.1)
    assert (raw.price, raw.unpriced) == (
        None,
        "a server of one's own is in no list: write its price, or what its machine costs an hour in `hourly`",
    )


def test_an_endpoint_of_any_kind_may_stand_on_a_machine_that_is_paid_for_by_the_hour(folder: Path) -> None:
    hourly = "hourly = 2.9\nmachines = 2\nutilisation = 0.7\ncold_start = 60\n"
    config = loaded(
        folder,
        f"""
[endpoints.a]
kind = "embedded"
{hourly}
[endpoints.b]
kind = "openai"
base_url = "https://host.example/v1"
hourly = 2
[endpoints.c]
kind = "special"
mine = 1
{hourly}
[endpoints.d]
kind = "embedded"
""",
    )
    whole = Machine(2.9, 2, 0.7, 60)
    assert [one.machine for one in config.endpoints.values()] == [whole, Machine(2.0, 1, 0.5, None), whole, None]
    assert config.endpoints["c"].settings == {"mine": 1}
    assert "hourly" not in config.endpoints["a"].settings


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[understudi]", "understudy.toml: unknown table [understudi]; there are 'understudy', 'endpoints', 'routes' and 'gate'"),
        ("[understudy]\nsample = 3", "understudy.toml: [understudy]: unknown key 'sample'; did you mean 'samples'?"),
        ("[understudy]\nsamples = 0", "understudy.toml: [understudy] samples: input should be greater than or equal to 1"),
        ("[understudy]\nladder = ['sft']" + LOCAL, "understudy.toml: [understudy] ladder: no route named 'sft'; there are 'raw'"),
        ("[endpoints.local]\nmodel = 'x'", "understudy.toml: [endpoints.local] kind: an endpoint needs a kind"),
        (LOCAL + "extends = 'row'", "[routes.raw] extends: no route named 'row'; there are 'raw'"),
        (LOCAL + "extends = 'raw'", "[routes.raw] extends: routes extend each other in a circle: raw -> raw"),
        (LOCAL + "adapter = 'opps'", "[routes.raw] adapter: endpoint 'local' has no adapter 'opps'; it has 'ops'"),
        (LOCAL + "controls = ['prefil']", "[routes.raw] controls.0: input should be 'prefill', 'no_think' or 'schema'"),
        (LOCAL + "fill = 'slots'", "[routes.raw] fill: fill says how a prefilled form is filled: add prefill to controls"),
        (LOCAL + "controls = ['prefill', 'schema']", "[routes.raw] controls: route 'raw': prefill and schema exclude each other"),
        (LOCAL + "price = { input = 1 }", "[routes.raw] price: a price is { blended } or { input, output }"),
        (LOCAL + "price = { blended = 1, input = 1 }", "[routes.raw] price: blended is one price on all tokens"),
        (LOCAL + "price = 'autos'", '[routes.raw] price: a price is a table, { blended } or { input, output }, or "auto"'),
        (LOCAL + "price = { blended = 1, date = 'May' }", "[routes.raw] price.date: this is no day; write it as 2026-11-20"),
        (LOCAL + "price = { blended = 1, date = 7 }", "[routes.raw] price.date: this is no day; write it as 2026-11-20"),
        (LOCAL + "price = { blended = 1, date = 2026-11-20T10:00:00 }", "[routes.raw] price.date: this is no day"),
        (LOCAL + "price = { blendet = 1 }", "[routes.raw] price: unknown key 'blendet'; did you mean 'blended'?"),
        (LOCAL + "price = { blended = -1 }", "[routes.raw] price.blended: input should be greater than or equal to 0"),
        (LOCAL + "training_cost = -1", "[routes.raw] training_cost: input should be greater than or equal to 0"),
        (MACHINE + "machines = 2", "[endpoints.local]: 'machines' is about a machine by the hour: say hourly"),
        (MACHINE + "hourly = 0", "[endpoints.local] hourly: input should be greater than 0"),
        (MACHINE + "hourly = 1\nmachines = 0", "[endpoints.local] machines: input should be greater than or equal to 1"),
        (MACHINE + "hourly = 1\nutilisation = 0", "[endpoints.local] utilisation: input should be greater than 0"),
        (MACHINE + "hourly = 1\nutilisation = 1.5", "[endpoints.local] utilisation: input should be less than or equal to 1"),
        (MACHINE + "hourly = 1\ncold_start = -1", "[endpoints.local] cold_start: input should be greater than or equal to 0"),
        (MACHINE + "hourley = 1", "[endpoints.local]: unknown key 'hourley'; did you mean 'hourly'?"),
        (LOCAL + 'label = "two\\tcolumns"', "[routes.raw] label: string should match pattern"),
        ("[gate]\nmargin = 0.0", "[gate] margin: input should be greater than 0"),
        ("[gate]\nstrict = 0.9", "[gate]: unknown key 'strict'; did you mean 'strict_pass'?"),
        ("[gate]\nstrict_pass = 1.2", "[gate] strict_pass: input should be less than or equal to 1"),
        ("[routes]\nraw = 3", "[routes]: write a table for each, such as [routes.local]"),
        ("[understudy\n", "understudy.toml: cannot be read as TOML"),
    ],
)
def test_a_config_that_is_wrong_is_told_where_and_what(folder: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(folder, text)
    assert said in str(caught.value)


SECRET = "sk-Abc123SuperSecret"


@pytest.mark.parametrize(
    "line",
    [
        f'api_key = "{SECRET}"',
        f'api_key_env = "{SECRET}"',
        f'apikey = "{SECRET}"',
        f'secret = "{SECRET}"',
        f'whatever = "{SECRET}"',
        f'timeout = "{SECRET}"',
        f'retries = {{ a = "{SECRET}" }}',
        f'api_key_env = ["{SECRET}"]',
        f'preset = "{SECRET}"',
        f'prefill = "{SECRET}"',
    ],
)
def test_a_key_in_a_config_is_refused_without_printing_it(folder: Path, line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(folder, f'[endpoints.far]\nkind = "openai"\nbase_url = "https://host.example/v1"\n{line}\n')
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value)
    assert "[endpoints.far]" in str(caught.value)


@pytest.mark.parametrize(
    "url", [f"https://me:{SECRET}@host.example/v1", f"https://host.example/v1?key={SECRET}", f"ftp://{SECRET}", SECRET]
)
def test_a_url_that_is_wrong_or_holds_a_password_is_refused_without_printing_it(folder: Path, url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(folder, f'[endpoints.far]\nkind = "openai"\nbase_url = "{url}"\n')
    assert SECRET not in str(caught.value)
    assert "[endpoints.far] base_url" in str(caught.value)


def test_a_key_that_is_not_set_is_named_by_its_variable(folder: Path) -> None:
    config = loaded(folder, '[endpoints.far]\nkind = "openai"\nbase_url = "https://host.example/v1"\napi_key_env = "FAR_KEY"\n')
    assert missing_key(config.endpoints["far"], {}) == "FAR_KEY"
    assert missing_key(config.endpoints["far"], {"FAR_KEY": "x"}) is None


def test_the_config_is_looked_up_from_the_path_towards_the_root(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "understudy.toml").touch()
    assert find_config(tmp_path / "a" / "b" / "test_x.py", tmp_path) == tmp_path / "understudy.toml"
    (tmp_path / "a" / "understudy.toml").touch()
    assert find_config(tmp_path / "a" / "b", tmp_path) == tmp_path / "a" / "understudy.toml"
    with pytest.raises(ConfigError, match=r"no understudy\.toml from"):
        find_config(tmp_path / "a" / "b", tmp_path / "a" / "b")


def test_a_label_is_a_routes_own(folder: Path) -> None:
    text = LOCAL + 'label = "taught to think aloud"\n[routes.nothink]\nextends = "raw"\ncontrols = ["no_think"]\n'
    routes = loaded(folder, text).routes
    assert [route.label for route in routes.values()] == ["taught to think aloud", ""]
    assert routes["raw"].with_controls(["prefill"]).label == ""
    assert routes["raw"].with_controls([]).label == "taught to think aloud"
    own = loaded(folder, text + 'label = "at once"\n').routes
    assert own["nothink"].label == "at once"


def test_a_label_changes_nothing_that_is_asked(folder: Path) -> None:
    routes = loaded(folder, LOCAL + 'label = "one"\n[routes.twin]\nextends = "raw"\nlabel = "two"\n').routes
    assert asks_alike(routes["raw"], routes["twin"])


def test_margins_are_the_comparisons_and_the_gates_own(folder: Path) -> None:
    config = loaded(folder, "[understudy]\nmargin = 0.05\n[gate]\nmargin = 0.1\n" + LOCAL)
    assert config.gate is not None
    assert (config.margin, config.gate.margin) == (0.05, 0.1)
    plain = loaded(folder, "[gate]\n" + LOCAL)
    assert plain.gate is not None
    assert (plain.margin, plain.gate.margin) == (0.02, None)


# Endpoints that are served

FAR = '[endpoints.far]\nkind = "openai"\n'


def test_a_preset_sets_what_is_not_said(folder: Path) -> None:
    settings = loaded(folder, FAR + 'preset = "deepseek"\n').endpoints["far"].settings
    assert (settings["base_url"], settings["prefill"], settings["no_think"]) == (
        "https://api.deepseek.com/beta",
        "prefix",
        "thinking",
    )
    own = loaded(folder, FAR + 'preset = "deepseek"\nbase_url = "https://host.example/v1"\nno_think = "soft"\n')
    settings = own.endpoints["far"].settings
    assert (settings["base_url"], settings["prefill"], settings["no_think"]) == ("https://host.example/v1", "prefix", "soft")


def test_without_a_preset_nothing_is_continued_and_no_think_is_said_softly(folder: Path) -> None:
    settings = loaded(folder, FAR + 'base_url = "https://host.example/v1"\n').endpoints["far"].settings
    assert (settings["prefill"], settings["no_think"]) == ("none", "soft")


def test_a_preset_continues_by_completions_where_the_template_is_known(folder: Path) -> None:
    without = loaded(folder, FAR + 'preset = "fireworks"\n').endpoints["far"].settings
    assert (without["prefill"], without["no_think"]) == ("none", "effort")
    known = loaded(folder, FAR + 'preset = "fireworks"\ntemplate = "qwen3"\n').endpoints["far"].settings
    assert (known["prefill"], known["no_think"]) == ("completions", "template")


def test_a_template_is_a_file_beside_the_config(folder: Path) -> None:
    (folder / "mine.jinja").write_text("{% for m in messages %}{{ m.content }}{% endfor %}")
    config = loaded(folder, FAR + 'base_url = "https://host.example/v1"\nprefill = "completions"\ntemplate = "mine.jinja"\n')
    endpoint = endpoint_of(config.endpoints["far"], config.folder)
    assert isinstance(endpoint, OpenAI)
    assert endpoint.rendered(Request((Message("user", "hi"),), prefix="{")) == "hi{"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (FAR, "understudy.toml: [endpoints.far]: 'base_url' is missing"),
        (FAR + "preset = 'vllm'", "understudy.toml: [endpoints.far]: 'base_url' is missing"),
        (FAR + "preset = 'vlm'", "[endpoints.far] preset: input should be 'vllm', 'sglang', 'llama.cpp'"),
        (
            FAR + "preset = 'vllm'\nbase_url = 'http://host/v1'\ntemplate = 'qwen3'",
            "[endpoints.far] template: a template is for prefill = 'completions' alone",
        ),
        (
            FAR + "base_url = 'http://host/v1'\nprefill = 'completions'",
            "[endpoints.far] prefill: 'completions' renders prompts here: say the model's template, 'qwen3' and 'chatml'",
        ),
        (
            FAR + "base_url = 'http://host/v1'\nprefill = 'completions'\ntemplate = 'qwen'",
            "[endpoints.far] template: template 'qwen': no such file; there are 'qwen3' and 'chatml', or a Jinja file's path",
        ),
        (
            "[endpoints.far]\nkind = 'anthropic'\nthinking = 100",
            '[endpoints.far] thinking: write a budget of 1024 tokens or more, or "adaptive"',
        ),
        ("[endpoints.far]\nkind = 'anthropic'\nprefill = 'assistant'", "[endpoints.far]: unknown key 'prefill'"),
        ("[endpoints.far]\nkind = 'anthropic'\nmax_tokens = 3", "[endpoints.far]: unknown key 'max_tokens'"),
        (
            "[endpoints.far]\nkind = 'anthropic'\n[routes.tuned]\nendpoint = 'far'\nadapter = 'ops'",
            "[routes.tuned] adapter: an anthropic endpoint serves an adapter under a model's name: say it in model",
        ),
    ],
)
def test_a_served_endpoint_that_is_wrong_is_told_where_and_what(folder: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(folder, text)
    assert said in str(caught.value)


def test_a_template_that_cannot_be_parsed_is_told_with_its_line(folder: Path) -> None:
    (folder / "bad.jinja").write_text("{{ bos_token }}\n{% for %}")
    with pytest.raises(ConfigError, match=r"\[endpoints\.far\] template: bad\.jinja:2: the chat template fails"):
        loaded(folder, FAR + 'preset = "fireworks"\ntemplate = "bad.jinja"\n')


def test_anthropic_is_an_endpoint_with_a_key_like_any_other(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = loaded(folder, '[endpoints.far]\nkind = "anthropic"\napi_key_env = "FAR_KEY"\nthinking = "adaptive"\ncache = true\n')
    assert missing_key(config.endpoints["far"], {}) == "FAR_KEY"
    monkeypatch.setenv("FAR_KEY", SECRET)
    endpoint = endpoint_of(config.endpoints["far"], config.folder)
    assert isinstance(endpoint, Anthropic)
    assert SECRET not in f"{endpoint!r} {vars(endpoint)}"
    assert endpoint._url == "https://api.anthropic.com"


def test_a_password_in_anthropics_url_is_refused_without_printing_it(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"\[endpoints\.far\] base_url: a user or a password has no place") as caught:
        loaded(folder, f'[endpoints.far]\nkind = "anthropic"\nbase_url = "https://me:{SECRET}@host.example"\n')
    assert SECRET not in str(caught.value)
