# The loop of docs/rollout.md as it was before `orchestera status`, word for word. It runs the AWS CLI twice for each account.
aws cloudformation list-stack-instances --stack-set-name orchestera-access \
  --query 'Summaries[?Status==`"CURRENT"`].Account' --output text |
tr '\t' '\n' | while read -r account; do
  credentials=$(aws sts assume-role --role-arn "arn:aws:iam::${account}:role/OrganizationAccountAccessRole" \
    --role-session-name collect --query 'Credentials.[AccessKeyId,SecretAccessKey,SessionToken]' --output text) || continue
  read -r key secret token <<< "$credentials"
  id=$(AWS_ACCESS_KEY_ID=$key AWS_SECRET_ACCESS_KEY=$secret AWS_SESSION_TOKEN=$token aws iam get-role \
    --role-name OrchesteraAccessRole --output text \
    --query 'Role.AssumeRolePolicyDocument.Statement[].Condition.StringEquals."sts:ExternalId"') || continue
  echo "$account arn:aws:iam::${account}:role/OrchesteraAccessRole $id"
done
