"""Who publishes the artefacts, on the AWS on loopback: an account with a bucket for each region."""

from orchestera_release import product, publish

ACCOUNT = "017000000000"


def bucket_policy(bucket):
    """The one that docs/releasing.md gives, for every account."""
    text = (product.ROOT / "docs/releasing.md").read_text().split("```json\n")[1].split("```")[0]
    customer, named = '["arn:aws:iam::111122223333:root"]', "orchestera-access-us-east-1"
    if customer not in text or named not in text:
        raise ValueError("docs/releasing.md gives another policy")
    return text.replace(customer, '"*"').replace(named, bucket)


def make_buckets(aws, prefix=product.BUCKET_PREFIX):
    s3 = aws.account(ACCOUNT).client("s3")
    for region in product.REGIONS:
        bucket = product.bucket(prefix, region)
        s3.create_bucket(Bucket=bucket)
        # New buckets block it.
        open_to_policies = {"BlockPublicPolicy": False, "RestrictPublicBuckets": False}
        s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=open_to_policies)
        s3.put_bucket_policy(Bucket=bucket, Policy=bucket_policy(bucket))


def publish_it(aws, say, prefix=product.BUCKET_PREFIX):
    """What `make publish` does. The folder is `product.folder()`."""
    s3 = aws.account(ACCOUNT).client("s3")
    missing, latest = publish.plan(lambda _: s3, product.VERSION, prefix, product.REGIONS)
    publish.publish(lambda _: s3, missing, latest, say)
