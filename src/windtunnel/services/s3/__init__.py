"""S3: buckets, objects with versions, multipart uploads, listings, and notifications of what happens to them."""

from windtunnel.fabric import Service
from windtunnel.services.s3 import acl, buckets, copying, listing, objects, reading, tagging
from windtunnel.services.s3.state import BUCKET

SERVICE = Service(
    "s3",
    modules=(buckets, objects, copying, reading, listing, tagging, acl),
    resources=(BUCKET,),
    faults={
        "AccessControlListNotSupported": 400,
        "AccessDenied": 403,
        "AuthorizationHeaderMalformed": 400,
        "BadDigest": 400,
        "BadRequest": 400,
        "BucketNotEmpty": 409,
        "EntityTooLarge": 400,
        "IllegalLocationConstraintException": 400,
        "IllegalVersioningConfigurationException": 400,
        "InvalidArgument": 400,
        "InvalidBucketName": 400,
        "InvalidBucketOwnerAWSAccountID": 400,
        "InvalidDigest": 400,
        "InvalidLocationConstraint": 400,
        "InvalidPartNumber": 416,
        "InvalidRange": 416,
        "InvalidStorageClass": 400,
        "InvalidTag": 400,
        "KeyTooLongError": 400,
        "MalformedACLError": 400,
        "MalformedXML": 400,
        "MetadataTooLarge": 400,
        "MethodNotAllowed": 405,
        "MissingSecurityHeader": 400,
        "NoSuchTagSet": 404,
        "NoSuchVersion": 404,
        "NotImplemented": 501,
        "NotModified": 304,
        "PermanentRedirect": 301,
        "PreconditionFailed": 412,
        "UnexpectedContent": 400,
        "UnresolvableGrantByEmailAddress": 400,
    },
    data_operations=(
        "CopyObject", "DeleteObject", "DeleteObjectTagging", "DeleteObjects", "GetObject", "GetObjectAcl", "GetObjectAttributes",
        "GetObjectTagging", "HeadObject", "ListObjectVersions", "ListObjects", "ListObjectsV2", "PutObject", "PutObjectAcl",
        "PutObjectTagging",
    ),
)  # fmt: skip
