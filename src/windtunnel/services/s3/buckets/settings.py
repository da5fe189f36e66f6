"""A bucket's settings: documents that are checked, kept and given back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.fabric import Fault, Tx
from windtunnel.services.s3.access.grants import OWNER_ENFORCED, check_unshared
from windtunnel.services.s3.places import bucket_of
from windtunnel.services.s3.rules import KMS, malformed
from windtunnel.services.s3.state import BUCKETS, DOCUMENTS, Encryption
from windtunnel.services.s3.websites.website import NO_WEBSITE, check_website

if TYPE_CHECKING:
    from windtunnel.aws.types import s3 as t

CORS_METHODS = ("GET", "PUT", "POST", "DELETE", "HEAD")
CORS_RULES_MAX = 100


def _keep(tx: Tx, req: Mapping[str, Any], kind: str, document: Mapping[str, Any]) -> None:
    tx.put(DOCUMENTS, req["Bucket"], kind, value=dict(document))


def _kept(tx: Tx, req: Mapping[str, Any], kind: str, code: str, message: str) -> dict[str, Any]:
    bucket_of(tx, req)
    kept = tx.get(DOCUMENTS, req["Bucket"], kind)
    if kept is None:
        raise Fault(code, message, BucketName=req["Bucket"])
    return kept


def _remove(tx: Tx, req: Mapping[str, Any], kind: str) -> None:
    bucket_of(tx, req)
    tx.delete(DOCUMENTS, req["Bucket"], kind)


# ---------------------------------------------------------------- CORS


def put_bucket_cors(tx: Tx, req: t.PutBucketCorsRequest) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketCors.html"""
    bucket_of(tx, req)
    rules = req["CORSConfiguration"].get("CORSRules") or []
    if not 1 <= len(rules) <= CORS_RULES_MAX:
        raise malformed()
    for rule in rules:
        for method in rule["AllowedMethods"]:
            if method not in CORS_METHODS:
                message = f"Found unsupported HTTP method in CORS config. Unsupported method is {method}"
                raise Fault("InvalidRequest", message)
        for origin in rule["AllowedOrigins"]:
            if origin.count("*") > 1:
                raise Fault("InvalidRequest", f'AllowedOrigin "{origin}" can not have more than one wildcard.')
        for header in rule.get("AllowedHeaders") or []:
            if header.count("*") > 1:
                raise Fault("InvalidRequest", f'AllowedHeader "{header}" can not have more than one wildcard.')
        for header in rule.get("ExposeHeaders") or []:
            if "*" in header:
                message = f'ExposeHeader "{header}" contains wildcard. We currently do not support wildcard for ExposeHeader.'
                raise Fault("InvalidRequest", message)
    _keep(tx, req, "cors", {"CORSRules": rules})


def get_bucket_cors(tx: Tx, req: t.GetBucketCorsRequest) -> t.GetBucketCorsOutput:
    kept = _kept(tx, req, "cors", "NoSuchCORSConfiguration", "The CORS configuration does not exist")
    return {"CORSRules": kept["CORSRules"]}


def delete_bucket_cors(tx: Tx, req: t.DeleteBucketCorsRequest) -> None:
    _remove(tx, req, "cors")


# ---------------------------------------------------------------- encryption and ownership


def put_bucket_encryption(tx: Tx, req: t.PutBucketEncryptionRequest) -> None:
    bucket = bucket_of(tx, req)
    rules = req["ServerSideEncryptionConfiguration"].get("Rules") or []
    if len(rules) != 1:
        raise malformed()
    default = rules[0].get("ApplyServerSideEncryptionByDefault")
    algorithm = default.get("SSEAlgorithm") if default else bucket.encryption.algorithm
    if algorithm not in ("AES256", *KMS):
        raise malformed()
    key_id = (default or {}).get("KMSMasterKeyID") or ""
    if key_id and algorithm not in KMS:
        message = "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse"
        raise Fault("InvalidArgument", message, ArgumentName="ApplyServerSideEncryptionByDefault")
    encryption = Encryption(algorithm, key_id, bool(rules[0].get("BucketKeyEnabled")))
    tx.put(BUCKETS, req["Bucket"], value=msgspec.structs.replace(bucket, encryption=encryption))


def get_bucket_encryption(tx: Tx, req: t.GetBucketEncryptionRequest) -> t.GetBucketEncryptionOutput:
    """Every bucket encrypts: https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html"""
    kept = bucket_of(tx, req).encryption
    default: t.ServerSideEncryptionByDefault = {"SSEAlgorithm": kept.algorithm}
    if kept.key_id:
        default["KMSMasterKeyID"] = kept.key_id
    rule: t.ServerSideEncryptionRule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": kept.bucket_key}
    return {"ServerSideEncryptionConfiguration": {"Rules": [rule]}}


def delete_bucket_encryption(tx: Tx, req: t.DeleteBucketEncryptionRequest) -> None:
    bucket = bucket_of(tx, req)
    tx.put(BUCKETS, req["Bucket"], value=msgspec.structs.replace(bucket, encryption=Encryption()))


def put_bucket_ownership_controls(tx: Tx, req: t.PutBucketOwnershipControlsRequest) -> None:
    bucket = bucket_of(tx, req)
    rules = req["OwnershipControls"].get("Rules") or []
    if len(rules) != 1:
        raise malformed()
    wanted = rules[0]["ObjectOwnership"]
    if wanted == OWNER_ENFORCED:
        check_unshared((tx.get(DOCUMENTS, req["Bucket"], "acl") or {}).get("grants", ()), bucket.account)
    tx.put(BUCKETS, req["Bucket"], value=msgspec.structs.replace(bucket, ownership=wanted))


def get_bucket_ownership_controls(tx: Tx, req: t.GetBucketOwnershipControlsRequest) -> t.GetBucketOwnershipControlsOutput:
    bucket = bucket_of(tx, req)
    if not bucket.ownership:
        message = "The bucket ownership controls were not found"
        raise Fault("OwnershipControlsNotFoundError", message, BucketName=req["Bucket"])
    return {"OwnershipControls": {"Rules": [{"ObjectOwnership": bucket.ownership}]}}


def delete_bucket_ownership_controls(tx: Tx, req: t.DeleteBucketOwnershipControlsRequest) -> None:
    bucket = bucket_of(tx, req)
    tx.put(BUCKETS, req["Bucket"], value=msgspec.structs.replace(bucket, ownership=""))


# ---------------------------------------------------------------- website, logging, payment, acceleration


def put_bucket_website(tx: Tx, req: t.PutBucketWebsiteRequest) -> None:
    bucket_of(tx, req)
    check_website(req["WebsiteConfiguration"])
    _keep(tx, req, "website", req["WebsiteConfiguration"])


def get_bucket_website(tx: Tx, req: t.GetBucketWebsiteRequest) -> t.GetBucketWebsiteOutput:
    return {**_kept(tx, req, "website", "NoSuchWebsiteConfiguration", NO_WEBSITE)}  # pyright: ignore[reportReturnType]


def delete_bucket_website(tx: Tx, req: t.DeleteBucketWebsiteRequest) -> None:
    _remove(tx, req, "website")


def put_bucket_logging(tx: Tx, req: t.PutBucketLoggingRequest) -> None:
    """Server access logs; which target is allowed: https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html"""
    bucket = bucket_of(tx, req)
    wanted = req["BucketLoggingStatus"].get("LoggingEnabled")
    if not wanted:
        tx.delete(DOCUMENTS, req["Bucket"], "logging")
        tx.put(BUCKETS, req["Bucket"], value=msgspec.structs.replace(bucket, logged=False))
        return
    name = wanted["TargetBucket"]
    target = tx.get(BUCKETS, name)
    if target is None or target.account != bucket.account:
        message = "The target bucket for logging does not exist"
        raise Fault("InvalidTargetBucketForLogging", message, TargetBucket=name)
    if target.region != bucket.region:
        source: dict[str, Any] = {} if bucket.region == "us-east-1" else {"SourceBucketLocation": bucket.region}
        message = "Cross S3 location logging not allowed. "
        raise Fault("CrossLocationLoggingProhibitted", message, **source, TargetBucketLocation=target.region)
    _keep(tx, req, "logging", wanted)
    tx.put(BUCKETS, req["Bucket"], value=msgspec.structs.replace(bucket, logged=True))


def get_bucket_logging(tx: Tx, req: t.GetBucketLoggingRequest) -> t.GetBucketLoggingOutput:
    bucket_of(tx, req)
    kept = tx.get(DOCUMENTS, req["Bucket"], "logging")
    return {} if kept is None else {"LoggingEnabled": kept}  # pyright: ignore[reportReturnType]


def put_bucket_request_payment(tx: Tx, req: t.PutBucketRequestPaymentRequest) -> None:
    bucket = bucket_of(tx, req)
    pays = req["RequestPaymentConfiguration"]["Payer"] == "Requester"
    tx.put(BUCKETS, req["Bucket"], value=msgspec.structs.replace(bucket, requester_pays=pays))


def get_bucket_request_payment(tx: Tx, req: t.GetBucketRequestPaymentRequest) -> t.GetBucketRequestPaymentOutput:
    return {"Payer": "Requester" if bucket_of(tx, req).requester_pays else "BucketOwner"}


def put_bucket_abac(tx: Tx, req: t.PutBucketAbacRequest) -> None:
    """Whether tags of the bucket count in policies."""
    bucket_of(tx, req)
    status = req["AbacStatus"].get("Status")
    if status is None:
        raise malformed()
    _keep(tx, req, "abac", {"Status": status})


def get_bucket_abac(tx: Tx, req: t.GetBucketAbacRequest) -> t.GetBucketAbacOutput:
    bucket_of(tx, req)
    return {"AbacStatus": {"Status": (tx.get(DOCUMENTS, req["Bucket"], "abac") or {}).get("Status", "Disabled")}}


def put_bucket_accelerate_configuration(tx: Tx, req: t.PutBucketAccelerateConfigurationRequest) -> None:
    bucket_of(tx, req)
    if "." in req["Bucket"]:
        message = "S3 Transfer Acceleration is not supported for buckets with periods (.) in their names"
        raise Fault("InvalidRequest", message)
    status = req["AccelerateConfiguration"].get("Status")
    if status is None:
        raise malformed()
    _keep(tx, req, "accelerate", {"Status": status})


def get_bucket_accelerate_configuration(tx: Tx, req: t.GetBucketAccelerateConfigurationRequest) -> t.GetBucketAccelerateConfigurationOutput:
    bucket_of(tx, req)
    kept = tx.get(DOCUMENTS, req["Bucket"], "accelerate")
    return {} if kept is None else {"Status": kept["Status"]}
