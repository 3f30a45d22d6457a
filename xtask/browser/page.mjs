// What both checks of pages share: a headless Chromium at two widths and in both colour schemes, and what must hold
// of every page. Knows no page in particular.
import { readFileSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import puppeteer from "puppeteer-core";

export const [address, folder, mode] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const failures = [];
export const hold = (isTrue, what) => {
  if (!isTrue) failures.push(what);
};
export const patience = 240_000;
mkdirSync(folder, { recursive: true });

const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars"],
});

const views = {
  wide: { width: 1440, height: 900, scheme: "light" },
  phone: { width: 390, height: 844, scheme: "dark", isMobile: true, hasTouch: true },
};

export const open = async (name) => {
  const view = views[name];
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  await page.setBypassCSP(false);
  await page.setViewport({ ...view, deviceScaleFactor: 1 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: view.scheme }]);
  page.on("console", (line) => {
    if (["error", "warn"].includes(line.type())) failures.push(`${name}: console: ${line.text()}`);
  });
  page.on("pageerror", (error) => failures.push(`${name}: script: ${error.message}`));
  page.on("request", (request) => {
    const own = request.url().startsWith(new URL(address).origin) || request.url().startsWith("data:");
    hold(own, `${name}: asks elsewhere: ${request.url()}`);
  });
  return page;
};

export const inspect = async (page, name, what) => {
  // Through the debugger, not through a tag: the page's own policy stays as it is.
  await page.evaluate(axe);
  const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  for (const { id, impact, nodes } of found.violations) {
    if (["serious", "critical"].includes(impact)) {
      failures.push(`${name} ${what}: axe ${impact} ${id}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`);
    }
  }
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  hold(wide <= 0, `${name} ${what}: ${wide} px wider than the screen`);
  // In one go: a piece of the page that is replaced between finding and asking would count as hidden.
  const headings = await page.evaluate(() =>
    [...document.querySelectorAll("h1,h2,h3")].filter((one) => one.offsetParent).map((one) => +one.tagName[1]),
  );
  hold(headings.filter((level) => level === 1).length === 1, `${name} ${what}: one first heading`);
  hold(headings.every((level, at) => at === 0 || level - headings[at - 1] <= 1), `${name} ${what}: headings in order`);
  hold(await page.$("main"), `${name} ${what}: a main landmark`);
  if (mode === "--pictures") {
    await page.evaluate(() => {
      document.activeElement.blur();
      scrollTo(0, 0);
    });
    await page.screenshot({ path: join(folder, `${what}-${name}.png`), fullPage: false, optimizeForSpeed: false });
  }
};

// Says what did not hold, and ends.
export const end = async (what) => {
  await browser.close();
  for (const failure of failures) process.stderr.write(`page: ${failure}\n`);
  process.stdout.write(`${what}, ${failures.length} failures\n`);
  process.exit(failures.length === 0 ? 0 : 1);
};
