"""S3: buckets, objects with versions, multipart uploads, listings, and notifications of what happens to them."""

from windtunnel.fabric import Service
from windtunnel.services.s3.access import acl, policies
from windtunnel.services.s3.annotations import annotations
from windtunnel.services.s3.archive import archive
from windtunnel.services.s3.archive.restores import let_go, restored
from windtunnel.services.s3.buckets import buckets, configurations, settings
from windtunnel.services.s3.lifecycle import lifecycle
from windtunnel.services.s3.lifecycle.sweeps import sweep
from windtunnel.services.s3.listings import listing, upload_listing
from windtunnel.services.s3.locks import locking
from windtunnel.services.s3.multipart import multipart
from windtunnel.services.s3.notifications import notifications
from windtunnel.services.s3.objects import copying, encryption, objects, reading
from windtunnel.services.s3.replication import replication
from windtunnel.services.s3.replication.replicating import copy_out
from windtunnel.services.s3.reports.inventory import take_inventory
from windtunnel.services.s3.reports.logging import deliver_logs, log
from windtunnel.services.s3.select import select
from windtunnel.services.s3.stack import RESOURCES
from windtunnel.services.s3.tagging import tagging

DATA_OPERATIONS = (
    "AbortMultipartUpload", "CompleteMultipartUpload", "CopyObject", "CreateMultipartUpload", "DeleteObject", "DeleteObjectAnnotation",
    "DeleteObjectTagging", "DeleteObjects", "GetObject", "GetObjectAcl", "GetObjectAnnotation", "GetObjectAttributes", "GetObjectTagging",
    "HeadObject", "ListMultipartUploads", "ListObjectAnnotations", "ListObjectVersions", "ListObjects", "ListObjectsV2", "ListParts",
    "PutObject", "PutObjectAcl", "PutObjectAnnotation", "PutObjectTagging", "SelectObjectContent", "UpdateObjectEncryption", "UploadPart",
    "UploadPartCopy",
)  # fmt: skip
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html"""

SERVICE = Service(
    "s3",
    modules=(
        buckets,
        configurations,
        objects,
        copying,
        reading,
        listing,
        multipart,
        archive,
        annotations,
        upload_listing,
        tagging,
        acl,
        policies,
        settings,
        encryption,
        lifecycle,
        replication,
        select,
        locking,
        notifications,
    ),
    resources=RESOURCES,
    timers={
        "restored": restored,
        "let_go": let_go,
        "sweep": sweep,
        "replicate": copy_out,
        "deliver_logs": deliver_logs,
        "take_inventory": take_inventory,
    },
    faults={
        "AccessControlListNotSupported": 400,
        "AccessDenied": 403,
        "AccessForbidden": 403,
        "AuthorizationHeaderMalformed": 400,
        "BadDigest": 400,
        "BadRequest": 400,
        "BucketNotEmpty": 409,
        "CSVParsingError": 400,
        "CastFailed": 400,
        "ConditionalRequestConflict": 409,
        "CrossLocationLoggingProhibitted": 403,
        "EntityTooLarge": 400,
        "EntityTooSmall": 400,
        "IdMismatch": 400,
        "IllegalLocationConstraintException": 400,
        "IllegalVersioningConfigurationException": 400,
        "IncompleteBody": 400,
        "InternalError": 500,
        "InvalidArgument": 400,
        "InvalidBucketAclWithObjectOwnership": 400,
        "InvalidBucketName": 400,
        "InvalidBucketOwnerAWSAccountID": 400,
        "InvalidBucketState": 409,
        "InvalidDigest": 400,
        "InvalidEncryptionAlgorithmError": 400,
        "KMS.NotFoundException": 400,
        "InvalidLocationConstraint": 400,
        "InvalidPart": 400,
        "InvalidPartNumber": 416,
        "InvalidPartOrder": 400,
        "InvalidRange": 416,
        "InvalidS3DestinationBucket": 400,
        "InvalidScanRange": 400,
        "InvalidRedirectLocation": 400,
        "InvalidStorageClass": 400,
        "InvalidTag": 400,
        "InvalidTargetBucketForLogging": 400,
        "InvalidPrefix": 400,
        "InvalidURI": 400,
        "KeyTooLongError": 400,
        "MalformedACLError": 400,
        "MalformedPolicy": 400,
        "MalformedXML": 400,
        "MetadataTooLarge": 400,
        "MethodNotAllowed": 405,
        "MissingRequiredParameter": 400,
        "MissingSecurityHeader": 400,
        "NoSuchBucketPolicy": 404,
        "NoSuchCORSConfiguration": 404,
        "NoSuchConfiguration": 404,
        "NoSuchLifecycleConfiguration": 404,
        "NoSuchObjectLockConfiguration": 404,
        "NoSuchPublicAccessBlockConfiguration": 404,
        "NoSuchTagSet": 404,
        "NoSuchVersion": 404,
        "NoSuchWebsiteConfiguration": 404,
        "NotImplemented": 501,
        "NotModified": 304,
        "ObjectLockConfigurationNotFoundError": 404,
        "OwnershipControlsNotFoundError": 404,
        "PermanentRedirect": 301,
        "PreconditionFailed": 412,
        "ReplicationConfigurationNotFoundError": 404,
        "RestoreAlreadyInProgress": 409,
        "TooManyBuckets": 400,
        "TooManyConfigurations": 400,
        "UnexpectedContent": 400,
        "UnresolvableGrantByEmailAddress": 400,
        "EvaluatorInvalidArguments": 400,
        "EvaluatorTimestampFieldOutOfRange": 400,
        "ExpressionTooLong": 400,
        "InvalidCompressionFormat": 400,
        "InvalidTextEncoding": 400,
        "InvalidTimestampFormatPattern": 400,
        "JSONParsingError": 400,
        "LexerInvalidChar": 400,
        "ObjectSerializationConflict": 400,
        "ParseExpectedDatePart": 400,
        "ParseExpectedKeyword": 400,
        "ParseSelectMissingFrom": 400,
        "ParseUnexpectedToken": 400,
        "UnsupportedFunction": 400,
        "UnsupportedScanRangeInput": 400,
        "UnsupportedSyntax": 400,
    },
    data_operations=DATA_OPERATIONS,
    recorded=log,
)
