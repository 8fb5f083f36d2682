// What carries data-live is shown anew when the server says that something arrived. Without this script, or
// without a connection, the page is as good as when it was loaded.
"use strict";
(() => {
  const regions = [...document.querySelectorAll("[data-live]")];
  if (regions.length === 0 || !("EventSource" in window)) return;

  let due = false;
  let running = false;

  // Whoever works with the keyboard keeps their place.
  const place = (region) => {
    const at = document.activeElement;
    return at && region.contains(at) ? at.getAttribute("href") : null;
  };

  async function refresh() {
    if (running) return;
    running = true;
    while (due) {
      due = false;
      const answer = await fetch(location.href, { cache: "no-store" }).catch(() => null);
      // Signed out, or the server is not there: what is shown stays.
      if (!answer || !answer.ok || answer.redirected) break;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const region of regions) {
        const next = fresh.getElementById(region.id);
        if (!next || next.innerHTML === region.innerHTML) continue;
        const href = place(region);
        region.replaceChildren(...next.childNodes);
        if (href) region.querySelector(`[href="${CSS.escape(href)}"]`)?.focus();
      }
    }
    running = false;
  }

  const hear = () => {
    due = true;
    refresh();
  };
  const news = new EventSource("/news");
  news.addEventListener("news", hear);
  // After a break something may have been missed.
  let broken = false;
  news.addEventListener("error", () => { broken = true; });
  news.addEventListener("open", () => {
    if (broken) hear();
    broken = false;
  });
})();
