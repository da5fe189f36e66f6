"""Provisioned concurrency: sandboxes that are there before anybody calls, and stay."""

import asyncio
import json
from typing import Any

from tests.stories.here import Here
from tests.stories.lambdas import arn, logged, make, refusal, run, zipped

KIND = (
    "import os, time\ndef handler(event, context):\n    time.sleep(event or 0)\n    return os.environ['AWS_LAMBDA_INITIALIZATION_TYPE']\n"
)
BROKEN = "raise ValueError('not today')\n"


def provide(here: Here, number: int, qualifier: str = "live") -> Any:
    """A published function whose alias has so many sandboxes, once they are there."""
    here.lambda_.put_provisioned_concurrency_config(FunctionName="f", Qualifier=qualifier, ProvisionedConcurrentExecutions=number)
    here.rest()
    return provided(here, qualifier)


def provided(here: Here, qualifier: str = "live") -> Any:
    """Its status, how many are there, and why not more."""
    told = here.lambda_.get_provisioned_concurrency_config(FunctionName="f", Qualifier=qualifier)
    return told["Status"], told["AvailableProvisionedConcurrentExecutions"], told.get("StatusReason")


def publish(here: Here, code: str = KIND) -> None:
    make(here, "f", code, Publish=True)
    here.lambda_.create_alias(FunctionName="f", Name="live", FunctionVersion="1")


def at_once(here: Here, count: int, event: Any) -> list[Any]:
    """What invocations answer that run beside each other."""
    payload = json.dumps(event).encode()
    tasks = [here.begin.lambda_.invoke(FunctionName="f:live", Payload=payload) for _ in range(count)]

    async def all_of_them() -> list[Any]:
        return await asyncio.gather(*tasks)

    return [json.loads(answer["Payload"]) for answer in here.run(all_of_them())]


def test_sandboxes_are_there_before_anybody_calls(here: Here) -> None:
    publish(here, "print('made')\n" + KIND)
    assert provide(here, 2) == ("READY", 2, None)
    here.jump(1)
    streams = here.logs.describe_log_streams(logGroupName="/aws/lambda/f")["logStreams"]
    assert (len(streams), run(here, "f:live"), run(here, "f")) == (2, "provisioned-concurrency", "on-demand")
    told = [line.partition(" ms")[2] for line in logged(here, "/aws/lambda/f") if line.startswith("INIT_REPORT")]
    assert told == ["\tPhase: init\tStatus: success\n"] * 2, "of those that are provisioned only"


def test_what_goes_beyond_runs_on_demand(here: Here) -> None:
    publish(here)
    provide(here, 2)
    assert sorted(at_once(here, 3, 0.2)) == ["on-demand", "provisioned-concurrency", "provisioned-concurrency"]


def test_a_sandbox_that_ends_is_replaced(here: Here) -> None:
    publish(here, KIND.replace("time.sleep(event or 0)", "if event: os._exit(1)"))
    provide(here, 1)
    assert run(here, "f:live", 1)["errorType"] == "Runtime.ExitError"
    here.rest()
    assert (provided(here), run(here, "f:live")) == (("READY", 1, None), "provisioned-concurrency")


def test_they_move_with_their_alias(here: Here) -> None:
    publish(here)
    provide(here, 1)
    here.lambda_.update_function_code(FunctionName="f", ZipFile=zipped(app=KIND.replace("return ", "return 'two ' + ")), Publish=True)
    here.lambda_.update_alias(FunctionName="f", Name="live", FunctionVersion="2")
    here.rest()
    assert (provided(here), run(here, "f:live"), run(here, "f:1")) == (("READY", 1, None), "two provisioned-concurrency", "on-demand")


def test_the_old_ones_serve_until_the_new_ones_are_there(here: Here) -> None:
    publish(here)
    provide(here, 1)
    here.lambda_.update_function_code(FunctionName="f", ZipFile=zipped(app=BROKEN), Publish=True)
    here.lambda_.update_alias(FunctionName="f", Name="live", FunctionVersion="2")
    assert provided(here) == ("IN_PROGRESS", 1, None), "what is there is the old version's"
    here.rest()
    assert (provided(here), run(here, "f:1")) == (("FAILED", 1, "FUNCTION_ERROR_INIT_FAILURE"), "provisioned-concurrency")
    here.lambda_.update_alias(FunctionName="f", Name="live", FunctionVersion="1")
    here.rest()
    assert (provided(here), run(here, "f:live")) == (("READY", 1, None), "provisioned-concurrency")
    listed = here.lambda_.list_provisioned_concurrency_configs(FunctionName="f")["ProvisionedConcurrencyConfigs"]
    assert [(one["FunctionArn"], one["Status"]) for one in listed] == [(arn("f", "live"), "READY")]


def test_what_cannot_be_started_has_failed_and_says_why(here: Here) -> None:
    publish(here, BROKEN)
    assert provide(here, 3) == ("FAILED", 0, "FUNCTION_ERROR_INIT_FAILURE")
    here.jump(3600)
    assert provided(here)[0] == "FAILED", "it is not tried again and again"


def test_they_are_there_again_after_a_restart(here: Here) -> None:
    publish(here)
    provide(here, 1)
    here.kill()
    here.rest()
    assert (provided(here), run(here, "f:live")) == (("READY", 1, None), "provisioned-concurrency")


def test_they_go_with_their_configuration(here: Here) -> None:
    publish(here)
    provide(here, 2)
    assert provide(here, 1) == ("READY", 1, None)
    here.lambda_.delete_provisioned_concurrency_config(FunctionName="f", Qualifier="live")
    here.rest()
    assert run(here, "f:live") == "on-demand"
    provide(here, 1)
    here.lambda_.delete_function(FunctionName="f")
    here.rest()


def test_what_is_provisioned_for_the_one_is_not_found_by_the_other(here: Here) -> None:
    publish(here)
    config = {"FunctionName": "f", "ProvisionedConcurrentExecutions": 1}
    nothing = ("ProvisionedConcurrencyConfigNotFoundException", "No Provisioned Concurrency Config found for this function")
    for own, other, refused in (
        ("live", "1", "Version is pointed by a Provisioned Concurrency alias"),
        ("1", "live", "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version"),
    ):
        here.lambda_.put_provisioned_concurrency_config(**config, Qualifier=own)
        assert refusal(here.lambda_.get_provisioned_concurrency_config, FunctionName="f", Qualifier=other) == nothing
        assert refusal(here.lambda_.put_provisioned_concurrency_config, **config, Qualifier=other) == ("ResourceConflictException", refused)
        here.lambda_.delete_provisioned_concurrency_config(FunctionName="f", Qualifier=other)
        here.rest()
        assert provided(here, own) == ("READY", 1, None), "nothing was deleted by the other name"
        here.lambda_.delete_provisioned_concurrency_config(FunctionName="f", Qualifier=own)


def test_they_outlive_many_functions_that_run_on_demand(here: Here) -> None:
    publish(here)
    provide(here, 1)
    pool = here.cloud.compute.ready
    assert pool is not None
    pool._most = 2  # pyright: ignore[reportPrivateUsage]
    for number in range(3):
        make(here, f"other-{number}")
        run(here, f"other-{number}")
    assert (provided(here), run(here, "f:live")) == (("READY", 1, None), "provisioned-concurrency")
