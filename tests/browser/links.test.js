// The link that the button opens, against the templates that are published and against `make link`.

import assert from "node:assert/strict";
import * as processes from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";

import { CHOICES, look, ROOT, unfold } from "./browser.js";

const KINDS = { "one-account": "flat", "new-account": "organization", "many-accounts": "stack-set", "no-function": "native" };
// There is no link to the buckets of the releases before the first one.
const LINK = ["-m", "orchestera_release.link", "--bucket-prefix=my-company-orchestera"];
const execFile = promisify(processes.execFile);
// Whose value is an account's own, or names one.
const OF_AN_ACCOUNT = new RegExp(
  "^(Require)?ExternalId$|^Member|^NewAccount$|(Boundary|Topic)Arn$|^OrganizationalUnitIds?$|^Accounts$|^AccountFilterType$|Email$" +
    "|^AccountId$|^AdminUserNames$|^IdentityCenterPrincipal$|Contact$|^AcceptPaidPlan$",
);
// Of these, a text control is tried with those that its pattern allows.
const TEXTS = ["Boundary", "path/of/it/a_b+c=d,e.f@g-h", "CostCenter=Data Platform,Team=a=b", "Data Platform's (a)*! ~ü"];

async function python(command, input) {
  const ran = execFile(".venv/bin/python", command, { cwd: ROOT, maxBuffer: 1 << 24 });
  ran.child.stdin.end(input);
  return (await ran).stdout;
}

// Every value of every control is tried, choice by choice, and then all controls away from their defaults. What
// `make link` says to the same is asked once for all, because Python takes seconds to read the transform of SAM.
let trying;
const tried = () => (trying ??= look({}, async (page) => {
  const links = [];
  for (const choice of CHOICES) {
    const { panel, link } = await opened(page, choice);
    const all = await controls(panel);
    const wanted = [{}, ...all.flatMap((one) => one.values.map((value) => ({ [one.name]: value })))];
    // All at once, but for what a rule forbids together.
    for (const without of ["Guardrail", "PermissionsBoundaryName"]) {
      const rest = all.filter((one) => one.name !== without);
      wanted.push(Object.fromEntries(rest.map((one) => [one.name, one.values.findLast((value) => value !== one.default)])));
    }
    for (const parameters of wanted) {
      for (const [name, value] of Object.entries(parameters)) await set(panel, name, value);
      const isChanged = ([name, value]) => value !== all.find((one) => one.name === name).default;
      links.push({ choice, parameters: Object.fromEntries(Object.entries(parameters).filter(isChanged)), link: await link() });
      for (const one of all) if (one.name in parameters) await set(panel, one.name, one.default);
    }
  }
  assert.deepEqual(page.wrong, []);
  const asked = JSON.stringify(links.map(({ choice, parameters }) => [KINDS[choice], parameters]));
  const said = JSON.parse(await python(["tests/browser/published.py"], asked));
  return { templates: said.templates, links: links.map((one, at) => ({ ...one, wanted: said.links[at] })) };
}));

// A link taken apart. Everything in it is looked at: nothing else may be there.
function taken(link) {
  const at = link.indexOf("#/stacks/create/review?");
  assert.equal(link.slice(0, at), "https://us-east-1.console.aws.amazon.com/cloudformation/home?region=us-east-1");
  const query = [...new URLSearchParams(link.slice(link.indexOf("?", at)))];
  assert.deepEqual(query.slice(0, 2).map(([name]) => name), ["templateURL", "stackName"]);
  const parameters = query.slice(2).map(([name, value]) => {
    assert.match(name, /^param_/);
    return [name.slice("param_".length), value];
  });
  assert.equal(new Set(parameters.map(([name]) => name)).size, parameters.length);
  return { url: query[0][1], parameters: Object.fromEntries(parameters) };
}

// The template that a URL names.
function nameOf(url) {
  return url.match(/^https:\/\/[a-z0-9-]+-us-east-1\.s3\.us-east-1\.amazonaws\.com\/\d+\.\d+\.\d+\/([\w.-]+)$/)[1];
}

function mayBePreset(template, parameters) {
  for (const [name, value] of Object.entries(parameters)) {
    const parameter = template[name];
    assert.ok(parameter, `the template has no ${name}`);
    assert.ok(!parameter.NoEcho, `${name} is NoEcho`);
    if (parameter.AllowedValues) assert.ok(parameter.AllowedValues.map(String).includes(value), `${name}=${value}`);
    if (parameter.MinValue !== undefined) assert.ok(parameter.MinValue <= +value && +value <= parameter.MaxValue);
    if (parameter.AllowedPattern) assert.match(value, new RegExp(parameter.AllowedPattern));
  }
}

// The choice's panel, and what its button would open.
async function opened(page, choice) {
  await page.locator(`[name="choice"][value="${choice}"]`).check();
  await unfold(page);
  const panel = page.locator(`#${choice}`);
  const link = async () => {
    const hrefs = await panel.locator("[data-launch]").evaluateAll((all) => all.map((one) => one.getAttribute("href")));
    assert.equal(new Set(hrefs).size, 1);
    assert.equal((await panel.locator("[data-link]").textContent()) || null, hrefs[0]);
    return hrefs[0];
  };
  return { panel, link };
}

// Every control of a panel: its name and the values to try.
async function controls(panel) {
  return panel.locator("[data-default]").evaluateAll((all, texts) =>
    all.map((one) => ({
      name: one.name,
      default: one.dataset.default,
      values: one.options
        ? [...one.options].map((option) => option.value)
        : one.type === "text"
          ? texts.filter((text) => new RegExp(`^(?:${one.dataset.pattern})$`).test(text))
          : [one.min, String(+one.max - 1), one.max],
    })),
    TEXTS,
  );
}

async function set(panel, name, value) {
  const control = panel.locator(`[name="${name}"]`);
  if (await control.evaluate((one) => one.tagName === "SELECT")) await control.selectOption(value);
  else await control.fill(value);
}

for (const choice of CHOICES) {
  test(`${choice}: the link is that of make link, for every value of every parameter that a link may preset`, async () => {
    const links = (await tried()).links.filter((one) => one.choice === choice);
    assert.ok(links.length > 8);
    for (const { link, wanted } of links) assert.equal(link, wanted);
  });

  test(`${choice}: what a link sets is in the template that it names, is not NoEcho, and is allowed there`, async () => {
    const { templates, links } = await tried();
    for (const { choice: of, link, parameters: chosen } of links) {
      if (of !== choice) continue;
      const { url, parameters } = taken(link);
      assert.deepEqual(parameters, chosen);
      mayBePreset(templates[nameOf(url)], parameters);
    }
  });

  test(`${choice}: no link holds an external id, an account or what belongs to one`, async () => {
    for (const { link } of (await tried()).links.filter((one) => one.choice === choice)) {
      const rest = link.replace("param_RequireExternalId=", "");
      assert.doesNotMatch(rest, /external-?id|accountid|\b\d{12}\b|ou-[a-z0-9]{4}|arn(%3A|:)/i);
    }
  });

  test(`${choice}: every parameter that a link may preset has a control, and no other has`, async () => {
    const { templates } = await tried();
    await look({}, async (page) => {
      const { panel, link } = await opened(page, choice);
      const all = Object.keys(templates[nameOf(taken(await link()).url)]);
      const may = all.filter((name) => !OF_AN_ACCOUNT.test(name));
      assert.deepEqual((await controls(panel)).map((one) => one.name).sort(), may.sort());
      assert.deepEqual((await panel.locator(".parameter code.name").allTextContents()).sort(), all.sort());
    });
  });
}

test("what make link prints, in a process of its own, is the page's link", async () => {
  const chosen = { PolicyEdition: "2026-02-06", MaxSessionDuration: "7200", AccessState: "Suspended" };
  const parameters = Object.entries(chosen).map(([name, value]) => `${name}=${value}`).join(" ");
  const printed = python([...LINK, "--template=native", `--parameters=${parameters}`], "");
  await look({}, async (page) => {
    const { panel, link } = await opened(page, "no-function");
    for (const [name, value] of Object.entries(chosen)) await set(panel, name, value);
    assert.equal(`${await link()}\n`, await printed);
  });
});

test("there is no link while a number is wrong, and again when it is right", async () => {
  await look({}, async (page) => {
    const { panel, link } = await opened(page, "one-account");
    // The last two are numbers to a browser, and none to CloudFormation.
    for (const value of ["3599", "43201", "", "3600.5", "1e4", "03600"]) {
      await set(panel, "MaxSessionDuration", value);
      assert.equal(await link(), null);
      assert.match(await panel.locator(".problem").textContent(), /Maximum session duration, in seconds: a whole number from 3600 to 43200/);
      assert.equal(await panel.locator("#one-account-aws code").textContent(), "");
    }
    await set(panel, "MaxSessionDuration", "43200");
    for (const value of ["no blank", "/first", "a;b", "$(a)"]) {
      await set(panel, "PermissionsBoundaryName", value);
      assert.equal(await link(), null);
      assert.match(await panel.locator(".problem").textContent(), /: Give the name of a managed policy, such as/);
    }
    await set(panel, "PermissionsBoundaryName", "");
    assert.deepEqual(taken(await link()).parameters, { MaxSessionDuration: "43200" });
    await panel.getByRole("button", { name: "Back to the defaults" }).click();
    await page.waitForFunction(() => !document.querySelector("#one-account [data-launch]").href.includes("param_"));
    assert.deepEqual(taken(await link()).parameters, {});
    assert.deepEqual(page.wrong, []);
  });
});

// Every pair of values of every two controls, set in the page at once; what the rules of the template say to it is asked
// of Python, which evaluates them in another way than what builds the page.
for (const choice of CHOICES) {
  test(`${choice}: of all pairs of values, those that a rule forbids have neither link nor command, and its message`, async () => {
    await look({}, async (page) => {
      const { panel } = await opened(page, choice);
      const all = (await controls(panel)).map(({ name, default: standard, values }) => ({
        name,
        values: [...new Set([standard, ...values])],
      }));
      const pairs = all.flatMap((one, at) =>
        all.slice(at + 1).flatMap((other) =>
          one.values.flatMap((value) => other.values.map((another) => ({ [one.name]: value, [other.name]: another }))),
        ),
      );
      const shown = await panel.evaluate((section, pairs) => {
        const form = section.querySelector("[data-parameters]");
        const text = (one) => section.querySelector(one).textContent;
        const said = pairs.map((pair) => {
          for (const one of form.querySelectorAll("[data-default]")) one.value = pair[one.name] ?? one.dataset.default;
          form.dispatchEvent(new Event("input"));
          return {
            href: section.querySelector("[data-launch]").getAttribute("href"),
            link: text("[data-link]"),
            aws: text(`#${section.id}-aws code`),
            sam: text(`#${section.id}-sam code`),
            problem: text(".problem"),
          };
        });
        form.reset();
        return said;
      }, pairs);
      const asked = JSON.stringify(pairs.map((pair) => [KINDS[choice], pair]));
      const wanted = JSON.parse(await python(["tests/browser/forbidden.py"], asked));
      assert.equal(wanted.length, pairs.length);
      for (const [at, one] of shown.entries()) {
        const what = JSON.stringify(pairs[at]);
        assert.equal(one.problem, wanted[at].join(" "), what);
        for (const part of ["href", "link", "aws", "sam"]) assert.equal(!one[part], wanted[at].length > 0, `${part}: ${what}`);
      }
      // One boundary: the rule that two values can break, where the stack may create one. In the management account, who
      // may only switch is no administrator.
      const broken = new Set(wanted.flat());
      assert.deepEqual([...broken].map((message) => message.split(",")[0].slice(0, 24)), {
        "one-account": ["A role has one boundary."],
        "new-account": ["With BootstrapRole"],
        "many-accounts": ["A role has one boundary."],
        "no-function": [],
      }[choice]);
      assert.ok(pairs.length > 20);
    });
  });
}

test("make link refuses what the page refuses, by the same message", async () => {
  const parameters = "Guardrail=On PermissionsBoundaryName=Boundary";
  for (const [choice, template] of [["one-account", "flat"], ["many-accounts", "stack-set"]]) {
    const refused = await python([...LINK, `--template=${template}`, `--parameters=${parameters}`], "").catch((error) => error);
    await look({}, async (page) => {
      const { panel, link } = await opened(page, choice);
      await set(panel, "Guardrail", "On");
      await set(panel, "PermissionsBoundaryName", "Boundary");
      assert.equal(await link(), null);
      assert.equal(refused.code, 1);
      assert.equal(refused.stdout, "");
      assert.equal(refused.stderr.trim().split("\n").at(-1), await panel.locator(".problem").textContent());
    });
  }
});

test("one choice's settings are not another's", async () => {
  await look({}, async (page) => {
    const one = await opened(page, "one-account");
    await set(one.panel, "PolicyEdition", "2026-02-06");
    const other = await opened(page, "no-function");
    assert.deepEqual(taken(await other.link()).parameters, {});
    assert.deepEqual(taken(await one.link()).parameters, { PolicyEdition: "2026-02-06" });
  });
});
