// Follows one investigation on the live page in a headless Chromium, at two widths and in both colour schemes.
//
// usage: node check.mjs ADDRESS FOLDER [--pictures]
// ADDRESS is what the program prints: http://HOST:PORT/#token=TOKEN. With the story of the example, a line on
// standard output, `GO`, says when to begin telling it. Ends with 0 when everything held, else with 1 and what did not.
import { readFileSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import puppeteer from "puppeteer-core";

const [address, folder, mode] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const failures = [];
const hold = (isTrue, what) => {
  if (!isTrue) failures.push(what);
};
const patience = 240_000;
mkdirSync(folder, { recursive: true });

const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars"],
});

const views = {
  wide: { width: 1440, height: 900, scheme: "light" },
  phone: { width: 390, height: 844, scheme: "dark", isMobile: true, hasTouch: true },
};

const open = async (name) => {
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

const inspect = async (page, name, what) => {
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

const wide = await open("wide");
await wide.goto(address, { waitUntil: "load" });
hold(!wide.url().includes("token"), "the token leaves the address line");
await wide.keyboard.press("Tab");
hold((await wide.evaluate(() => document.activeElement.className)) === "skip", "the first stop of the keyboard skips to the content");
hold(await wide.evaluate(() => getComputedStyle(document.activeElement).outlineStyle !== "none"), "focus is visible");
await inspect(wide, "wide", "home");
await wide.evaluate(() => document.activeElement.blur());
process.stdout.write("GO\n");

const running = 'a[href^="/investigations/inc_"]';
await wide.waitForFunction((found) => document.querySelector(found), { timeout: patience }, running);
const place = await wide.$eval(running, (link) => link.href);
await inspect(wide, "wide", "home-running");

const phone = await open("phone");
await phone.goto(place, { waitUntil: "load" });
// The token goes from page to page of one tab; the phone has none and may only look.
await Promise.all([wide.waitForNavigation(), wide.click(running)]);

let decisions = 0;
const follow = async () => {
  for (;;) {
    await wide.waitForFunction(
      () => document.querySelector("#decision form") || !document.body.dataset.events,
      { timeout: patience },
    );
    if (!(await wide.$("body[data-events]"))) return;
    await wide.waitForFunction(() => document.getElementById("token-row").hidden, { timeout: 5000 });
    if (decisions === 0) {
      await phone.waitForSelector("#decision form", { timeout: 10_000 });
      await inspect(wide, "wide", "decision");
      await inspect(phone, "phone", "decision");
      hold(await phone.$eval("#token-row", (row) => !row.hidden), "without the token the page asks for it");
      const order = await wide.$$eval("ol.stream > li", (all) => all.map((one) => one.id.slice(1)));
      const number = (id) => id.split("-").map(Number).reduce((sum, part, at) => sum + (at ? part / 1e4 : part), 0);
      hold(order.length > 10 && order.every((id, at) => at === 0 || number(id) > number(order[at - 1])), "records in order");
      hold((await wide.$eval("#said", (said) => said.textContent)).length > 0, "a screen reader is told");
    }
    const digest = await wide.$eval("#decision input[name=digest]", (field) => field.value);
    await wide.type("#name", "ana");
    await wide.type("#comment", "go ahead");
    // By keyboard alone: the button is reached from the comment.
    await wide.keyboard.press("Tab");
    hold((await wide.evaluate(() => document.activeElement.value)) === "approve", "the button follows the comment");
    await Promise.all([wide.waitForNavigation(), wide.keyboard.press("Enter")]);
    decisions += 1;
    await wide.waitForFunction(
      (old) => document.querySelector("#decision input[name=digest]")?.value !== old,
      { timeout: patience },
      digest,
    );
    if (decisions === 1) await inspect(wide, "wide", "running");
  }
};
await follow();
hold(decisions > 0, "a person was asked");
// The phone only looked on: its stream ended, and it shows the whole report by itself.
await phone.waitForFunction(() => document.getElementById("journal"), { timeout: 20_000 });
for (const [name, page] of [["wide", wide], ["phone", phone]]) {
  await inspect(page, name, "report");
  for (const part of ["timeline", "traces", "map", "hypotheses", "ruled-out", "evidence", "journal"]) {
    hold(await page.$(`#${part}`), `${name}: the report has ${part}`);
  }
  await page.click("#journal > details > summary");
  hold((await page.$$("#journal li.entry")).length > 10, `${name}: the journal can be read`);
  await page.goto(new URL("/", address).href, { waitUntil: "load" });
  await inspect(page, name, "closed");
}

const silent = await open("phone");
await silent.setJavaScriptEnabled(false);
await silent.goto(place, { waitUntil: "load" });
hold(await silent.$("#journal"), "without script the investigation can be read");
await browser.close();

for (const failure of failures) process.stderr.write(`page: ${failure}\n`);
process.stdout.write(`${decisions} decisions, ${failures.length} failures\n`);
process.exit(failures.length === 0 ? 0 : 1);
