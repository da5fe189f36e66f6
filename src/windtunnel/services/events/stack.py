"""The kinds of resources that EventBridge has, and that templates can deploy."""

from __future__ import annotations

from windtunnel.fabric import Resource
from windtunnel.services.events.deploying.buses import BUS, POLICY
from windtunnel.services.events.deploying.destinations import CONNECTION, DESTINATION, ENDPOINT
from windtunnel.services.events.deploying.rules import ARCHIVE, RULE
from windtunnel.services.events.state import API_DESTINATIONS, ARCHIVES, BUSES, CONNECTIONS, ENDPOINTS, RULES

RESOURCES = (
    Resource("AWS::Events::EventBus", BUSES, "arn:aws:events:{region}:{account}:event-bus/{0}", BUS),
    Resource("AWS::Events::EventBusPolicy", deploy=POLICY),
    Resource("AWS::Events::Rule", RULES, "arn:aws:events:{region}:{account}:rule/{0}/{1}", RULE),
    Resource("AWS::Events::Archive", ARCHIVES, "arn:aws:events:{region}:{account}:archive/{0}", ARCHIVE),
    Resource("AWS::Events::Connection", CONNECTIONS, "arn:aws:events:{region}:{account}:connection/{0}", CONNECTION),
    Resource("AWS::Events::ApiDestination", API_DESTINATIONS, "arn:aws:events:{region}:{account}:api-destination/{0}", DESTINATION),
    Resource("AWS::Events::Endpoint", ENDPOINTS, "arn:aws:events:{0}:{account}:endpoint/{1}", ENDPOINT),
)
