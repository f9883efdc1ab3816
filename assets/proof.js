/* The proof drawer: opens on a measured value, reads it again, turns the pages of its rows, and tells on the page's own
   card when something else comes out than the card shows. */
(function () {
  "use strict";

  const HOLDERS = ".reading-card, .chart-frame";
  let asked = null; /* what the drawer shows */

  const set = (id, props) => window.dash_clientside.set_props(id, props);

  function told(element) {
    return {
      key: element.dataset.metric,
      window: element.dataset.window || null,
      subject: JSON.parse(element.dataset.subject || "[]"),
      value: element.dataset.value || null,
      rows: element.dataset.rows || null,
      at: element.dataset.measuredAt || null,
    };
  }

  function ask(id, more) {
    set(id, { data: Object.assign({}, asked, more, { asked: Date.now() }) });
  }

  function prove(element) {
    asked = told(element);
    set("proof-body", { children: null });
    set("proof", { is_open: true });
    ask("proof-request");
  }

  /* What the drawer found is told where the value stands. The same value may stand in several places. */
  function places() {
    const alike = (element) => element.dataset.metric === asked.key
      && (element.dataset.window || null) === asked.window
      && (element.dataset.measuredAt || null) === asked.at
      && JSON.stringify(JSON.parse(element.dataset.subject || "[]")) === JSON.stringify(asked.subject);
    return [...document.querySelectorAll("#content .measured[data-metric]")].filter(alike);
  }

  function tell(element, words) {
    const holder = element.closest(HOLDERS) || element.parentElement;
    const lines = holder.querySelector(":scope > .card-lines") || holder;
    let said = lines.querySelector(":scope > .differs");
    if (!words) {
      if (said) said.remove();
      delete holder.dataset.differs;
      delete element.dataset.differs;
      return;
    }
    if (!said) {
      said = document.createElement("p");
      said.className = "differs";
      said.setAttribute("role", "alert");
      lines.append(said);
    }
    if (said.textContent !== words) said.textContent = words;
    holder.dataset.differs = "true";
    element.dataset.differs = "true";
  }

  function compare() {
    const check = document.querySelector("#proof-body [data-same]");
    const value = document.querySelector("#proof-body .proof-value");
    if (!asked || !check || !value || value.dataset.metric !== asked.key) return;
    if (value.dataset.subject !== undefined && JSON.stringify(JSON.parse(value.dataset.subject)) !== JSON.stringify(asked.subject)) return;
    const words = check.dataset.same === "false" ? check.textContent : "";
    places().forEach((element) => tell(element, words));
  }

  const CLICKS = [
    [".measured[data-metric]", prove],
    ["[data-proof-again]", () => ask("proof-request")],
    ["[data-proof-after]", (button) => ask("proof-page", { after: button.dataset.proofAfter })],
  ];

  document.addEventListener("click", function (event) {
    for (const [selector, act] of CLICKS) {
      const element = event.target.closest(selector);
      if (element) { act(element); break; }
    }
  });

  document.addEventListener("keydown", function (event) {
    const target = event.target;
    if (event.key !== "Enter" && event.key !== " ") return;
    if (!target.matches || !target.matches(".measured[data-metric]:not(button)")) return;
    event.preventDefault();
    prove(target);
  });

  /* A value that was read anew is no longer the one that differed. */
  function renewed(changes) {
    for (const change of changes) {
      if (change.type === "attributes" && change.attributeName !== "data-same" && change.target.dataset.differs) {
        tell(change.target, "");
      }
    }
  }

  new MutationObserver(function (changes) {
    renewed(changes);
    if (document.querySelector("#proof-body [data-same]")) compare();
  }).observe(document.documentElement, {
    childList: true, subtree: true, characterData: true, attributes: true,
    attributeFilter: ["data-same", "data-measured-at"],
  });
})();
