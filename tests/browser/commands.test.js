// The commands have the settings: what the real AWS CLI sends for them, and what SAM reads, in bash and in zsh. While a
// setting is wrong there is nothing to copy.

import assert from "node:assert/strict";
import * as processes from "node:child_process";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import path from "node:path";
import { promisify } from "node:util";

import { look, ROOT, unfold } from "./browser.js";

const execFile = promisify(processes.execFile);
const CHOSEN = {
  PolicyEdition: "2026-02-06",
  MaxSessionDuration: "43200",
  PermissionsBoundaryName: "path/a_b+c=d,e.f@g-h",
  AccessState: "Suspended",
};
// Whatever a parameter allows some day, such as tags.
const ODD = [
  "CostCenter=Data Platform,Team=a=b",
  "Key='single', \"double\" and 'both\"",
  "$HOME ${HOME} $(id) `id` !x !! #y ~z * ?.a [b] {c,d} <e >f |g &h ;i (j) ^k %l",
  "=ParameterKey=a,ParameterValue=b c",
  " spaces  around ",
  "Müller & 東京",
];
const TEMPLATES = {
  "one-account": "orchestera-access.yaml",
  "new-account": "orchestera-organization.yaml",
  "many-accounts": "orchestera-access-stack-set.yaml",
  "no-function": "orchestera-access-native.yaml",
};

// The management account may have all of them.
const STACKS = { "new-account": "orchestera-organization", "many-accounts": "orchestera-access-rollout" };
// What the commands themselves give, because it has no default.
const GIVEN = {
  "one-account": {},
  "new-account": { AccountEmail: "spark@example.com", AdminUserNames: "ann" },
  "many-accounts": { OrganizationalUnitIds: "ou-abcd-11112222,ou-abcd-33334444" },
};
// SAM's own reading of the words behind --parameter-overrides.
const SAM = `import json, sys
from samcli.cli.types import CfnParameterOverridesType
json.dump(CfnParameterOverridesType().convert(tuple(json.load(sys.stdin)), None, None), sys.stdout)`;

let aws;
const requests = [];

// It accepts whatever the CLI sends.
before(async () => {
  aws = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    requests.push(Object.fromEntries(new URLSearchParams(body)));
    const { Action } = requests.at(-1);
    response.end(`<${Action}Response><${Action}Result><StackId>created</StackId></${Action}Result></${Action}Response>`);
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

async function chosen(choice, parameters, isAnything = false) {
  return look({}, async (page) => {
    await page.locator(`[value="${choice}"]`).check();
    await unfold(page);
    if (isAnything) await page.locator("[data-pattern]").evaluateAll((all) => all.forEach((one) => delete one.dataset.pattern));
    for (const [name, value] of Object.entries(parameters)) {
      const control = page.locator(`#${choice}-${name}`);
      if (await control.evaluate((one) => one.tagName === "SELECT")) await control.selectOption(value);
      else await control.fill(value);
    }
    const text = (kind) => page.locator(`#${choice}-${kind} code`).textContent();
    return { aws: await text("aws"), sam: await text("sam") };
  });
}

// What the AWS CLI sends for the lines that create the stack, and what SAM reads. Only what creates: the rest waits for it.
async function given(shell, { aws: lines, sam }) {
  await run(shell, lines.slice(0, lines.indexOf("aws cloudformation wait")));
  const request = requests.at(-1);
  const sent = {};
  for (let at = 1; request[`Parameters.member.${at}.ParameterKey`]; at++)
    sent[request[`Parameters.member.${at}.ParameterKey`]] = request[`Parameters.member.${at}.ParameterValue`];
  const words = (await run(shell, `sam() { printf '%s\\0' "$@"; }\n${sam}`)).split("\0").slice(0, -1);
  const at = words.indexOf("--parameter-overrides");
  const read = execFile(path.join(ROOT, ".venv/bin/python"), ["-c", SAM]);
  read.child.stdin.end(JSON.stringify(at < 0 ? [] : words.slice(at + 1)));
  return { request, sent, read: JSON.parse((await read).stdout) };
}

function skips(shell, t) {
  if (isThere(shell)) return false;
  assert.ok(!process.env.CI, `${shell} is not installed`);
  t.skip(`${shell} is not installed. On Debian: apt-get install zsh`);
  return true;
}

for (const shell of Object.keys(SHELLS)) {
  for (const [choice, template] of Object.entries(TEMPLATES)) {
    for (const parameters of [CHOSEN, {}]) {
      const what = Object.keys(parameters).length ? "the changed settings, and nothing else" : "nothing, if nothing is changed";
      test(`${choice}: the AWS CLI sends, and SAM reads, ${what}, in ${shell}`, async (t) => {
        if (skips(shell, t)) return;
        const { request, sent, read } = await given(shell, await chosen(choice, parameters));
        assert.equal(request.Action, "CreateStack");
        assert.equal(request.StackName, STACKS[choice] ?? "orchestera-access");
        assert.match(request.TemplateURL, new RegExp(`^https://[a-z0-9.-]+/\\d+\\.\\d+\\.\\d+/${template}$`));
        for (const all of [sent, read]) {
          const { ExternalId, ...rest } = all;
          assert.equal(/^[0-9a-f]{32}$/.test(ExternalId ?? ""), choice === "no-function");
          assert.deepEqual(rest, { ...GIVEN[choice], ...parameters });
        }
      });
    }
  }

  test(`any value is one word of a command, whatever it holds, in ${shell}`, async (t) => {
    if (skips(shell, t)) return;
    for (const choice of ["one-account", "no-function"]) {
      for (const PermissionsBoundaryName of ODD) {
        const { sent, read } = await given(shell, await chosen(choice, { PermissionsBoundaryName }, true));
        assert.equal(sent.PermissionsBoundaryName, PermissionsBoundaryName);
        assert.equal(read.PermissionsBoundaryName, PermissionsBoundaryName);
      }
    }
  });
}

test("tags are written as a person would write them", async () => {
  const { aws: lines, sam } = await chosen("one-account", { PermissionsBoundaryName: ODD[0] }, true);
  const word = `'ParameterKey=PermissionsBoundaryName,ParameterValue="CostCenter=Data Platform,Team=a=b"'`;
  assert.ok(lines.includes(`--parameters ${word}\n`));
  assert.ok(sam.endsWith(`--parameter-overrides ${word}`));
});

test("a value that no command can hold is in the link, and the commands say why they are withdrawn", async () => {
  await look({}, async (page) => {
    await page.locator('[value="new-account"]').check();
    await unfold(page);
    await page.locator("#new-account-AccountName").fill("Spark\\Test");
    for (const id of ["new-account-aws", "new-account-sam"]) {
      assert.equal(await page.locator(`#${id} code`).textContent(), "");
      assert.match(await page.locator(`#${id}`).innerText(), /Account name: a command cannot hold a backslash/);
    }
    assert.match(await page.locator("#new-account-link code").textContent(), /&param_AccountName=Spark%5CTest$/);
    await page.locator("#new-account-AccountName").fill("Spark Test");
    assert.match(await page.locator("#new-account-aws code").textContent(), /'ParameterKey=AccountName,ParameterValue="Spark Test"'/);
    assert.equal(await page.locator("#new-account-aws .withdrawn").isVisible(), false);
  });
});

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
  ["new-account", { AdminGroupRights: "SwitchOnly", BootstrapRole: "On" }, /With BootstrapRole, the users of the group/],
  ["many-accounts", { MaxConcurrentPercentage: "0" }, /a whole number from 1 to 100/],
  ["many-accounts", { Guardrail: "On", PermissionsBoundaryName: "Boundary" }, /A role has one boundary/],
  ["no-function", { MaxSessionDuration: "3600.5" }, /a whole number from 3600 to 43200/],
];

for (const [choice, parameters, message] of WRONG) {
  test(`${choice}: with ${JSON.stringify(parameters)} link and commands are withdrawn, and come back as they were`, async () => {
    await look({ permissions: ["clipboard-read", "clipboard-write"] }, async (page) => {
      await page.locator(`[value="${choice}"]`).check();
      await unfold(page);
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

test("no command on the page has a comment, and suspend and resume differ in the state alone", async () => {
  await look({}, async (page) => {
    for (const choice of Object.keys(TEMPLATES)) {
      await page.locator(`[value="${choice}"]`).check();
      await unfold(page);
      const all = await copied(page, choice);
      for (const text of Object.values(all)) assert.doesNotMatch(text, /(^|\s)#/);
      const [suspend, resume] = [all[`${choice}-suspend`], all[`${choice}-resume`]];
      assert.equal(suspend.replace('"Suspended"', '"Active"'), resume);
      assert.notEqual(suspend, resume);
    }
  });
});
