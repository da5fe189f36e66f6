"""Ruby functions behave as in Lambda: handlers of both forms, the context, errors and log lines."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.planes.kit import Bench, invocation, invoke, machine, value
from windtunnel.planes.compute import Environment, Kind, Missing, Outcome, Runtime, runtime_for

RUBY = "ruby3.4"
GEM = """
Gem::Specification.new do |gem|
  gem.name = gem.summary = gem.author = '{}'
  gem.version = '1.0.0'
end
"""

pytestmark = pytest.mark.skipif(shutil.which("ruby") is None, reason="there is no Ruby here")


def run(bench: Bench, code: str, event: object = None, **given: Any) -> Outcome:
    return bench.run(code, event, name="app.rb", runtime=RUBY, **given)


@pytest.mark.parametrize(
    ("handler", "code"),
    [
        ("app.handler", "def handler(event:, context:) = { got: event }"),
        ("app.Shop::Orders.take", "module Shop\n  class Orders\n    def self.take(event:, context:) = { got: event }\n  end\nend"),
    ],
)
def test_both_forms_of_handlers_answer_and_stay_warm(bench: Bench, handler: str, code: str) -> None:
    async def story(environment: Environment) -> object:
        return [await invoke(environment, {"n": number}, f"r{number}") for number in range(2)]

    spec = bench.spec(code, name="app.rb", runtime=RUBY, handler=handler)
    assert bench.within(spec, story) == [{"got": {"n": 0}}, {"got": {"n": 1}}]


def test_the_context_has_awss_methods(bench: Bench) -> None:
    code = """
NAMES = %i[aws_request_id function_name function_version memory_limit_in_mb invoked_function_arn log_group_name log_stream_name
           deadline_ms identity client_context]
def handler(event:, context:)
  NAMES.to_h { |name| [name, context.public_send(name)] }.merge(left: context.get_remaining_time_in_millis)
end
"""
    variables = {"NAME": "f", "VERSION": "$LATEST", "MEMORY_SIZE": "128"}
    environment = {f"AWS_LAMBDA_FUNCTION_{name}": text for name, text in variables.items()}
    environment |= {"AWS_LAMBDA_LOG_GROUP_NAME": "group", "AWS_LAMBDA_LOG_STREAM_NAME": "stream"}
    given = invocation(None, arn="arn", client_context='{"custom":{"a":"b"}}', cognito_identity='{"cognitoIdentityId":"i"}')
    spec = bench.spec(code, name="app.rb", runtime=RUBY, environment=environment)
    told = value(bench.within(spec, lambda running: running.invoke(given)))
    assert 0 < told.pop("left") <= 10000
    assert told == {
        "aws_request_id": "request-1",
        "function_name": "f",
        "function_version": "$LATEST",
        "memory_limit_in_mb": "128",
        "invoked_function_arn": "arn",
        "log_group_name": "group",
        "log_stream_name": "stream",
        "deadline_ms": given.deadline_ms,
        "identity": {"cognitoIdentityId": "i"},
        "client_context": {"custom": {"a": "b"}},
    }


@pytest.mark.parametrize(
    ("code", "kind", "error_type", "message"),
    [
        ("def handler(event:, context:) = raise('no')", Kind.ERROR, "Function<RuntimeError>", "no"),
        ("def handler(event:, context:) = exit(3)", Kind.ERROR, "Function<SystemExit>", "exit"),
        ("def handler(event:, context:) = Nothing", Kind.ERROR, "Function<NameError>", "uninitialized constant Nothing"),
        ("def other; end", Kind.ERROR, "Function<NoMethodError>", "undefined method `handler' for main:Object"),
        ("require 'nothing-such'", Kind.INIT_ERROR, "Init<LoadError>", "cannot load such file -- nothing-such"),
        ("raise ArgumentError, 'early'", Kind.INIT_ERROR, "Init<ArgumentError>", "early"),
        ("def handler(", Kind.INIT_ERROR, "Init<SyntaxError>", ""),
    ],
)
def test_errors_have_awss_names(bench: Bench, code: str, kind: Kind, error_type: str, message: str) -> None:
    outcome = run(bench, code)
    shape = value(outcome)
    assert (outcome.kind, outcome.error_type, shape["errorType"]) == (kind, error_type, error_type)
    # Rubies differ in their quotes, and older ones show the line below the message.
    assert message.replace("`", "'") in shape["errorMessage"].replace("`", "'")
    assert not any("ruby.rb" in line for line in shape["stackTrace"])


def test_an_error_is_logged_with_where_it_came_from(bench: Bench) -> None:
    outcome = run(bench, "def handler(event:, context:)\n  [1].first('two')\nend")
    shape = value(outcome)
    where = "/var/task/app.rb" if bench.machine.isolated else str(bench.folder / "code/app.rb")
    first, *_ = trace = shape.pop("stackTrace")
    assert shape == {"errorMessage": "no implicit conversion of String into Integer", "errorType": "Function<TypeError>"}
    assert first.startswith(f"{where}:2:in ")
    assert all(line.startswith(f"{where}:") for line in trace)
    assert bench.texts()[0] == "Error raised from handler method"
    assert bench.texts()[1].startswith('{\n  "errorMessage": "no implicit conversion')


def test_a_handlers_name_has_two_parts_or_three(bench: Bench) -> None:
    shape = value(run(bench, "", handler="app"))
    assert (shape["errorType"], shape["errorMessage"].split(",")[0]) == ("Init<ArgumentError>", 'Invalid handler ["app"]')


def test_a_name_that_is_not_there_ends_the_process_and_an_error_does_not(bench: Bench) -> None:
    async def story(environment: Environment) -> object:
        told: list[object] = []
        for event in ("no", "Nothing"):
            told.append((await invoke(environment, event))["errorType"])
            told.append(environment.alive)
        return told

    code = "def handler(event:, context:) = event == 'no' ? raise('no') : Object.const_get(event)"
    told = bench.within(bench.spec(code, name="app.rb", runtime=RUBY), story)
    assert told == ["Function<RuntimeError>", True, "Function<NameError>", False]


def test_an_exit_without_a_word_is_told(bench: Bench) -> None:
    assert value(run(bench, "def handler(event:, context:) = exit!(4)")) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": "RequestId: request-1 Error: Runtime exited with error: exit status 4",
    }


def test_lines_are_events_and_loggers_name_the_request(bench: Bench) -> None:
    code = """
def handler(event:, context:)
  puts "one\\ntwo", %w[three]
  $stderr.puts 'error'
  Logger.new($stdout, progname: 'shop').warn('broken')
  print "raw\\n"
end
"""
    run(bench, code)
    *lines, logger, raw = bench.texts()
    assert (lines, raw) == (["one\ntwo\nthree", "error"], "raw")
    assert re.fullmatch(r"W, \[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6} #\d+\]  WARN request-1 -- shop: broken", logger)


def test_loggers_write_json_where_the_function_wants_it(bench: Bench) -> None:
    code = """
def handler(event:, context:)
  logger = Logger.new($stdout, progname: 'shop')
  logger.info('left out')
  logger.warn('kept')
  raise KeyError, 'no such order'
rescue KeyError => error
  Logger.new($stderr, level: 'info').error(error)
end
"""
    run(bench, code, environment={"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "WARN"})
    kept, failed = (json.loads(line) for line in bench.texts())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", kept.pop("timestamp"))
    assert kept == {"level": "WARN", "message": "kept", "requestId": "request-1", "logger": "shop"}
    trace = failed["stackTrace"]
    assert failed == {
        "timestamp": failed["timestamp"],
        "level": "ERROR",
        "message": "no such order",
        "requestId": "request-1",
        "errorType": "KeyError",
        "errorMessage": "no such order",
        "stackTrace": trace,
        "location": failed["location"],
    }
    file, method, line = failed["location"].split(":")
    assert trace[0].startswith(f"{file}:{line}:in ")
    assert method.endswith("handler")


def test_bytes_are_answered_as_they_are_and_text_is_utf8(bench: Bench) -> None:
    assert run(bench, 'def handler(event:, context:) = StringIO.new("\\xFF\\x00".b)').payload == b"\xff\x00"
    assert value(run(bench, "def handler(event:, context:) = [event.encoding.name, event.size, File.read(__FILE__).encoding]", "ä")) == [
        "UTF-8",
        1,
        "UTF-8",
    ]


@pytest.mark.parametrize("mode", [None, "plain"])
def test_gems_and_libraries_come_from_layers_and_from_the_code(tmp_path: Path, mode: str | None) -> None:
    with machine(mode) as made:
        bench = Bench(made, tmp_path)
        for name, folder in (("lent", tmp_path / "layer/ruby/gems/3.4.0"), ("own", tmp_path / "code/vendor/bundle/ruby/3.4.0")):
            library = folder / f"gems/{name}-1.0.0/lib/{name}.rb"
            library.parent.mkdir(parents=True)
            library.write_text(f"{name.upper()} = '{name}'")
            (folder / "specifications").mkdir()
            (folder / f"specifications/{name}-1.0.0.gemspec").write_text(GEM.replace("{}", name))
        (tmp_path / "layer/ruby/lib").mkdir()
        (tmp_path / "layer/ruby/lib/shelf.rb").write_text("SHELF = 'shelf'")
        code = "require 'lent'\nrequire 'own'\nrequire 'shelf'\ndef handler(event:, context:) = [LENT, OWN, SHELF]"
        assert value(run(bench, code, layers=[str(tmp_path / "layer")])) == ["lent", "own", "shelf"]


def test_another_ruby_stands_in_and_says_so() -> None:
    found = runtime_for("ruby9.9")
    assert isinstance(found, Runtime)
    assert found.note.startswith("Ruby 9.9 is not installed: functions of ruby9.9 run with Ruby ")


def test_where_there_is_none_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("HOME", "/nowhere")
    assert runtime_for("ruby9.8") == Missing(
        "ruby9.8", "Functions of ruby9.8 need Ruby, and there is no ruby on the PATH: install Ruby 9.8"
    )
