// For eyes: target/screenshots. What can be asserted is asserted elsewhere.

import assert from "node:assert/strict";
import { mkdir, stat } from "node:fs/promises";
import { test } from "node:test";
import path from "node:path";

import { look, ROOT } from "./browser.js";

const FOLDER = path.join(ROOT, "target/screenshots");

for (const width of [360, 768, 1280]) {
  for (const colorScheme of ["light", "dark"]) {
    test(`the page is drawn ${width} wide, ${colorScheme}`, async () => {
      await mkdir(FOLDER, { recursive: true });
      await look({ viewport: { width, height: 900 }, colorScheme }, async (page) => {
        const file = path.join(FOLDER, `${width}-${colorScheme}.png`);
        await page.screenshot({ path: file, fullPage: true });
        assert.ok((await stat(file)).size > 50_000);
      });
    });
  }
}
