// What is seen first: the button, and beside it how to find out which account it is about. The rest is folded.

import assert from "node:assert/strict";
import { test } from "node:test";

import { CHOICES, html, look, served, withoutARelease } from "./browser.js";

const SCREENS = [
  { width: 360, height: 740 },
  { width: 768, height: 1024 },
  { width: 1280, height: 800 },
];

const box = (page, selector) => page.locator(selector).first().boundingBox();

for (const viewport of SCREENS) {
  for (const colorScheme of ["light", "dark"]) {
    test(`the button is in the first screen, ${viewport.width} wide, ${colorScheme}, with the account beside it`, async () => {
      await look({ viewport, colorScheme }, async (page) => {
        const button = await box(page, "#one-account [data-launch]");
        const ask = await box(page, "#one-account .ask summary");
        assert.ok(button.y > 0 && button.y + button.height <= viewport.height, JSON.stringify(button));
        assert.ok(ask.y + ask.height <= viewport.height, JSON.stringify(ask));
        // Beside it: to the right, and at the same height.
        assert.ok(ask.x >= button.x + button.width, JSON.stringify({ button, ask }));
        assert.ok(Math.abs(ask.y + ask.height / 2 - (button.y + button.height / 2)) < 8, JSON.stringify({ button, ask }));
        await page.locator("#one-account .ask summary").click();
        assert.match(await page.locator("#one-account .answer").innerText(), /account menu(.|\n)*aws sts get-caller-identity/);
        // What it says does not move the button out of the screen.
        const after = await box(page, "#one-account [data-launch]");
        assert.ok(Math.abs(after.y - button.y) < 8);
        assert.equal(await page.evaluate(() => scrollY), 0);
        assert.deepEqual(page.wrong, []);
      });
    });
  }

  test(`the button is in the first screen, ${viewport.width} wide, without JavaScript`, async () => {
    await look({ viewport, javaScriptEnabled: false }, async (page) => {
      const button = await box(page, "#one-account [data-launch]");
      assert.ok(button.y > 0 && button.y + button.height <= viewport.height, JSON.stringify(button));
    });
  });
}

for (const [what, content] of [["with links", html], ["before a release", withoutARelease]]) {
  test(`while it is folded, the page ${what} is under 6,000 pixels high on a desktop`, async () => {
    served.html = content;
    try {
      await look({ viewport: { width: 1280, height: 800 } }, async (page) => {
        for (const choice of CHOICES) {
          await page.locator(`[value="${choice}"]`).check();
          const height = await page.evaluate(() => document.documentElement.scrollHeight);
          assert.ok(height < 6000, `${choice}: ${height}`);
        }
      });
    } finally {
      served.html = html;
    }
  });
}

test("settings are folded, and those that are changed are shown while they are folded", async () => {
  await look({}, async (page) => {
    for (const choice of CHOICES) {
      await page.locator(`[value="${choice}"]`).check();
      const panel = page.locator(`#${choice}`);
      const summary = panel.locator(".settings > summary");
      assert.equal(await panel.locator(".parameter").first().isVisible(), false);
      assert.match(await summary.innerText(), /all at their defaults/);
      await summary.click();
      await panel.locator('[name="PolicyEdition"]').selectOption("2026-02-06");
      await panel.locator('[name="MaxSessionDuration"]').fill("7200");
      await summary.click();
      assert.equal(await panel.locator(".parameter").first().isVisible(), false);
      assert.match(await summary.innerText(), /2 changed/);
      assert.equal(
        await panel.locator("[data-sets]").innerText(),
        "Changed settings: PolicyEdition = 2026-02-06; MaxSessionDuration = 7200.",
      );
      // A wrong value is told while it is folded, too.
      await summary.click();
      await panel.locator('[name="MaxSessionDuration"]').fill("1");
      await summary.click();
      assert.match(await panel.locator(".problem").innerText(), /from 3600 to 43200/);
    }
    assert.deepEqual(page.wrong, []);
  });
});

test("permissions are a summary with the five that a reviewer asks about, which unfolds to the whole", async () => {
  await look({}, async (page) => {
    const section = page.locator("#permissions");
    assert.match(await section.innerText(), /What\. .*2025-09-29.*\n+Why\. /);
    assert.equal(await section.locator(".review tbody tr").count(), 5);
    for (const row of await section.locator(".review tbody tr").all()) assert.ok(await row.isVisible());
    assert.equal(await section.locator(".editions").isVisible(), false);
    await section.getByText("All permissions: ").click();
    assert.ok(await section.locator(".editions").isVisible());
    assert.ok((await section.locator("table.reasons tbody tr").count()) > 15);
  });
});
