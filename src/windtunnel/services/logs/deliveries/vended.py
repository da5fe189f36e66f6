"""Which AWS services vend logs through deliveries, with which types of log: facts of AWS, as pure data and functions.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-vended-logs-permissions-V2.html
"""

from __future__ import annotations

from typing import Any

from windtunnel.aws.arn import Arn
from windtunnel.fabric import Fault

LOG_TYPES: dict[str, tuple[str, ...]] = {
    "amplify": ("ACCESS_LOGS", "WAF_LOGS"),
    "bedrock": ("APPLICATION_LOGS", "EVENT_LOGS", "TRACES"),
    "bedrock-agentcore": ("APPLICATION_LOGS", "TRACES", "USAGE_LOGS"),
    "cloudfront": ("ACCESS_LOGS",),
    "codewhisperer": ("EVENT_LOGS",),
    "ec2": ("EVENT_LOGS",),
    "ecs": ("ACTION_LOGS",),
    "eks": (
        "AUTO_MODE_BLOCK_STORAGE_LOGS",
        "AUTO_MODE_COMPUTE_LOGS",
        "AUTO_MODE_IPAM_LOGS",
        "AUTO_MODE_LOAD_BALANCING_LOGS",
        "EKS_CAPABILITY_ACK_LOGS",
        "EKS_CAPABILITY_ARGOCD_APPLICATIONSET_LOGS",
        "EKS_CAPABILITY_ARGOCD_APPLICATION_LOGS",
        "EKS_CAPABILITY_ARGOCD_COMMITSERVER_LOGS",
        "EKS_CAPABILITY_ARGOCD_REPOSERVER_LOGS",
        "EKS_CAPABILITY_ARGOCD_SERVER_LOGS",
        "EKS_CAPABILITY_KRO_LOGS",
    ),
    "elasticloadbalancing": ("ALB_ACCESS_LOGS", "ALB_CONNECTION_LOGS", "ALB_HEALTH_CHECK_LOGS", "NLB_ACCESS_LOGS"),
    "entityresolution": ("WORKFLOW_LOGS",),
    "events": ("ERROR_LOGS", "INFO_LOGS"),
    "logs": ("INSIGHTS_QUERY_LOGS",),
    "mediapackagev2": ("EGRESS_ACCESS_LOGS", "INGRESS_ACCESS_LOGS"),
    "mediatailor": ("AD_DECISION_SERVER_LOGS", "MANIFEST_SERVICE_LOGS", "TRANSCODE_LOGS"),
    "network-firewall": ("ALERT_LOGS", "ALLOW_LOGS", "DENY_LOGS"),
    "pcs": ("PCS_JOBCOMP_LOGS", "PCS_SCALING_LOGS", "PCS_SCHEDULER_AUDIT_LOGS", "PCS_SCHEDULER_LOGS"),
    "qbusiness": ("EVENT_LOGS", "SYNC_JOB_LOGS"),
    "quicksight": (
        "AGENT_HOURS_LOGS",
        "AGENT_METADATA_LOGS",
        "CHAT_LOGS",
        "DLP_LOGS",
        "FEEDBACK_LOGS",
        "INDEX_USAGE_LOGS",
        "KB_FILE_SYNC_LOGS",
    ),
    "route53globalresolver": ("GLOBAL_RESOLVER_LOGS",),
    "rtbfabric": ("APPLICATION_LOGS",),
    "s3": ("S3_SERVER_ACCESS_LOGS",),
    "securityhub": ("SECURITY_FINDING_LOGS",),
    "ses": ("APPLICATION_LOGS", "TRAFFIC_POLICY_DEBUG_LOGS"),
    "shield": ("FLOW_LOGS",),
    "sso": ("ERROR_LOGS",),
    "wisdom": ("EVENT_LOGS",),
    "workmail": (
        "ACCESS_CONTROL_LOGS",
        "AUTHENTICATION_LOGS",
        "WORKMAIL_AVAILABILITY_PROVIDER_LOGS",
        "WORKMAIL_MAILBOX_ACCESS_LOGS",
        "WORKMAIL_PERSONAL_ACCESS_TOKEN_LOGS",
    ),
}
"""By the service's name in ARNs, https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutDeliverySource.html"""
KINDS = {"s3": "S3", "logs": "CWL", "firehose": "FH"}
"""The type of a delivery destination, by the service in its resource's ARN."""

_CLOUDFRONT_FIELDS = (
    "date",
    "time",
    "x-edge-location",
    "sc-bytes",
    "c-ip",
    "cs-method",
    "cs(Host)",
    "cs-uri-stem",
    "sc-status",
    "cs(Referer)",
    "cs(User-Agent)",
    "cs-uri-query",
    "cs(Cookie)",
    "x-edge-result-type",
    "x-edge-request-id",
    "x-host-header",
    "cs-protocol",
    "cs-bytes",
    "time-taken",
    "x-forwarded-for",
    "ssl-protocol",
    "ssl-cipher",
    "x-edge-response-result-type",
    "cs-protocol-version",
    "fle-status",
    "fle-encrypted-fields",
    "c-port",
    "time-to-first-byte",
    "x-edge-detailed-result-type",
    "sc-content-type",
    "sc-content-len",
    "sc-range-start",
    "sc-range-end",
)
_CLOUDFRONT_SUFFIX = "AWSLogs/{account-id}/CloudFront/"


def vendor_of(arn: Arn, log_type: str) -> str:
    """The service that vends such logs of a resource. Raises ResourceNotFoundException."""
    if log_type not in LOG_TYPES.get(arn.service, ()):
        raise Fault("ResourceNotFoundException", "Cannot access provided service.")
    return arn.service


def settings_of(service: str, kind: str, given: dict[str, Any]) -> dict[str, Any]:
    """How a delivery is written: as it was asked for, and as the service does it otherwise, where that is known."""
    if service != "cloudfront":
        return given
    settings = {"recordFields": list(_CLOUDFRONT_FIELDS), **given}
    if kind == "S3":
        path = {"suffixPath": _CLOUDFRONT_SUFFIX, "enableHiveCompatiblePath": False}
        settings["s3DeliveryConfiguration"] = {**path, **given.get("s3DeliveryConfiguration", {})}
    return settings
