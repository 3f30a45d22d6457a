// Breaks the demo on the stage's page in a headless Chromium, by keyboard, and looks at each of its three phases.
//
// usage: node stage.mjs ADDRESS FOLDER [--pictures]
// ADDRESS is the stage's, as `firstcause demo --you-break-it` prints it. Ends with 0 when everything held.
import { address, end, hold, inspect, open, patience } from "./page.mjs";

const FAULT = "poison_message";
const wide = await open("wide");
const phone = await open("phone");
const both = [["wide", wide], ["phone", phone]];
const phase = async (name) => {
  for (const [view, page] of both) {
    await page.waitForFunction((wanted) => document.body.dataset.phase === wanted, { timeout: patience }, name);
    await inspect(page, view, `stage-${name}`);
  }
};

for (const [, page] of both) await page.goto(address, { waitUntil: "load" });
await wide.waitForFunction(() => parseFloat(document.getElementById("rate").textContent) > 0, { timeout: 60_000 });
await phase("waiting");
const focused = () => wide.evaluate(() => document.activeElement.id || document.activeElement.value);
await wide.keyboard.press("Tab");
hold((await focused()) === "strength", "the slider is the first stop of the keyboard");
await wide.keyboard.press("ArrowRight");
hold((await wide.$eval("#strength-shown", (shown) => shown.textContent)) === "1.1", "the strength is shown");
await wide.keyboard.press("ArrowLeft");
await wide.keyboard.press("Tab");
hold((await focused()) === "surprise", "then comes the first choice");
for (let stops = 0; stops < 40 && (await focused()) !== FAULT; stops += 1) await wide.keyboard.press("Tab");
hold((await focused()) === FAULT, "every choice is reached by keyboard");
await Promise.all([wide.waitForNavigation(), wide.keyboard.press("Enter")]);
await phone.reload({ waitUntil: "load" });
await phase("sealed");
for (const [view, page] of both) {
  hold(!(await page.content()).includes(FAULT), `${view}: the sealed choice is not on the page`);
}
await phase("revealed");
const said = await wide.evaluate(() => document.querySelector("main").textContent);
hold(said.includes("order-events"), `the verdict stands beside the truth: ${said.slice(0, 400)}`);
await end("broken on the stage");
