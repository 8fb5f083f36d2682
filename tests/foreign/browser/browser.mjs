// A real browser that does what it is told: one command as JSON a line in, one answer a line out.
//
//   node browser.mjs FOLDER
//
// FOLDER is what `scripts/setup browser` made: node_modules, and a link to Chromium. A command names a page and what to do there; pages are
// opened by `open` and live until the input ends. Every wait is for a condition, with one deadline for all.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { start } from "./profile.mjs";

const folder = process.argv[2];
const require = createRequire(`${folder}/`);
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const DEADLINE_MS = 20_000;
// The sandbox of Chromium does not start for root, who runs tests in containers. Only our own server is visited.
const ARGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"];

const browser = await chromium.launch({ executablePath: `${folder}/chromium`, args: ARGS });
const pages = new Map();
// Browsers with a profile on disk, by its folder.
const profiles = new Map();

// Runs in every page before its own scripts: what the policy stopped is a fault as well.
const watch = () =>
  document.addEventListener("securitypolicyviolation", (breach) =>
    window.sokiemFault?.(`policy: ${breach.violatedDirective} ${breach.blockedURI} ${breach.sample}`),
  );

async function contextOf({ base, javascript, width, height, profile }) {
  if (profile === undefined) {
    return browser.newContext({ baseURL: base, javaScriptEnabled: javascript, viewport: { width, height }, locale: "vi-VN", reducedMotion: "reduce" });
  }
  if (!profiles.has(profile)) {
    const language = ["--lang=vi-VN", "--force-prefers-reduced-motion"];
    profiles.set(profile, await start(chromium, `${folder}/chromium`, [...ARGS, ...language], profile, DEADLINE_MS));
  }
  return profiles.get(profile).context;
}

async function open({ page: name, base, javascript = true, width = 1440, height = 900, profile }) {
  const fresh = profile === undefined || !profiles.has(profile);
  const context = await contextOf({ base, javascript, width, height, profile });
  context.setDefaultTimeout(DEADLINE_MS);
  const faults = [];
  if (javascript && fresh) {
    await context.exposeFunction("sokiemFault", (text) => faults.push(text));
    await context.addInitScript(watch);
  }
  const page = await context.newPage();
  if (profile !== undefined) await page.setViewportSize({ width, height });
  const note = (kind, text) => faults.push(`${kind}: ${text} (${page.url()})`);
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) note("console", message.text());
  });
  page.on("pageerror", (error) => note("script", error.message));
  page.on("dialog", (dialog) => {
    note("dialog", dialog.message());
    dialog.dismiss();
  });
  page.on("crash", () => note("crash", ""));
  pages.set(name, { page, faults, base, profile });
}

// What has the focus, and whether that can be seen.
const focused = () => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const style = getComputedStyle(at);
  const box = at.getBoundingClientRect();
  const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  const inView = box.width > 0 && box.height > 0 && box.right > 0 && box.bottom > 0 && box.left < innerWidth && box.top < innerHeight;
  return { html: at.outerHTML.slice(0, 160), seen: outlined && inView };
};

// A picture as WebP, made by the browser itself.
async function webp(png) {
  const page = await browser.newPage();
  const url = await page.evaluate(async (data) => {
    const picture = await createImageBitmap(await (await fetch(data)).blob());
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [picture.width, picture.height];
    canvas.getContext("2d").drawImage(picture, 0, 0);
    return canvas.toDataURL("image/webp", 0.8);
  }, `data:image/png;base64,${png.toString("base64")}`);
  await page.context().close();
  return Buffer.from(url.split(",")[1], "base64");
}

const actions = {
  async go({ page, base }, { path }) {
    const answer = await page.goto(new URL(path, base).href, { waitUntil: "load" });
    return { status: answer?.status() ?? 0, url: page.url() };
  },
  async resize({ page }, { width, height = 900 }) {
    await page.setViewportSize({ width, height });
  },
  async click({ page }, { at }) {
    await page.locator(at).click();
  },
  async fill({ page }, { at, text }) {
    await page.locator(at).fill(text);
  },
  async wait({ page }, { at, text }) {
    const locator = page.locator(at);
    await (text === undefined ? locator : locator.filter({ hasText: text })).first().waitFor();
  },
  async check({ page }, { at }) {
    await page.locator(at).check({ force: true });
  },
  async wait_gone({ page }, { at }) {
    await page.locator(at).first().waitFor({ state: "hidden" });
  },
  async text({ page }, { at }) {
    return page.locator(at).allInnerTexts();
  },
  async evaluate({ page }, { script }) {
    return page.evaluate(script);
  },
  async url({ page }) {
    return page.url();
  },
  async source({ page }) {
    return page.content();
  },
  async press({ page }, { keys }) {
    for (const key of keys) await page.keyboard.press(key);
  },
  async type({ page }, { text }) {
    await page.keyboard.insertText(text);
  },
  // Tab, as often as it takes, and never past something whose focus can't be seen.
  async tab_to({ page }, { at, limit = 600 }) {
    const unseen = [];
    for (let steps = 1; steps <= limit; steps += 1) {
      await page.keyboard.press("Tab");
      const here = await page.evaluate(focused);
      if (here && !here.seen) unseen.push(here.html);
      const there = await page.evaluate((selector) => document.activeElement?.matches(selector), at);
      if (there) return { steps, unseen };
    }
    throw new Error(`Tab does not come to ${at}`);
  },
  // Presses a key that leads to another page, and waits until that is there.
  async press_and_follow({ page }, { key }) {
    await Promise.all([page.waitForNavigation({ waitUntil: "load" }), page.keyboard.press(key)]);
    return page.url();
  },
  async click_and_follow({ page }, { at }) {
    await Promise.all([page.waitForNavigation({ waitUntil: "load" }), page.locator(at).click()]);
    return page.url();
  },
  async axe({ page }) {
    await page.evaluate(axe);
    const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"], preload: false }));
    return found.violations.map(({ id, impact, help, nodes }) => ({
      id,
      impact,
      help,
      nodes: nodes.slice(0, 3).map((node) => `${node.target.join(" ")}: ${node.html.slice(0, 200)} ${node.any[0]?.message ?? ""}`),
    }));
  },
  // Whether the page is wider than its window, and what is to blame.
  async overflow({ page }) {
    return page.evaluate(() => {
      const width = document.documentElement.clientWidth;
      if (document.documentElement.scrollWidth <= width) return [];
      const inScroll = (element) => element.closest(".scroll, pre, .tabs ul");
      const wide = [...document.querySelectorAll("body *")].filter(
        (element) => element.getBoundingClientRect().right > width + 1 && !inScroll(element),
      );
      return ["wider than its window", ...wide.slice(0, 4).map((element) => element.outerHTML.slice(0, 160))];
    });
  },
  async picture({ page }, { file, small, full = false }) {
    // Playwright's own styles, for the caret and animations, would breach the policy of the pages.
    const options = { fullPage: full, caret: "initial", animations: "allow" };
    const bytes = await page.screenshot({ path: file, ...options });
    if (small) writeFileSync(small, await webp(bytes));
  },
  async pdf({ page }, { file }) {
    await page.pdf({ path: file, preferCSSPageSize: true, printBackground: true });
  },
  // Files for a field that takes them.
  async upload({ page }, { at, files }) {
    await page.locator(at).setInputFiles(files);
  },
  // Draws with a finger: from the first point on, in parts of what is drawn on.
  async draw({ page }, { at, points }) {
    await page.locator(at).scrollIntoViewIfNeeded();
    const { x, y, width, height } = await page.locator(at).boundingBox();
    const [first, ...rest] = points.map(([across, down]) => [x + across * width, y + down * height]);
    await page.mouse.move(...first);
    await page.mouse.down();
    for (const point of rest) await page.mouse.move(...point);
    await page.mouse.up();
  },
  // From here on the clock of the page goes on by itself and can be put forward.
  async clock({ page }) {
    await page.clock.install();
  },
  // What was to happen meanwhile happens once, as on a device that slept.
  async later({ page }, { ms }) {
    await page.clock.fastForward(ms);
  },
  async close({ page }) {
    await page.close();
  },
  // The browser of a page with a profile, with everything in it.
  async kill({ profile }) {
    const running = profiles.get(profile);
    profiles.delete(profile);
    await running.kill();
  },
  // What went wrong on the page since this was asked last.
  async faults({ faults }) {
    return faults.splice(0);
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  let command = {};
  try {
    command = JSON.parse(line);
    const value = command.do === "open" ? await open(command) : await actions[command.do](pages.get(command.page), command);
    answer = { value: value ?? null };
  } catch (error) {
    const page = pages.get(command.page)?.page;
    answer = { error: `${command.do} at ${page?.url()}: ${error.message}` };
    if (command.picture) await page?.screenshot({ path: command.picture, caret: "initial", animations: "allow" }).catch(() => {});
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
for (const running of profiles.values()) await running.close();
await browser.close();
