"""A website out of a bucket: index and error pages, an old path that leads to the new one, open to everybody.

python website.py up [PREFIX]      python website.py down [PREFIX]
"""

import boto3
from common import Client, account_of, create_bucket, main, policy, remove_bucket, site_of

PAGES = {
    "index.html": "<h1>Hills</h1><p>See <a href='/places/'>places</a>.</p>",
    "places/index.html": "<h1>Places</h1>",
    "lost.html": "<h1>Nothing here</h1>",
}
WEBSITE = {
    "IndexDocument": {"Suffix": "index.html"},
    "ErrorDocument": {"Key": "lost.html"},
    "RoutingRules": [
        {"Condition": {"KeyPrefixEquals": "spots/"}, "Redirect": {"ReplaceKeyPrefixWith": "places/", "HttpRedirectCode": "302"}}
    ],
}


def deploy(prefix: str, client: Client = boto3.client) -> str:
    """Builds the website; returns its bucket."""
    s3, bucket = client("s3"), f"{prefix}-site-{account_of(client)}"
    create_bucket(s3, bucket)
    s3.delete_public_access_block(Bucket=bucket)
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(everybody))
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=WEBSITE)
    for key, body in PAGES.items():
        s3.put_object(Bucket=bucket, Key=key, Body=body.encode(), ContentType="text/html; charset=utf-8", CacheControl="max-age=60")
    return bucket


def remove(prefix: str, client: Client = boto3.client) -> None:
    remove_bucket(client("s3"), f"{prefix}-site-{account_of(client)}")


def _up(prefix: str) -> list[str]:
    return [f"Open {site_of(deploy(prefix), boto3.client('s3').meta.region_name)}/"]


if __name__ == "__main__":
    main(_up, remove, __doc__ or "")
