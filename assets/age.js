/* How old each number is, counted on by the browser from the instant it was measured at: nobody is asked, and nothing
   that is shown again looks new. The server's clock counts; answers.js says how far this machine's is from it. */
(function () {
  "use strict";

  const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const OFF_BY_SECONDS = 2; /* the header that tells the server's time has whole seconds */
  let drawing = false;

  function now() {
    const off = window.quantumClockOff || 0;
    return Date.now() + (Math.abs(off) > OFF_BY_SECONDS * 1000 ? off : 0);
  }

  function ago(instant) {
    const seconds = Math.max(0, Math.floor((now() - instant) / 1000));
    const [unit, size] = UNITS.find(([, each]) => seconds >= each) || UNITS[UNITS.length - 1];
    const spelled = new Intl.RelativeTimeFormat(document.documentElement.lang || "en", {
      style: "short", numeric: seconds ? "always" : "auto",
    });
    return spelled.format(-Math.floor(seconds / size), unit);
  }

  function draw() {
    drawing = false;
    document.querySelectorAll("time[data-age]").forEach(function (time) {
      const instant = Date.parse(time.getAttribute("datetime"));
      if (isNaN(instant)) return;
      const words = time.dataset.age.replace("{age}", ago(instant));
      if (time.textContent !== words) time.textContent = words;
    });
  }

  function soon() {
    if (drawing) return;
    drawing = true;
    window.requestAnimationFrame(draw);
  }

  window.setInterval(soon, 1000);
  document.addEventListener("visibilitychange", soon);
  new MutationObserver(soon).observe(document.documentElement, { childList: true, subtree: true });
})();
