// How the page is read: by axe, with a keyboard, on a phone, without JavaScript; and what the page must never do.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { test } from "node:test";

import { CHOICES, html, look, served, unfold, withoutARelease } from "./browser.js";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// What axe finds wrong, in words. What it cannot decide counts too.
async function violations(page) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations", "incomplete"] }));
  assert.ok(found.passes.length > 20);
  return [...found.violations, ...found.incomplete].map(
    (one) => `${one.id}: ${one.help}: ${one.nodes.map((node) => node.target.join(" ")).join("; ")}`,
  );
}

for (const colorScheme of ["light", "dark"]) {
  for (const width of [360, 1280]) {
    test(`axe finds nothing, ${colorScheme}, ${width} wide, whatever is chosen`, async () => {
      await look({ colorScheme, viewport: { width, height: 900 } }, async (page) => {
        for (const choice of CHOICES) {
          await page.locator(`[value="${choice}"]`).check();
          assert.deepEqual(await violations(page), []);
        }
        await unfold(page);
        for (const choice of CHOICES) {
          await page.locator(`[value="${choice}"]`).check();
          assert.deepEqual(await violations(page), []);
        }
        // A wrong number has a color and a message of its own.
        await page.locator(`[value="one-account"]`).check();
        await page.locator("#one-account-MaxSessionDuration").fill("1");
        assert.deepEqual(await violations(page), []);
        await page.locator("#one-account-aws").getByRole("button").click();
        assert.deepEqual(await violations(page), []);
        await page.locator("#one-account-MaxSessionDuration").fill("3600");
        // So has what a rule forbids.
        await page.locator("#one-account-Guardrail").selectOption("On");
        await page.locator("#one-account-PermissionsBoundaryName").fill("Boundary");
        assert.match(await page.locator("#one-account .problem").textContent(), /^A role has one boundary/);
        assert.deepEqual(await violations(page), []);
        assert.deepEqual(page.wrong, []);
      });
    });
  }
}

for (const width of [360, 1280]) {
  test(`axe finds nothing on the page before a release, ${width} wide`, async () => {
    served.html = withoutARelease;
    try {
      await look({ viewport: { width, height: 900 } }, async (page) => {
        await unfold(page);
        for (const choice of CHOICES) {
          await page.locator(`[value="${choice}"]`).check();
          assert.deepEqual(await violations(page), []);
        }
        assert.deepEqual(page.wrong, []);
      });
    } finally {
      served.html = html;
    }
  });
}

test("axe finds nothing without JavaScript", async () => {
  // axe itself is a script: so the page is shown as it is without its own.
  served.html = html.replace(/<script>.*<\/script>/s, "");
  try {
    await look({ viewport: { width: 360, height: 900 } }, async (page) => {
      await unfold(page);
      assert.deepEqual(await violations(page), []);
    });
  } finally {
    served.html = html;
  }
});

test("without JavaScript you can read everything, the links work, and no control is shown that would do nothing", async () => {
  const withDefaults = await look({}, (page) =>
    page.locator("[data-launch]").evaluateAll((all) => all.map((one) => one.href)),
  );
  await look({ javaScriptEnabled: false }, async (page) => {
    // Details open without JavaScript.
    await page.locator("#one-account .settings > summary").click();
    assert.ok(await page.locator("#one-account .parameter .default").first().isVisible());
    await page.getByText("All permissions: ").click();
    await page.getByText("The document, policies/2025-09-29.json").click();
    assert.ok(await page.getByText('"ec2:*"').first().isVisible());
    await unfold(page);
    const hrefs = [];
    for (const choice of CHOICES) {
      const panel = page.locator(`#${choice}`);
      assert.ok(await panel.isVisible());
      const button = panel.locator(".action [data-launch]");
      assert.ok(await button.isVisible());
      hrefs.push(await button.getAttribute("href"));
      assert.equal(hrefs.at(-1), await panel.locator("[data-link]").textContent());
      assert.ok(withDefaults.includes(hrefs.at(-1)));
      assert.ok(await page.locator(`#${choice}-suspend pre`).isVisible());
      for (const command of await panel.locator(".command pre").all()) assert.ok(await command.isVisible());
      for (const value of await panel.locator(".parameter .default").all()) assert.ok(await value.isVisible());
    }
    assert.equal(new Set(hrefs).size, CHOICES.length);
    const controls = page.locator("button, input, select");
    assert.ok((await controls.count()) > 20);
    for (const control of await controls.all()) assert.equal(await control.isVisible(), false);
    assert.deepEqual(page.wrong, []);
  });
});

test("with the keyboard alone a choice is made, a parameter set, a command copied, and the link reached", async () => {
  await look({ permissions: ["clipboard-read", "clipboard-write"] }, async (page) => {
    const focused = () =>
      page.evaluate(() => {
        const one = document.activeElement;
        return { tag: one.tagName, id: one.id, name: one.name ?? "", text: one.textContent.trim(), label: one.getAttribute("aria-label") ?? "" };
      });
    const tabTo = async (is) => {
      for (let at = 0; at < 200; at++) {
        await page.keyboard.press("Tab");
        const one = await focused();
        if (is(one)) return one;
      }
      assert.fail("not reached by Tab");
    };
    await page.keyboard.press("Tab");
    assert.equal((await focused()).text, "To the launch button");
    await tabTo((one) => one.name === "choice");
    for (const choice of CHOICES.slice(1)) {
      await page.keyboard.press("ArrowDown");
      assert.ok(await page.locator(`#${choice}`).isVisible());
    }
    assert.equal(await page.locator("#one-account").isVisible(), false);
    for (const _ of CHOICES.slice(1)) await page.keyboard.press("ArrowUp");
    assert.ok(await page.locator("#one-account").isVisible());
    const unfoldByKey = async (is) => {
      await tabTo((one) => one.tag === "SUMMARY" && is(one.text));
      await page.keyboard.press("Enter");
      assert.ok(await page.evaluate(() => document.activeElement.parentElement.open));
    };
    await unfoldByKey((text) => text === "Is this my account?");
    assert.ok(await page.locator("#one-account .answer").isVisible());
    await unfoldByKey((text) => text.startsWith("Settings"));
    await tabTo((one) => one.name === "PolicyEdition");
    await page.keyboard.press("ArrowDown");
    await tabTo((one) => one.name === "MaxSessionDuration");
    await page.keyboard.press("Control+A");
    await page.keyboard.type("7200");
    const button = await tabTo((one) => one.tag === "A" && one.text === "Open in CloudFormation");
    assert.ok(button);
    const link = await page.evaluate(() => document.activeElement.href);
    assert.ok(link.endsWith("&param_PolicyEdition=2026-02-06&param_MaxSessionDuration=7200"));
    await unfoldByKey((text) => text === "The link as text");
    await tabTo((one) => one.label === "Copy: The link");
    await unfoldByKey((text) => text === "The same in a shell");
    await tabTo((one) => one.label === "Copy: AWS CLI");
    await page.keyboard.press("Enter");
    await page.getByText("Copied").waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), await page.locator("#one-account-aws code").textContent());
    assert.deepEqual(page.wrong, []);
  });
});

test("everything that can be operated is reached by Tab, in the order of the page, and its focus is seen", async () => {
  await look({}, async (page) => {
    for (const choice of CHOICES) {
      await page.locator(`[value="${choice}"]`).check();
      await unfold(page);
      await page.evaluate(() => document.activeElement.blur());
      const all = await page.evaluate(() => {
        const operable = [...document.querySelectorAll("a[href], button, input, select, summary")];
        // One Tab for the radios together.
        const seen = operable.filter((one) => one.checkVisibility() && !(one.type === "radio" && !one.checked));
        seen.forEach((one, at) => (one.dataset.at = at));
        return seen.length;
      });
      await page.evaluate(() => scrollTo(0, 0));
      await page.mouse.click(1, 1);
      const reached = [];
      for (let at = 0; at < all; at++) {
        await page.keyboard.press("Tab");
        reached.push(
          await page.evaluate(() => {
            const one = document.activeElement;
            const drawn = one.type === "radio" ? one.closest("label") : one;
            const { outlineStyle, outlineWidth } = getComputedStyle(drawn);
            return { at: Number(one.dataset.at), isSeen: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 };
          }),
        );
      }
      assert.deepEqual(reached, Array.from({ length: all }, (_, at) => ({ at, isSeen: true })));
    }
  });
});

for (const width of [320, 360, 768, 1280]) {
  test(`nothing has to be scrolled sideways ${width} wide`, async () => {
    for (const javaScriptEnabled of [true, false]) {
      await look({ viewport: { width, height: 900 }, javaScriptEnabled }, async (page) => {
        for (const choice of javaScriptEnabled ? [...CHOICES, "wrong"] : [""]) {
          if (choice === "wrong") {
            await page.locator(`#${CHOICES.at(-1)}-MaxSessionDuration`).fill("1");
            await page.locator(`#${CHOICES.at(-1)}-aws`).getByRole("button").click();
          } else if (choice) await page.locator(`[value="${choice}"]`).check();
          await unfold(page);
          const wide = await page.locator("body, body *").evaluateAll((all) => {
            const width = document.documentElement.clientWidth;
            const out = all.filter((one) => one.checkVisibility() && one.tagName !== "OPTION" && !one.closest("thead, .skip, svg"));
            return out
              // For screen readers alone.
              .filter((one) => one.clientWidth !== 1)
              .filter((one) => one.getBoundingClientRect().right > width + 1 || one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== "inline")
              .map((one) => `${one.tagName}.${one.className}#${one.id} ${one.textContent.slice(0, 40)}`);
          });
          assert.deepEqual(wide, []);
          assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
        }
      });
    }
  });
}

test("nothing is written to the console, and nothing is requested", async () => {
  await look({}, async (page) => {
    for (const choice of CHOICES) await page.locator(`[value="${choice}"]`).check();
    await page.waitForTimeout(300);
    assert.deepEqual(page.wrong, []);
  });
  // Beside its text nothing in the page names a place from which something is fetched.
  assert.doesNotMatch(html, /\s(src|srcset|action|poster)=|@import|url\(/);
  assert.deepEqual([...html.matchAll(/<link [^>]*href="(.{5})/g)].map(([, start]) => start), ["data:"]);
});

for (const [what, injected] of [
  ["script", '<script>window.injected = "script"</script>'],
  ["handler", '<img src="data:," onerror="window.injected = \'handler\'">'],
  ["style", '<style>body { outline: 9px solid red }</style>'],
  ["frame", '<iframe src="data:text/html,x"></iframe>'],
  ["foreign script", '<script src="http://localhost:9/x.js"></script>'],
  ["base", '<base href="http://localhost:9/">'],
]) {
  test(`the content security policy stops an injected ${what}`, async () => {
    served.html = html.replace("<main>", `<main>${injected}`);
    assert.notEqual(served.html, html);
    try {
      await look({}, async (page) => {
        assert.equal(await page.evaluate(() => window.injected), undefined);
        assert.equal(await page.evaluate(() => getComputedStyle(document.body).outlineWidth !== "9px"), true);
        assert.equal(await page.evaluate(() => document.baseURI.startsWith("http://127.0.0.1")), true);
        // The page's own script still runs, and the violation was reported.
        assert.ok(await page.locator("html.live").count());
        assert.ok(page.wrong.some((one) => /Content Security Policy/.test(one)), page.wrong.join("\n"));
      });
    } finally {
      served.html = html;
    }
  });
}

test("the content security policy allows nothing unsafe, and stands before everything that it is about", async () => {
  const [policy] = html.match(/(?<=Content-Security-Policy" content=")[^"]+/);
  assert.doesNotMatch(policy, /unsafe|\*|http|'self'/);
  assert.match(policy.replaceAll("&#39;", "'"), /^default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+';/);
  assert.ok(html.indexOf("Content-Security-Policy") < html.search(/<style|<script|<link/));
});

test("a link to something that is folded, or of another choice, shows it", async () => {
  for (const id of ["no-function-upload", "all-permissions", "edition-2026-02-06", "new-account-suspend"]) {
    await look({ hash: `#${id}` }, async (page) => {
      assert.ok(await page.locator(`#${id}`).isVisible(), id);
      assert.ok(await page.locator(`#${id}`).evaluate((one) => !one.closest("details:not([open])")), id);
    });
  }
});

test("a link to a choice opens it", async () => {
  await look({ hash: "#no-function" }, async (page) => {
    assert.ok(await page.locator("#no-function").isVisible());
    assert.equal(await page.locator("#one-account").isVisible(), false);
  });
});

test("nothing moves if you want no motion, and what is printed has the whole text, without controls", async () => {
  const moves = (page) => page.evaluate(() => getComputedStyle(document.documentElement).scrollBehavior);
  await look({ reducedMotion: "reduce" }, async (page) => assert.equal(await moves(page), "auto"));
  await look({ reducedMotion: "no-preference" }, async (page) => {
    assert.equal(await moves(page), "smooth");
    await page.emulateMedia({ media: "print" });
    assert.equal(await page.locator("#choose").isVisible(), false);
    assert.equal(await page.locator("figcaption button").first().isVisible(), false);
    assert.ok(await page.locator("#one-account-aws pre").isVisible());
  });
});
