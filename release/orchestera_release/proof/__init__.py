"""The proof on a real AWS account, which `prove_aws.py` runs."""
