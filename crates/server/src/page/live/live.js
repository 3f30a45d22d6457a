"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const keep = (value) => {
    try {
      if (value) sessionStorage.setItem("token", value);
      return sessionStorage.getItem("token");
    } catch {
      return value || null;
    }
  };
  const given = /^#token=([0-9A-Za-z_-]+)$/.exec(location.hash);
  if (given) history.replaceState(null, "", location.pathname + location.search);
  let token = keep(given && given[1]);
  const say = (text) => {
    const status = byId("said");
    if (status && text) status.textContent = text;
  };
  const fill = () => {
    const field = byId("token");
    if (!field) return;
    say("A decision is needed: " + byId("ask-title").textContent);
    if (!token) return;
    field.value = token;
    byId("token-row").hidden = true;
  };
  fill();

  const isBusy = () => {
    const main = byId("main");
    return main.contains(document.activeElement) || main.querySelector("details[open]") !== null;
  };

  const follow = (address) => {
    const source = new EventSource(address);
    source.addEventListener("record", (event) => {
      const record = JSON.parse(event.data);
      if (byId("r" + record.recordId)) return;
      const atEnd = innerHeight + scrollY > document.documentElement.scrollHeight - 120;
      byId("stream").insertAdjacentHTML("beforeend", record.html);
      if (atEnd && scrollY > 0) scrollTo(0, document.documentElement.scrollHeight);
      say(record.say);
    });
    source.addEventListener("replace", (event) => {
      const piece = JSON.parse(event.data);
      const target = byId(piece.target);
      if (!target || target.given === piece.html) return;
      target.given = piece.html;
      const fresh = document.createElement("div");
      fresh.innerHTML = piece.html;
      // The same question again, after the stream was resumed: what was typed stays.
      const asked = (node) => node.querySelector("input[name=digest]")?.value;
      if (asked(fresh) && asked(fresh) === asked(target)) return;
      target.replaceChildren(...fresh.childNodes);
      if (piece.target === "decision") fill();
    });
    source.addEventListener("end", () => {
      source.close();
      if (!isBusy()) return location.reload();
      byId("ended").hidden = false;
      say("The investigation has ended.");
    });
    source.onerror = () => {
      byId("lost").hidden = source.readyState !== EventSource.CLOSED;
    };
  };

  const renew = (id) => {
    const target = byId(id);
    const look = async () => {
      if (document.hidden || isBusy()) return;
      try {
        const text = await (await fetch(location.pathname)).text();
        const fresh = new DOMParser().parseFromString(text, "text/html").getElementById(id);
        if (fresh && !isBusy()) target.replaceChildren(...fresh.childNodes);
      } catch {
        // The server is gone or busy: what stands here stays, and the next look tries again.
      }
    };
    setInterval(look, 4000);
  };

  if (document.body.dataset.events) follow(document.body.dataset.events);
  if (document.body.dataset.renew) renew(document.body.dataset.renew);
})();
