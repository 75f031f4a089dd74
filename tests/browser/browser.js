// The built page on loopback, and a headless Chromium that opens it and notes whatever goes wrong.

import { readFile, access } from "node:fs/promises";
import { createServer } from "node:http";
import { after, before } from "node:test";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
// Two pages: for buckets of one's own, with links; and for the buckets of the releases before the first one.
const SITE = process.env.ORCHESTERA_SITE ?? path.join(ROOT, "dist/site");
const SITE_WITHOUT_A_RELEASE = process.env.ORCHESTERA_SITE_WITHOUT_A_RELEASE ?? path.join(ROOT, "dist/site");
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

let server, running;
export let address;
const pageIn = (folder) => readFile(path.join(folder, "index.html"), "utf8");
export const html = await pageIn(SITE);
export const withoutARelease = await pageIn(SITE_WITHOUT_A_RELEASE);
export const CHOICES = ["one-account", "new-account", "many-accounts", "no-function"];

// The page, or what a test changed it to. The test restores it.
export const served = { html };

before(async () => {
  await access(CHROMIUM);
  server = createServer((request, response) => {
    const isPage = new URL(request.url, "http://localhost").pathname === "/";
    response.writeHead(isPage ? 200 : 404, { "content-type": isPage ? "text/html; charset=utf-8" : "text/plain" });
    response.end(isPage ? served.html : "");
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  address = `http://127.0.0.1:${server.address().port}/`;
  running = await chromium.launch({ executablePath: CHROMIUM, headless: true, args: ARGUMENTS });
});

after(async () => {
  await running?.close();
  server?.closeAllConnections();
  server?.close();
});

// Unfolds everything. It works without JavaScript too.
export async function unfold(page) {
  await page.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = true)));
}

// Opens the page, passes it on, and closes it. `page.wrong` has every message, error and request that should not be.
export async function look(options, use) {
  const { hash = "", ...rest } = options;
  const context = await running.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce", ...rest });
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    page.wrong = [];
    page.on("console", (message) => page.wrong.push(`console: ${message.text()}`));
    page.on("pageerror", (error) => page.wrong.push(`error: ${error.message}`));
    page.on("requestfailed", (request) => page.wrong.push(`failed: ${request.url()}`));
    page.on("response", (response) => response.status() < 400 || page.wrong.push(`${response.status()}: ${response.url()}`));
    page.on("request", (request) => {
      const to = request.url();
      if (to !== address && !to.startsWith("data:")) page.wrong.push(`request: ${to}`);
    });
    await page.goto(address + hash);
    return await use(page);
  } finally {
    await context.close();
  }
}
