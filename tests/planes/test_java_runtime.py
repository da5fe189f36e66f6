"""Java functions run by a runtime interface client that they bring along."""

import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.planes.kit import Bench, invoke, value
from windtunnel.planes.compute import Environment, Missing, Runtime, runtime_for

JAVA = "java17"
ENTRY = "com.amazonaws.services.lambda.runtime.api.client.AWSLambda"
# Stands in for AWS's client: the same class by the same name, which takes the handler as its argument and speaks the Runtime API.
CLIENT = """
package com.amazonaws.services.lambda.runtime.api.client;

import java.net.URI;
import java.net.http.*;

public class AWSLambda {
    public static void main(String[] given) throws Exception {
        String[] parts = given[0].split("::");
        var method = Class.forName(parts[0]).getMethod(parts[1], String.class);
        String api = "http://" + System.getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/";
        HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        while (true) {
            var next = client.send(HttpRequest.newBuilder(URI.create(api + "next")).build(), HttpResponse.BodyHandlers.ofString());
            String id = next.headers().firstValue("Lambda-Runtime-Aws-Request-Id").get();
            var body = HttpRequest.BodyPublishers.ofString((String) method.invoke(null, next.body()));
            var answer = HttpRequest.newBuilder(URI.create(api + id + "/response")).POST(body).build();
            client.send(answer, HttpResponse.BodyHandlers.discarding());
        }
    }
}
"""
HANDLER = """
package shop;

public class Orders {
    static int seen = 0;

    public static String take(String event) {
        System.out.println("taking " + event);
        return "[" + event + ", " + (++seen) + "]";
    }
}
"""


def compiled(bench: Bench, **sources: str) -> None:
    """Classes in a jar that the code brings along."""
    for name, text in sources.items():
        (bench.folder / f"{name}.java").write_text(text)
    classes, jar = bench.folder / "classes", bench.folder / "code/lib/function.jar"
    files = [str(bench.folder / f"{name}.java") for name in sources]
    subprocess.run(["javac", "-J-XX:TieredStopAtLevel=1", "-proc:none", "-d", str(classes), *files], check=True, capture_output=True)
    jar.parent.mkdir(parents=True)
    with zipfile.ZipFile(jar, "w") as archive:
        for path in classes.rglob("*.class"):
            archive.write(path, path.relative_to(classes))


@pytest.mark.skipif(shutil.which("java") is None or shutil.which("javac") is None, reason="there is no Java compiler here")
def test_a_function_in_java_runs_and_stays_warm(bench: Bench) -> None:
    compiled(bench, AWSLambda=CLIENT, Orders=HANDLER)

    async def story(environment: Environment) -> object:
        return [await invoke(environment, number, f"r{number}") for number in range(2)]

    spec = bench.spec("", name="README", runtime=JAVA, handler="shop.Orders::take", memory_mb=256)
    assert bench.within(spec, story) == [[0, 1], [1, 2]]
    assert bench.lines == [("r0", "taking 0"), ("r1", "taking 1")]


def test_awss_client_comes_with_the_function_or_from_maven(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(bench.folder))
    found = runtime_for("java11")
    if isinstance(found, Missing):
        assert found.message == "Functions of java11 need Java, and there is no java on the PATH: install a Java 11 runtime"
        return
    assert value(bench.run("", name="lib/broken.jar", runtime="java11")) == {
        "errorType": "Runtime.InvalidEntrypoint",
        "errorMessage": "RequestId: request-1 Error: Java functions run by AWS's runtime interface client here: install it with mvn "
        "dependency:get -Dartifact=com.amazonaws:aws-lambda-java-runtime-interface-client:2.10.1, or put its jars and all they need into "
        "lib/ of the archive or java/lib/ of a layer",
    }
    for part in ("aws-lambda-java-runtime-interface-client", "aws-lambda-java-serialization"):
        for version in ("1.9.0", "1.10.0"):
            not_a_client(bench.folder / f".m2/repository/com/amazonaws/{part}/{version}/{part}-{version}.jar")
    told = runtime_for("java21")
    assert isinstance(told, Runtime)
    assert [jar.rpartition("-")[2] for jar in told.command[1:]] == ["1.10.0.jar"] * 2
    not_a_client(bench.folder / "code/lib/client.jar")
    for runtime in ("java11", "java21"):
        bench.lines.clear()
        outcome = bench.run("", name="lib/broken.jar", runtime=runtime)
        assert (outcome.error_type, any("AWSLambda" in line for line in bench.texts())) == ("Runtime.ExitError", True)


def not_a_client(path: Path) -> None:
    """A jar with the class that is looked for, which is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as client:
        client.writestr(f"{ENTRY.replace('.', '/')}.class", b"not a class")
