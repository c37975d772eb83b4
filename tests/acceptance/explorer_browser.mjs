/**
 * Opens an explorer page in Chromium, walks through it and prints what it saw as one line of JSON.
 *
 *   node explorer_browser.mjs [--modules DIR] [--dark] [--width N] BASE_URL PAGE_PATH SCREENSHOT
 *
 * playwright-core is looked for under DIR, else as Node finds it (NODE_PATH).
 */
import { createRequire } from "node:module";
import path from "node:path";
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    modules: { type: "string" },
    dark: { type: "boolean", default: false },
    width: { type: "string", default: "1400" },
  },
});
const [base, page_path, screenshot] = positionals;
const from = values.modules ? path.join(path.resolve(values.modules), "x.js") : import.meta.url;
const { chromium } = createRequire(from)("playwright-core");

const browser = await chromium.launch({
  executablePath: process.env.RINGTRACE_TEST_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const seen = { console_errors: [], csp_violations: [], outside_requests: [], dialogs: [] };
try {
  const context = await browser.newContext({
    viewport: { width: Number(values.width), height: 900 },
    colorScheme: values.dark ? "dark" : "light",
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  page.on("console", (message) => {
    const text = message.text();
    if (text.includes("Content Security Policy")) seen.csp_violations.push(text);
    else if (message.type() === "error") seen.console_errors.push(text);
  });
  page.on("pageerror", (error) => seen.console_errors.push(String(error)));
  page.on("dialog", (dialog) => { seen.dialogs.push(dialog.message()); void dialog.dismiss(); });
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(base) && !url.startsWith("data:") && !url.startsWith("blob:")) seen.outside_requests.push(url);
  });

  await page.goto(new URL(page_path, base).href);
  await page.waitForFunction(() => document.documentElement.dataset.drawn, null, { timeout: 30_000 });
  await page.waitForFunction(() => document.getElementById("queue-note").textContent !== "Loading…");
  const result = await page.evaluate(() => ({
    drawn_ms: Number(document.documentElement.dataset.drawn),
    nodes: globalThis.ringtrace?.nodes.length ?? 0,
    links: globalThis.ringtrace?.edges.length ?? 0,
    why_sum: Number(document.querySelector("#why-sum strong")?.textContent ?? NaN),
    innocent: document.querySelector("#why-innocent p")?.textContent ?? "",
    score: Number(document.querySelector("#why .score strong")?.textContent ?? NaN),
  }));
  await page.screenshot({ path: screenshot });
  Object.assign(result, result.nodes ? await expandOne(page) : {});
  result.window_pwned = await page.evaluate(() => globalThis.__pwned ?? null);
  console.log(JSON.stringify({ ...result, ...seen }));
} finally {
  await browser.close();
}

/** Expand the first node that has hidden neighbours, through the table and the panel, and undo it. */
async function expandOne(page) {
  const places = () => page.evaluate(() => globalThis.ringtrace.network.getPositions());
  const shown = () => page.textContent("#shown");
  const id = await page.evaluate(() => {
    const { ringtrace } = globalThis;
    return ringtrace.shown.find((node) => !node.is_hub && Object.keys(ringtrace.hidden(node.id)).length)?.id;
  });
  if (!id) return { moved_px: null, shown_after_expand: null, undo_ok: null };
  const before = await places();
  await page.click("#twin summary");
  await page.click(`#rows [data-node="${id.replace(/["\\]/g, "\\$&")}"]`);
  await page.click("#details .expand");
  await page.waitForFunction(() => !document.getElementById("status").textContent.startsWith("Loading"), null, { timeout: 10_000 });
  const after = await places();
  const shown_after_expand = await shown();
  const said = await page.textContent("#status");
  await page.screenshot({ path: screenshot.replace(/(\.png)?$/, "-expanded.png") });
  const drift = Object.entries(before).map(([key, { x, y }]) => Math.hypot(after[key].x - x, after[key].y - y));
  if (await page.isDisabled("#undo")) return { moved_px: Math.max(...drift), shown_after_expand: null, said, undo_ok: null };
  await page.click("#undo");
  const undone = await places();
  return {
    moved_px: Math.max(...drift),
    shown_after_expand: Number(shown_after_expand.replaceAll(",", "").match(/\d+/)[0]),
    said,
    undo_ok: Object.keys(undone).length === Object.keys(before).length
      && Object.keys(before).every((key) => key in undone),
  };
}
