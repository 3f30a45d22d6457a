// Follows one investigation on the live page in a headless Chromium, at two widths and in both colour schemes.
//
// usage: node check.mjs ADDRESS FOLDER [--pictures]
// ADDRESS is what the program prints: http://HOST:PORT/#token=TOKEN. With the story of the example, a line on
// standard output, `GO`, says when to begin telling it. Ends with 0 when everything held, else with 1 and what did not.
import { address, end, hold, inspect, open, patience } from "./page.mjs";

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
await end(`${decisions} decisions`);
