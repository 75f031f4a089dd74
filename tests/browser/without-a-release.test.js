// Before a release anybody may own the buckets of the releases. Nothing on the page may lead there: no link, no command.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { CHOICES, html, look, served, unfold, withoutARelease } from "./browser.js";

async function lookWithoutARelease(options, use) {
  served.html = withoutARelease;
  try {
    await look(options, use);
  } finally {
    served.html = html;
  }
}

test("without a release no link leads to the console, and nothing names an address in a bucket", async () => {
  assert.match(html, /href="https:\/\/us-east-1\.console\.aws\.amazon\.com/);
  const leading = /href="[^"]*console|console\.aws|\.s3\.[a-z0-9-]+\.amazonaws|s3:\/\/|--template-url|data-launch|#\/stacks/g;
  const markup = (content) => content.replace(/<script>.*<\/script>/s, "");
  assert.ok(markup(html).match(leading).length > 20);
  assert.deepEqual(markup(withoutARelease).match(leading) ?? [], []);
  for (const javaScriptEnabled of [true, false]) {
    await lookWithoutARelease({ javaScriptEnabled }, async (page) => {
      await unfold(page);
      for (const choice of javaScriptEnabled ? CHOICES : [""]) {
        if (choice) await page.locator(`[value="${choice}"]`).check();
        const hrefs = await page.locator("a").evaluateAll((all) => all.map((one) => one.href));
        // AWS's own price pages are of no account.
        const others = hrefs.filter((href) => !/^http:\/\/127\.0\.0\.1|^data:application\/yaml|^https:\/\/(docs\.)?aws\.amazon\.com\//.test(href));
        assert.deepEqual(others, []);
      }
      assert.equal(await page.locator("[data-launch], [data-link]").count(), 0);
    });
  }
});

test("instead there are the commands that create a link of your own, and which settings go where is said", async () => {
  await lookWithoutARelease({}, async (page) => {
    for (const [choice, template] of [["one-account", ""], ["new-account", " TEMPLATE=organization"], ["many-accounts", " TEMPLATE=stack-set"]]) {
      await page.locator(`[value="${choice}"]`).check();
      assert.match(await page.locator(`#${choice} .action`).innerText(), /No release is published yet, so this page has no link/);
      const own = page.locator(`#${choice}-own-link`);
      assert.ok(await own.isVisible());
      const lines = (await own.locator("code").textContent()).split("\n");
      assert.equal(lines[0], "BUCKET_PREFIX=my-company-orchestera");
      assert.equal(lines[2], `make dist publish link BUCKET_PREFIX="$BUCKET_PREFIX"${template}`);
    }
    assert.deepEqual(page.wrong, []);
  });
});

test("without Rust: the page hands over the native template, byte for byte, with its checksum", async () => {
  await lookWithoutARelease({ acceptDownloads: true }, async (page) => {
    await page.locator('#one-account .action a[href="#no-function-upload"]').click();
    assert.ok(await page.locator("#no-function-upload").isVisible());
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "Save orchestera-access-native.yaml" }).click(),
    ]);
    assert.equal(download.suggestedFilename(), "orchestera-access-native.yaml");
    const saved = await readFile(await download.path());
    const sum = createHash("sha256").update(saved).digest("hex");
    assert.equal(await page.locator("#no-function .steps .sum").textContent(), sum);
    assert.match(saved.toString(), /Type: AWS::IAM::ManagedPolicy/);
    // In the list of all files there is the same sum.
    await unfold(page);
    assert.match(await page.locator("dl.files").innerText(), new RegExp(`orchestera-access-native\\.yaml .*\\n+${sum}`));
  });
});

test("settings go into the commands that need no bucket", async () => {
  await lookWithoutARelease({}, async (page) => {
    await unfold(page);
    for (const [choice, command] of [["one-account", "sam"], ["new-account", "sam"], ["no-function", "aws"]]) {
      await page.locator(`[value="${choice}"]`).check();
      await page.locator(`#${choice}-MaxSessionDuration`).fill("7200");
      assert.match(await page.locator(`#${choice}-${command} code`).textContent(), /MaxSessionDuration(,ParameterValue)?=7200/);
      await page.locator(`#${choice}-MaxSessionDuration`).fill("1");
      assert.equal(await page.locator(`#${choice}-${command} code`).textContent(), "");
      assert.match(await page.locator(`#${choice} .problem`).textContent(), /from 3600 to 43200/);
    }
    assert.deepEqual(page.wrong, []);
  });
});
