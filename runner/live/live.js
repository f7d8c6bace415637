// The live page: puts what the server sends in place of what is there. Everything else works without it.
"use strict";
(() => {
  const main = document.querySelector("main");
  const connection = document.getElementById("live-connection");
  let said = "";

  // say tells what matters to those who do not see the page change.
  const say = (text) => {
    if (text !== connection.textContent) connection.textContent = text;
  };
  const summary = () => {
    const line = main.querySelector(".live-say");
    said = line ? "live: " + line.textContent.trim() : "live";
    say(said);
  };

  // What a reader has done to a section is done again after it was replaced: opened parts, filters, where the focus is and how far
  // it is scrolled.
  const controls = "a, button, input, select, summary, [tabindex]";
  const remember = (body) => ({
    open: [...body.querySelectorAll("details")].map((d) => d.open),
    values: [...body.querySelectorAll("input, select")].map((i) => i.value),
    scrolled: [...body.querySelectorAll(".scroll")].map((s) => s.scrollLeft),
    focus: [...body.querySelectorAll(controls)].indexOf(document.activeElement),
  });
  const restore = (body, was) => {
    body.querySelectorAll("details").forEach((d, i) => { if (i in was.open) d.open = was.open[i]; });
    body.querySelectorAll("input, select").forEach((input, i) => {
      if (!(i in was.values) || input.value === was.values[i]) return;
      input.value = was.values[i];
      input.dispatchEvent(new Event("input", { bubbles: true }));
    });
    body.querySelectorAll(".scroll").forEach((s, i) => { s.scrollLeft = was.scrolled[i] || 0; });
    if (was.focus >= 0) body.querySelectorAll(controls)[was.focus]?.focus({ preventScroll: true });
  };

  const copies = (root) => {
    if (navigator.clipboard) root.querySelectorAll("[data-copy]").forEach((b) => { b.hidden = false; });
  };

  const section = (s) => {
    let place = document.getElementById(s.ID);
    if (!place) {
      place = document.createElement("section");
      place.id = s.ID;
      place.setAttribute("aria-labelledby", "title-" + s.ID);
      const title = document.createElement("h2");
      title.id = "title-" + s.ID;
      const body = document.createElement("div");
      body.className = "live-body";
      place.append(title, body);
    }
    place.querySelector("h2").textContent = s.Title;
    const body = place.querySelector(".live-body");
    const was = remember(body);
    body.innerHTML = s.HTML; // complete and safe: see package live
    restore(body, was);
    copies(body);
    return place;
  };

  const apply = (change) => {
    const group = [...main.children].find((c) => c.dataset.topic === change.topic);
    if (!group) return;
    const places = change.sections.map(section);
    if (change.all) group.replaceChildren(...places);
    group.classList.remove("live-empty");
    document.dispatchEvent(new CustomEvent("sections", { detail: places }));
  };

  main.addEventListener("click", async (e) => {
    const button = e.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(button.parentElement.querySelector("code").textContent);
    button.textContent = "copied";
  });
  copies(main);

  const query = new URLSearchParams({ since: main.dataset.since });
  main.dataset.topics.split(" ").forEach((name) => query.append("topic", name));
  const events = new EventSource("/events?" + query);
  events.onopen = summary;
  events.onmessage = (e) => {
    JSON.parse(e.data).forEach(apply);
    summary();
  };
  events.onerror = () => say(events.readyState === EventSource.CLOSED ?
    "the server has refused further updates: reload the page" : "the connection is lost; trying again");
  addEventListener("pagehide", () => events.close());
})();
