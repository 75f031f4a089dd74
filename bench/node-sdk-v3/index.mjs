// AWS SDK v3, bundled, and the answer by node:https.
import { AttachRolePolicyCommand, CreatePolicyCommand, CreateRoleCommand, IAMClient } from "@aws-sdk/client-iam";
import { randomBytes } from "node:crypto";
import https from "node:https";
import policy from "../../policies/2025-09-29.json";

const iam = new IAMClient({});

function put(url, body) {
  const headers = { "content-type": "", "content-length": Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const request = https.request(url, { method: "PUT", headers }, (answer) => answer.resume().on("end", resolve));
    request.on("error", reject).end(body);
  });
}

async function create({ RoleName, PolicyName }) {
  const ExternalId = randomBytes(16).toString("hex");
  const trust = {
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Principal: { AWS: "arn:aws:iam::017059471480:root" },
        Action: "sts:AssumeRole",
        Condition: { StringEquals: { "sts:ExternalId": ExternalId } },
      },
    ],
  };
  const PolicyDocument = JSON.stringify(policy);
  const PolicyArn = (await iam.send(new CreatePolicyCommand({ PolicyName, PolicyDocument }))).Policy.Arn;
  const AssumeRolePolicyDocument = JSON.stringify(trust);
  const RoleArn = (await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument }))).Role.Arn;
  await iam.send(new AttachRolePolicyCommand({ RoleName, PolicyArn }));
  return { RoleArn, PolicyArn, ExternalId };
}

export async function handler({ ResponseURL, StackId, RequestId, LogicalResourceId, ResourceProperties }) {
  const answer = { StackId, RequestId, LogicalResourceId };
  try {
    const Data = await create(ResourceProperties);
    Object.assign(answer, { Status: "SUCCESS", PhysicalResourceId: Data.RoleArn, Data });
  } catch (error) {
    Object.assign(answer, { Status: "FAILED", PhysicalResourceId: RequestId, Reason: String(error) });
  }
  await put(ResponseURL, JSON.stringify(answer));
}
