// The commands follow what is chosen: what the real AWS CLI sends for them, and what a shell hands to SAM, in bash and in
// zsh. While a parameter is wrong there is nothing to be copied.

import assert from "node:assert/strict";
import * as processes from "node:child_process";
import { existsSync } from "node:fs";
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

// As a shell reads what is typed: zsh knows no comments there, and both call back earlier commands by "!".
const SHELLS = {
  bash: ["bash", "--noprofile", "--norc", "-i", "-s"],
  zsh: ["zsh", "-f", "-i", "-s"],
};

function isThere(shell) {
  return (process.env.PATH ?? "").split(path.delimiter).some((folder) => existsSync(path.join(folder, shell)));
}

// What the commands print. The shell is told to stop at the first that fails.
async function run(shell, text) {
  const env = {
    PATH: `${path.join(ROOT, ".tools/awscli/bin")}:${process.env.PATH}`,
    AWS_ENDPOINT_URL: `http://127.0.0.1:${aws.address().port}`,
    AWS_ACCESS_KEY_ID: "none",
    AWS_SECRET_ACCESS_KEY: "none",
    HOME: path.join(ROOT, "target"),
  };
  const [program, ...words] = SHELLS[shell];
  const ran = execFile(program, words, { env });
  ran.child.stdin.end(`set -e\n${text}\nexit\n`);
  const { stdout, stderr } = await ran;
  assert.doesNotMatch(stderr, /not found|no matches|parse error|syntax error|bad |unmatched/i);
  return stdout;
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

for (const shell of Object.keys(SHELLS)) {
  for (const [choice, template] of Object.entries(TEMPLATES)) {
    for (const parameters of [CHOSEN, {}]) {
      const what = Object.keys(parameters).length ? "what is chosen, and nothing else" : "nothing, if nothing is chosen";
      test(`${choice}: the AWS CLI sends, and SAM is given, ${what}, in ${shell}`, async (t) => {
        if (!isThere(shell)) {
          assert.ok(!process.env.CI, `${shell} is not installed`);
          return t.skip(`${shell} is not installed. On Debian: apt-get install zsh`);
        }
        const { aws: lines, sam } = await chosen(choice, parameters);
        // Only what creates: the rest waits for it.
        await run(shell, lines.slice(0, lines.indexOf("aws cloudformation wait")));
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
        const words = (await run(shell, `sam() { printf '%s\\n' "$@"; }\n${sam}`)).trim().split("\n");
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
}

// Everything in the figures of a choice that may be copied, byte for byte.
const copied = (page, choice) =>
  page.locator(`#${choice} .command, #afterwards [data-choice="${choice}"] .command`).evaluateAll((all) =>
    Object.fromEntries(all.map((one) => [one.id, one.querySelector("code").textContent])),
  );

// Of a choice, the figures whose text depends on what is chosen.
const FOLLOWING = (choice) => [`${choice}-link`, `${choice}-aws`, `${choice}-sam`];

const WRONG = [
  ["one-account", { MaxSessionDuration: "1" }, /a whole number from 3600 to 43200/],
  ["one-account", { MaxSessionDuration: "" }, /a whole number from 3600 to 43200/],
  ["one-account", { PermissionsBoundaryName: "a b; c" }, /Give the name of a managed policy/],
  ["one-account", { Guardrail: "On", PermissionsBoundaryName: "Boundary" }, /A role has one boundary/],
  ["many-accounts", { MaxConcurrentPercentage: "0" }, /a whole number from 1 to 100/],
  ["many-accounts", { Guardrail: "On", PermissionsBoundaryName: "Boundary" }, /A role has one boundary/],
  ["no-function", { MaxSessionDuration: "3600.5" }, /a whole number from 3600 to 43200/],
];

for (const [choice, parameters, message] of WRONG) {
  test(`${choice}: with ${JSON.stringify(parameters)} link and commands are withdrawn, and come back as they were`, async () => {
    await look({ permissions: ["clipboard-read", "clipboard-write"] }, async (page) => {
      await page.locator(`[value="${choice}"]`).check();
      const fill = async (name, value) => {
        const control = page.locator(`#${choice}-${name}`);
        if (await control.evaluate((one) => one.tagName === "SELECT")) await control.selectOption(value);
        else await control.fill(value);
      };
      await fill("PolicyEdition", "2026-02-06");
      const before = await copied(page, choice);
      assert.ok(FOLLOWING(choice).every((id) => before[id].includes("2026-02-06")));
      for (const [name, value] of Object.entries(parameters)) await fill(name, value);

      const withdrawn = await copied(page, choice);
      for (const id of FOLLOWING(choice)) {
        assert.equal(withdrawn[id], "");
        const figure = page.locator(`#${id}`);
        assert.equal(await figure.locator("pre").isVisible(), false);
        const shown = await figure.innerText();
        assert.match(shown, message);
        assert.doesNotMatch(shown, /#|--|https:|cloudformation|sam deploy|\n *aws /);
        // Nothing gets into the clipboard, and the button says why.
        await page.evaluate(() => navigator.clipboard.writeText("as before"));
        await figure.getByRole("button").click();
        await figure.getByRole("status").getByText(/^Nothing to copy: /).waitFor();
        assert.equal(await page.evaluate(() => navigator.clipboard.readText()), "as before");
      }
      // What does not depend on the parameters is still there.
      for (const [id, text] of Object.entries(before)) if (!FOLLOWING(choice).includes(id)) assert.equal(withdrawn[id], text);
      for (const launch of await page.locator(`#${choice} [data-launch]`).all()) {
        assert.equal(await launch.getAttribute("href"), null);
        assert.equal(await launch.getAttribute("aria-disabled"), "true");
      }
      // The controls that the message is about say so, and no other.
      const invalid = await page.locator(`#${choice} [aria-invalid]`).evaluateAll((all) => all.map((one) => one.name));
      assert.deepEqual(invalid.sort(), Object.keys(parameters).sort());
      for (const name of invalid) {
        const described = await page.locator(`#${choice}-${name}`).getAttribute("aria-describedby");
        assert.equal(described, `${choice}-${name}-about ${choice}-problem`);
      }

      for (const name of Object.keys(parameters)) {
        await fill(name, await page.locator(`#${choice}-${name}`).getAttribute("data-default"));
      }
      assert.deepEqual(await copied(page, choice), before);
      assert.equal(await page.locator(`#${choice} [aria-invalid]`).count(), 0);
      assert.equal(await page.locator(`#${choice}-aws`).locator(".withdrawn").isVisible(), false);
      await page.locator(`#${choice}-aws`).getByRole("button").click();
      await page.locator(`#${choice}-aws`).getByText("Copied").waitFor();
      assert.equal(await page.evaluate(() => navigator.clipboard.readText()), before[`${choice}-aws`]);
      assert.deepEqual(page.wrong, []);
    });
  });
}

test("no command on the page carries a comment or waits to be edited, and suspend and resume differ in the state alone", async () => {
  await look({}, async (page) => {
    for (const choice of Object.keys(TEMPLATES)) {
      await page.locator(`[value="${choice}"]`).check();
      const all = await copied(page, choice);
      for (const text of Object.values(all)) assert.doesNotMatch(text, /(^|\s)#/);
      const [suspend, resume] = [all[`${choice}-suspend`], all[`${choice}-resume`]];
      assert.equal(suspend.replace('"Suspended"', '"Active"'), resume);
      assert.notEqual(suspend, resume);
    }
  });
});
