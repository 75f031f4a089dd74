// Pictures to look at, in target/screenshots. The other files assert what can be asserted.

import assert from "node:assert/strict";
import { mkdir, stat } from "node:fs/promises";
import { test } from "node:test";
import path from "node:path";

import { html, look, ROOT, served, withoutARelease } from "./browser.js";

const FOLDER = path.join(ROOT, "target/screenshots");

const SIZES = [[360, 740], [768, 1024], [1280, 800]];

for (const [what, content] of [["", html], ["-without-a-release", withoutARelease]]) {
  for (const [width, height] of SIZES) {
    for (const colorScheme of ["light", "dark"]) {
      test(`the page${what} is drawn ${width} wide, ${colorScheme}`, async () => {
        await mkdir(FOLDER, { recursive: true });
        served.html = content;
        try {
          await look({ viewport: { width, height }, colorScheme }, async (page) => {
            for (const [part, fullPage] of [["", true], ["-first-screen", false]]) {
              const file = path.join(FOLDER, `${width}-${colorScheme}${what}${part}.png`);
              await page.screenshot({ path: file, fullPage });
              assert.ok((await stat(file)).size > 20_000);
            }
          });
        } finally {
          served.html = html;
        }
      });
    }
  }
}
