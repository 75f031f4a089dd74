// The commands follow what is chosen: what the real AWS CLI sends for them, and what a shell hands to SAM.

import assert from "node:assert/strict";
import * as processes from "node:child_process";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import path from "node:path";
import { promisify } from "node:util";

import { look, ROOT } from "./browser.js";

const execFile = promisify(processes.execFile);
const CHOSEN = {
  PolicyEdition: "2026-02-06",
  MaxSessionDuration: "43200",
  PermissionsBoundaryName: "path/a_b+c=d,e.f@g-h",
  AccessState: "Suspended",
};
const TEMPLATES = {
  "one-account": "orchestera-access.yaml",
  "many-accounts": "orchestera-access-stack-set.yaml",
  "no-function": "orchestera-access-native.yaml",
};

let aws;
const requests = [];

// It takes whatever the CLI sends and says that it is done.
before(async () => {
  aws = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    requests.push(Object.fromEntries(new URLSearchParams(body)));
    const { Action } = requests.at(-1);
    response.end(`<${Action}Response><${Action}Result><StackId>made</StackId></${Action}Result></${Action}Response>`);
  });
  await new Promise((listening) => aws.listen(0, "127.0.0.1", listening));
});

after(() => aws.close());

async function shell(text) {
  const env = {
    PATH: `${path.join(ROOT, ".tools/awscli/bin")}:${process.env.PATH}`,
    AWS_ENDPOINT_URL: `http://127.0.0.1:${aws.address().port}`,
    AWS_ACCESS_KEY_ID: "none",
    AWS_SECRET_ACCESS_KEY: "none",
    HOME: path.join(ROOT, "target"),
  };
  return (await execFile("bash", ["-euo", "pipefail", "-c", text], { env })).stdout;
}

async function chosen(choice, parameters) {
  return look({}, async (page) => {
    await page.locator(`[value="${choice}"]`).check();
    for (const [name, value] of Object.entries(parameters)) {
      const control = page.locator(`#${choice}-${name}`);
      if (await control.evaluate((one) => one.tagName === "SELECT")) await control.selectOption(value);
      else await control.fill(value);
    }
    const text = (kind) => page.locator(`#${choice}-${kind} code`).textContent();
    return { aws: await text("aws"), sam: await text("sam") };
  });
}

for (const [choice, template] of Object.entries(TEMPLATES)) {
  for (const parameters of [CHOSEN, {}]) {
    const what = Object.keys(parameters).length ? "what is chosen, and nothing else" : "nothing, if nothing is chosen";
    test(`${choice}: the AWS CLI sends, and SAM is given, ${what}`, async () => {
      const { aws: lines, sam } = await chosen(choice, parameters);
      // Only what creates: the rest waits for it.
      await shell(lines.slice(0, lines.indexOf("aws cloudformation wait")));
      const request = requests.at(-1);
      assert.equal(request.Action, "CreateStack");
      // The management account may have both.
      assert.equal(request.StackName, choice === "many-accounts" ? "orchestera-access-rollout" : "orchestera-access");
      assert.match(request.TemplateURL, new RegExp(`^https://[a-z0-9.-]+/\\d+\\.\\d+\\.\\d+/${template}$`));
      const sent = {};
      for (let at = 1; request[`Parameters.member.${at}.ParameterKey`]; at++)
        sent[request[`Parameters.member.${at}.ParameterKey`]] = request[`Parameters.member.${at}.ParameterValue`];
      const { ExternalId, OrganizationalUnitIds, ...rest } = sent;
      assert.deepEqual(rest, parameters);
      assert.equal(/^[0-9a-f]{32}$/.test(ExternalId ?? ""), choice === "no-function");
      assert.equal(OrganizationalUnitIds, choice === "many-accounts" ? "ou-abcd-11112222,ou-abcd-33334444" : undefined);

      // What a shell makes of the words behind `sam deploy`.
      const words = (await shell(`sam() { printf '%s\\n' "$@"; }\n${sam}`)).trim().split("\n");
      const at = words.indexOf("--parameter-overrides");
      const given = Object.fromEntries((at < 0 ? [] : words.slice(at + 1)).map((word) => word.split(/=(.*)/s, 2)));
      assert.deepEqual(
        Object.fromEntries(Object.entries(given).filter(([name]) => !["ExternalId", "OrganizationalUnitIds"].includes(name))),
        parameters,
      );
      assert.equal("ExternalId" in given, choice === "no-function");
      assert.equal("OrganizationalUnitIds" in given, choice === "many-accounts");
    });
  }
}
