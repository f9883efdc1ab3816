/* Measures how soon a page was there: its first paint, and its numbers on screen. It tells the application once for each
   page that is loaded anew, by the page's name only, and never for one that was in the background meanwhile. */
(function () {
  "use strict";

  const LONGEST = 60000;
  const REPORT = "/measured";
  const path = window.location.pathname;
  let paint = null;
  let isOver = document.visibilityState !== "visible";

  function token() {
    const found = document.cookie.split("; ").find((part) => part.startsWith("_csrf_token="));
    return found ? decodeURIComponent(found.slice("_csrf_token=".length)) : "";
  }

  function tell(numbers, error) {
    if (isOver || window.location.pathname !== path) return over();
    over();
    if (paint === null && numbers === null && error === null) return;
    const round = (time) => (time === null ? null : Math.round(time * 10) / 10);
    window.fetch(REPORT, {
      method: "POST",
      credentials: "same-origin",
      keepalive: true,
      headers: { "Content-Type": "application/json", "X-CSRFToken": token() },
      body: JSON.stringify({ page: path, paint: round(paint), numbers: round(numbers), error: error }),
    }).catch(() => undefined);
  }

  /* "waiting", "numbers", "none" (a page without any) or "error" */
  function state() {
    const page = document.getElementById("content");
    if (!page || !page.firstElementChild || page.querySelector(".skeleton")) return "waiting";
    if (page.querySelector(".state-error")) return "error";
    if (page.querySelector("[data-metric]")) return "numbers";
    return "none";
  }

  function look() {
    if (isOver) return;
    const now = state();
    if (now === "error") tell(null, "error");
    else if (now === "numbers") window.requestAnimationFrame(() => window.setTimeout(shown));
  }

  /* What took longer than any time that is kept is late, also when the timer has yet to say so. */
  function shown() {
    const time = performance.now();
    if (time > LONGEST) tell(null, "timeout");
    else tell(time, null);
  }

  function late() {
    const now = state();
    tell(null, now === "waiting" ? "timeout" : null);
  }

  function over() {
    isOver = true;
    changes.disconnect();
    window.clearTimeout(timer);
  }

  const changes = new MutationObserver(look);
  const timer = window.setTimeout(late, LONGEST);
  document.addEventListener("visibilitychange", () => { if (document.visibilityState !== "visible") over(); });
  if (isOver || !window.PerformanceObserver) return over();
  new PerformanceObserver(function (list, observer) {
    for (const entry of list.getEntries()) {
      if (entry.name === "first-contentful-paint") {
        if (entry.startTime <= LONGEST) paint = entry.startTime;
        observer.disconnect();
      }
    }
  }).observe({ type: "paint", buffered: true });
  changes.observe(document.documentElement, { childList: true, subtree: true });
  look();
})();
