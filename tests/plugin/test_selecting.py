"""What is run, and what happens where nothing was selected or something is wrong."""

from __future__ import annotations

import pytest

from .conftest import Suite


def test_without_a_route_each_holdout_test_is_one_skipped_item_that_says_how_to_select_one(suite: Suite) -> None:
    result = suite.run("-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*no route selected: say --understudy-route=NAME, or --understudy-ladder*"])
    assert suite.server.asked == []


def test_without_a_route_no_file_beyond_the_test_module_is_read(suite: Suite) -> None:
    suite.with_tasks("tasks: [").with_config("[nonsense]")
    assert suite.run("--understudy-samples=3", "--understudy-min-strict=1").ret == pytest.ExitCode.OK


def test_without_a_route_no_room_is_imported(suite: Suite) -> None:
    (suite.path / "conftest.py").write_text(
        "import sys\n"
        "def pytest_sessionfinish():\n"
        "    rooms = [n for n in sys.modules if n.startswith('pytest_understudy.') and n.count('.') > 1]\n"
        "    heavy = {'asyncio', 'httpx2', 'aiohttp', 'pydantic', 'yaml', 'jsonschema', 'llguidance'} & set(sys.modules)\n"
        "    print('rooms', rooms, 'heavy', heavy)\n"
    )
    result = suite.run("-s", "-p", "no:xdist", "-p", "no:anyio", "-p", "no:hypothesispytest", apart=True)
    result.stdout.fnmatch_lines(["*rooms [[][]] heavy set()*"])


def test_collecting_the_ladder_lists_the_items_and_asks_nothing(suite: Suite) -> None:
    result = suite.run("--collect-only", "-q", "--understudy-ladder")
    result.stdout.fnmatch_lines(
        [
            "test_emails.py::test_emails[[]raw-broken-lamp[]]",
            "test_emails.py::test_emails[[]raw-opening-hours[]]",
            "test_emails.py::test_emails[[]raw-late-parcel[]]",
            "test_emails.py::test_emails[[]prefill-broken-lamp[]]",
        ]
    )
    assert result.ret == pytest.ExitCode.OK
    assert suite.server.asked == []


def test_an_unknown_route_is_a_usage_error_that_lists_the_routes(suite: Suite) -> None:
    result = suite.run("--understudy-route=prefil")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*no route named 'prefil'; did you mean 'prefill'? there are 'raw' and 'prefill'*"])


def test_a_missing_endpoint_is_named_with_those_that_exist(suite: Suite) -> None:
    result = suite.with_config("[routes.odd]\nendpoint = 'locl'").run("--understudy-route=raw")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*understudy.toml: [[]routes.odd[]] endpoint: no endpoint named 'locl'; there are 'local'*"])


def test_without_a_config_a_selected_route_is_a_usage_error(suite: Suite) -> None:
    (suite.path / "understudy.toml").unlink()
    result = suite.run("--understudy-route=raw")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*no understudy.toml from*write one, or say --understudy-config=PATH*"])


def test_a_config_may_stand_in_pyproject(suite: Suite) -> None:
    text = (suite.path / "understudy.toml").read_text()
    text = text.replace("[endpoints", "[tool.understudy.endpoints").replace("[routes", "[tool.understudy.routes")
    (suite.path / "pyproject.toml").write_text(text.replace("[understudy]", "[tool.understudy]"))
    (suite.path / "understudy.toml").unlink()
    suite.run("--understudy-route=prefill").assert_outcomes(passed=3)


def test_the_nearest_config_towards_the_rootdir_is_taken(suite: Suite) -> None:
    inner = suite.path / "inner"
    inner.mkdir()
    for name in ("test_emails.py", "emails.yaml"):
        (suite.path / name).rename(inner / name)
    (suite.path / "pytest.ini").write_text("[pytest]\n")
    suite.run("--understudy-route=raw", "inner").assert_outcomes(passed=3)
    (inner / "understudy.toml").write_text(
        (suite.path / "understudy.toml").read_text().replace("routes.raw", "routes.plain").replace('"raw"', '"plain"')
    )
    suite.run("--understudy-route=plain", "inner/test_emails.py").assert_outcomes(passed=3)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--understudy-samples=0", "*'0' is not a whole number from 1 up*"),
        ("--understudy-min-strict=1.5", "*'1.5' is not a number from 0 to 1*"),
        ("--understudy-max-p95=nan", "*'nan' is not a number above 0*"),
        ("--understudy-split=test", "*invalid choice: 'test'*"),
        ("--understudy-report=report.txt", "*report.txt: a report's name ends in .json*"),
        ("--understudy-report=nowhere/report.json", "*no report can be written there*"),
        ("--understudy-control=prefil", "*no control named 'prefil'; there are 'prefill', 'no_think' and 'schema'*"),
        ("--understudy-ladder", "*--understudy-route and --understudy-ladder exclude each other*"),
    ],
)
def test_a_bad_option_is_a_usage_error_that_says_what_would_do(suite: Suite, option: str, said: str) -> None:
    result = suite.run("--understudy-route=raw", option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([said])
    assert suite.server.asked == []


def test_controls_of_the_command_line_make_a_derived_route(suite: Suite) -> None:
    result = suite.run("--understudy-route=raw", "--understudy-control=prefill", "-v")
    result.stdout.fnmatch_lines(["*test_emails[[]raw+prefill-broken-lamp[]] PASSED*"])
    assert suite.server.asked[0]["messages"][-1] == {"role": "assistant", "content": '{"intent": "'}


def test_a_control_that_the_endpoint_cannot_do_is_a_usage_error_that_says_what_would_work(suite: Suite) -> None:
    base = (suite.path / "understudy.toml").read_text().replace('prefill = "assistant"\n', "")
    (suite.path / "understudy.toml").write_text(base)
    result = suite.run("--understudy-route=prefill")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*endpoint 'local' cannot do the control prefill; it can do 'no_think' and 'schema'*"])


def test_bad_tasks_are_a_collection_error_with_file_line_and_key_and_no_traceback(suite: Suite) -> None:
    suite.with_tasks(
        """\
        tasks:
          - id: one
            inputs: hello
            expect: {a: 1}
          - id: two
            input: hello
            scorer: magic
            expect: 1
        """
    )
    result = suite.run("--understudy-route=raw")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(
        ["*emails.yaml:3: inputs: unknown key 'inputs'; did you mean 'input'?*", "*emails.yaml:5*scorer*'magic'*"]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*plugin.py*")
    assert suite.server.asked == []


def test_a_control_that_needs_a_form_names_the_task_that_has_none(suite: Suite) -> None:
    suite.with_tasks("tasks:\n  - id: one\n    input: hello\n    expect: hi\n")
    result = suite.run("--understudy-route=prefill")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*emails.yaml:2: route 'prefill' has the control prefill, and this task has no form*"])


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        ("holdout()", "*holdout takes the paths of suite files*"),
        ("holdout('emails.yaml', sample=3)", "*holdout takes paths or Tasks, and samples=N; not sample*"),
        ("holdout('emails.yaml', samples='3')", "*samples is a whole number from 1 up, not '3'*"),
        ("holdout('mails.yaml')", "*mails.yaml: no such file; in its folder there are 'emails.yaml'*"),
        ("holdout('emails.yaml', 'emails.yaml')", "*'broken-lamp' is taken*"),
    ],
)
def test_a_mark_that_is_wrong_is_a_collection_error(suite: Suite, mark: str, said: str) -> None:
    suite.with_test(f"import pytest\n\n@pytest.mark.{mark}\ndef test_emails(run): pass\n")
    result = suite.run("--understudy-route=raw")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines([said])


def test_tasks_may_be_made_in_python(suite: Suite) -> None:
    suite.with_test(
        """
        import pytest
        from pytest_understudy import Task

        def knows(task, answer):
            return "intent" in answer.output

        @pytest.mark.holdout(Task(id="made", input="my money back", scorer=knows))
        def test_made(run, task, route, control, samples):
            assert run.credit == 1
            assert (task.id, route.name, control, samples) == ("made", "raw", (), 2)
        """
    )
    suite.run("--understudy-route=raw").assert_outcomes(passed=1)


def test_the_train_split_is_drawn_only_when_asked_for(suite: Suite) -> None:
    suite.with_tasks("scorer: exact\nexpect: x\ntasks:\n  - {id: a, input: one}\n  - {id: b, input: two, split: train}\n")
    result = suite.run("--understudy-route=raw", "--collect-only", "-q")
    result.stdout.fnmatch_lines(["*[[]raw-a[]]"])
    result.stdout.no_fnmatch_line("*raw-b*")
    result = suite.run("--understudy-route=raw", "--collect-only", "-q", "--understudy-split=train")
    result.stdout.fnmatch_lines(["*[[]raw-b[]]"])


def test_the_option_goes_before_the_mark_and_the_mark_before_the_config(suite: Suite) -> None:
    suite.with_test(
        "import pytest\n\n@pytest.mark.holdout('emails.yaml', samples=3)\ndef test_emails(run): assert len(run.samples) == 3\n"
    )
    suite.run("--understudy-route=raw").assert_outcomes(passed=3)
    suite.run("--understudy-route=raw", "--understudy-samples=1").assert_outcomes(failed=3)
    suite.with_test("import pytest\n\n@pytest.mark.holdout('emails.yaml')\ndef test_emails(run): assert len(run.samples) == 2\n")
    suite.run("--understudy-route=raw").assert_outcomes(passed=3)


def test_a_fixture_of_ours_outside_a_holdout_test_says_what_is_missing(suite: Suite) -> None:
    suite.with_test("def test_plain(run): pass\n")
    result = suite.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*belong to tests marked with @pytest.mark.holdout(PATH)*"])


def test_a_kind_of_endpoint_that_nobody_knows_is_named(suite: Suite) -> None:
    (suite.path / "understudy.toml").write_text('[endpoints.odd]\nkind = "telepathy"\n[routes.raw]\nendpoint = "odd"\n')
    result = suite.run("--understudy-route=raw")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*no plugin answers for the kind 'telepathy'; there are 'embedded', 'openai' and 'anthropic'*"])


def test_another_plugin_may_bring_an_endpoint(suite: Suite) -> None:
    (suite.path / "understudy.toml").write_text(
        '[endpoints.odd]\nkind = "telepathy"\nwords = 3\n[routes.raw]\nendpoint = "odd"\n'
    )
    (suite.path / "conftest.py").write_text(
        "from pytest_understudy.endpoints.endpoint import Abilities, Completion, Exchange, Tokens\n"
        "class Telepathy:\n"
        "    kind, concurrency = 'telepathy', 2\n"
        "    abilities = Abilities(prefill=False, no_think=False, schema=False)\n"
        "    def __init__(self, name, words): self.name, self.words = name, words\n"
        "    def identity(self, model, adapter): return (self.kind, self.name)\n"
        "    async def complete(self, request):\n"
        "        done = ('{\"intent\": \"refund\"}', 'stop', Tokens(1, generated=self.words), 0.1)\n"
        "        return Completion(*done, requests=(Exchange(*done),))\n"
        "    async def close(self): pass\n"
        "def pytest_understudy_endpoint(kind, settings):\n"
        "    return Telepathy(**settings) if kind == 'telepathy' else None\n"
    )
    routes = suite.report("--understudy-route=raw")["routes"]
    assert routes[0]["tokens"]["generated"] == 9


def test_a_record_that_cannot_be_written_is_a_usage_error_at_the_start(suite: Suite) -> None:
    (suite.path / "file").touch()
    result = suite.run("--understudy-route=raw", "--understudy-record=file/record")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*no samples can be recorded there: *file/record*"])
