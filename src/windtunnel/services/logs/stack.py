"""The kinds of resources that CloudWatch Logs has, and that templates can deploy."""

from __future__ import annotations

from windtunnel.fabric import Resource
from windtunnel.services.logs.deploying.groups import DETECTOR, GROUP, STREAM
from windtunnel.services.logs.deploying.putting import (
    ACCOUNT_POLICY,
    DESTINATION,
    METRIC_FILTER,
    QUERY,
    RESOURCE_POLICY,
    SUBSCRIPTION_FILTER,
    TRANSFORMER,
)
from windtunnel.services.logs.deploying.vended import DELIVERY, SOURCE, TARGET
from windtunnel.services.logs.state import GROUPS

RESOURCES = (
    Resource("AWS::Logs::LogGroup", GROUPS, "arn:aws:logs:{region}:{account}:log-group:{0}", GROUP),
    Resource("AWS::Logs::LogAnomalyDetector", deploy=DETECTOR),
    Resource("AWS::Logs::LogStream", deploy=STREAM),
    Resource("AWS::Logs::MetricFilter", deploy=METRIC_FILTER),
    Resource("AWS::Logs::SubscriptionFilter", deploy=SUBSCRIPTION_FILTER),
    Resource("AWS::Logs::ResourcePolicy", deploy=RESOURCE_POLICY),
    Resource("AWS::Logs::Transformer", deploy=TRANSFORMER),
    Resource("AWS::Logs::Destination", deploy=DESTINATION),
    Resource("AWS::Logs::QueryDefinition", deploy=QUERY),
    Resource("AWS::Logs::AccountPolicy", deploy=ACCOUNT_POLICY),
    Resource("AWS::Logs::DeliverySource", deploy=SOURCE),
    Resource("AWS::Logs::DeliveryDestination", deploy=TARGET),
    Resource("AWS::Logs::Delivery", deploy=DELIVERY),
)
