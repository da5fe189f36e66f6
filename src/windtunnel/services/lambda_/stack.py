"""The kinds of resources that Lambda has, and that templates can deploy."""

from __future__ import annotations

from windtunnel.fabric import Resource
from windtunnel.services.lambda_.deploying.callers import EVENTS, MAPPING, PERMISSION, URL
from windtunnel.services.lambda_.deploying.functions import ALIAS, FUNCTION, LAYER, LAYER_PERMISSION, SIGNING, VERSION
from windtunnel.services.lambda_.state import FUNCTIONS, LAYER_VERSIONS

RESOURCES = (
    Resource("AWS::Lambda::Function", FUNCTIONS, "arn:aws:lambda:{region}:{account}:function:{0}", FUNCTION),
    Resource("AWS::Lambda::LayerVersion", LAYER_VERSIONS, "arn:aws:lambda:{region}:{account}:layer:{0}:{1}", LAYER),
    Resource("AWS::Lambda::Alias", deploy=ALIAS),
    Resource("AWS::Lambda::CodeSigningConfig", deploy=SIGNING),
    Resource("AWS::Lambda::EventInvokeConfig", deploy=EVENTS),
    Resource("AWS::Lambda::EventSourceMapping", deploy=MAPPING),
    Resource("AWS::Lambda::LayerVersionPermission", deploy=LAYER_PERMISSION),
    Resource("AWS::Lambda::Permission", deploy=PERMISSION),
    Resource("AWS::Lambda::Url", deploy=URL),
    Resource("AWS::Lambda::Version", deploy=VERSION),
)
