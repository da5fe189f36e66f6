"""AWS CloudFormation: templates become resources, and change with them."""

from __future__ import annotations

from windtunnel.fabric import Service
from windtunnel.services.cloudformation.changes import change_sets, comparing
from windtunnel.services.cloudformation.deploying import endings, steps
from windtunnel.services.cloudformation.drift import detecting, drift
from windtunnel.services.cloudformation.kinds import answers, custom
from windtunnel.services.cloudformation.sets import deploying, instances, sets
from windtunnel.services.cloudformation.stack import RESOURCES
from windtunnel.services.cloudformation.stacks import beginning, describing, policies, stacks, templates

SERVICE = Service(
    "cloudformation",
    modules=(stacks, describing, templates, policies, change_sets, drift, sets, instances),
    resources=RESOURCES,
    timers={
        "step": steps.step,
        "prepare": beginning.prepare,
        "timeout": beginning.timeout,
        "compare": comparing.compare,
        "forget": endings.forget,
        "unasked": custom.unasked,
        "detect": detecting.detect,
        "deploy_set": deploying.deploy_set,
    },
    paths={answers.PATH: answers.serve},
    faults={"ValidationError": 400, "NotImplemented": 501},
)
