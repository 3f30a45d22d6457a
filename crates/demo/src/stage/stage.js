// Keeps the figures fresh, and loads the page again when the round has moved on.
"use strict";
const put = (id, text) => { const place = document.getElementById(id); if (place) place.textContent = text; };
const slider = document.getElementById("strength");
if (slider) slider.addEventListener("input", () => put("strength-shown", Number(slider.value).toFixed(1)));
const phase = document.body.dataset.phase;
const refresh = async () => {
  try {
    const state = await (await fetch("/state.json", { cache: "no-store" })).json();
    if (state.phase !== phase) { location.reload(); return; }
    if (state.live) {
      put("rate", state.live.rate_per_s.toFixed(1));
      put("p50", state.live.p50_ms.toFixed(1));
      put("p99", state.live.p99_ms.toFixed(0));
      put("failed", (state.live.failed * 100).toFixed(1));
    }
    if (state.since_choice_s !== null) put("since", state.since_choice_s);
    const warm = document.getElementById("warm");
    if (warm && state.warm_in_s === 0 && warm.dataset.done !== "1") {
      warm.dataset.done = "1";
      warm.textContent = "The system has been healthy long enough. Whatever you choose begins about ten seconds later.";
    }
  } catch (error) {
    // The demo has ended; the figures stay as they were.
  }
};
setInterval(refresh, 1000);
