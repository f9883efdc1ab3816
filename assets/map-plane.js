/* The flat map in the browser: it comes by itself where there is no WebGL or little room; click, pan, zoom, and the
   arrow keys from mark to mark. Nothing here runs unless somebody does something. */
(function () {
  "use strict";

  const { agents, draw } = window.mapMarks;
  const HOST = "map-flat";
  const NARROW = 640;
  const known = new WeakSet();
  const held = new WeakMap(); // where the reader has gone, by graph: { key, x, y }
  const at = new WeakMap(); // the mark that has the keyboard

  const page = () => document.getElementById("map-page");
  const shown = () => Boolean(page() && page().classList.contains("is-flat"));
  const view = () => new URLSearchParams(window.location.search).get("view") || "";

  function graph() {
    const host = document.getElementById(HOST);
    return host && (host.classList.contains("js-plotly-plot") ? host : host.querySelector(".js-plotly-plot"));
  }

  const webgl = () => window.mapCanvas.painter() !== "";

  /* Why this browser should get the flat map unless asked otherwise: "none" (no WebGL), "narrow", or "". */
  function why() {
    return webgl() ? (window.innerWidth < NARROW ? "narrow" : "") : "none";
  }

  /* Which of the buttons counts as chosen while the address says nothing. */
  function offer(reason) {
    document.querySelectorAll(".map-switch [data-query-set='view']").forEach((button) => {
      const usual = button.dataset.queryValue === (reason ? "2d" : "3d");
      button.toggleAttribute("data-query-default", usual);
      if (!view()) button.setAttribute("aria-pressed", String(usual));
      if (button.dataset.queryValue === "3d") button.disabled = reason === "none";
    });
  }

  function ranges(gd) {
    const { xaxis, yaxis } = gd._fullLayout;
    return { x: [...xaxis.range], y: [...yaxis.range] };
  }

  function go(gd, x, y) {
    held.set(gd, { key: gd.layout.meta.key, x, y });
    return window.Plotly.relayout(gd, { "xaxis.range": x, "yaxis.range": y });
  }

  function zoom(gd, factor) {
    const now = ranges(gd);
    const near = ([low, high]) => [(low + high) / 2 - ((high - low) / 2) * factor, (low + high) / 2 + ((high - low) / 2) * factor];
    go(gd, near(now.x), near(now.y));
  }

  function whole(gd) {
    const [x, y] = gd.layout.meta.whole;
    go(gd, [...x], [...y]).then(() => held.delete(gd));
  }

  function around(gd, rows, least) {
    const { x, y } = agents(gd);
    const span = (values) => {
      const [low, high] = [Math.min(...values), Math.max(...values)];
      const half = Math.max((high - low) * 0.62, least / 2);
      return [(low + high) / 2 - half, (low + high) / 2 + half];
    };
    go(gd, span(rows.map((row) => x[row])), span(rows.map((row) => y[row])));
  }

  function wide(gd) {
    const [[low, high]] = gd.layout.meta.whole;
    return high - low;
  }

  function toSquad(gd, text) {
    const squad = gd.layout.meta.words.squads.find((one) => one.text === text);
    if (squad) around(gd, squad.rows, wide(gd) / 20);
  }

  function choose(gd, row) {
    gd.layout.meta.words.chosen = row < 0 ? [] : [row];
    draw(gd);
  }

  function flyTo(id) {
    const gd = graph();
    if (!shown() || !gd || !gd._fullLayout || !agents(gd)) return;
    const row = id ? agents(gd).customdata.indexOf(id) : -1;
    choose(gd, row);
    if (row >= 0) around(gd, [row], wide(gd) / 5);
  }

  function pick(mark) {
    const edge = Array.isArray(mark) ? { source: mark[0], target: mark[1] } : null;
    window.dash_clientside.set_props("map-picked", { data: { id: edge ? edge.target : mark, edge, at: Date.now() } });
  }

  /* Every mark that can be opened, with its place on the screen. */
  function marks(gd) {
    const { xaxis, yaxis } = gd._fullLayout;
    return gd.data.flatMap((trace, curve) => (trace.customdata || []).map((id, point) => ({
      id, curve, point, text: trace.text[point],
      x: ((trace.x[point] - xaxis.range[0]) / (xaxis.range[1] - xaxis.range[0])) * xaxis._length,
      y: ((yaxis.range[1] - trace.y[point]) / (yaxis.range[1] - yaxis.range[0])) * yaxis._length,
    })));
  }

  /* The nearest mark in a direction; straight ahead counts for more than aside. */
  function next(gd, way) {
    const all = marks(gd);
    const { xaxis, yaxis } = gd._fullLayout;
    const from = all.find((one) => at.get(gd) && one.curve === at.get(gd).curve && one.point === at.get(gd).point);
    const here = from || { x: xaxis._length / 2, y: yaxis._length / 2 };
    let best = null;
    for (const one of all) {
      const [dx, dy] = [one.x - here.x, one.y - here.y];
      const ahead = dx * way[0] + dy * way[1];
      const aside = Math.abs(dx * way[1]) + Math.abs(dy * way[0]);
      if (from ? ahead < 1 : false) continue;
      const cost = from ? ahead + 2.5 * aside : Math.hypot(dx, dy);
      if (!best || cost < best.cost) best = { ...one, cost };
    }
    return best;
  }

  function visit(gd, mark) {
    const { xaxis, yaxis } = gd._fullLayout;
    const out = mark.x < 20 || mark.y < 20 || mark.x > xaxis._length - 20 || mark.y > yaxis._length - 20;
    const trace = gd.data[mark.curve];
    const then = () => {
      at.set(gd, { curve: mark.curve, point: mark.point });
      choose(gd, Array.isArray(mark.id) ? -1 : mark.point);
      window.Plotly.Fx.hover(gd, [{ curveNumber: mark.curve, pointNumber: mark.point }]);
      gd.querySelector(":scope > .visually-hidden").textContent = plain(mark.text);
    };
    if (!out) return then();
    const now = ranges(gd);
    const shift = (range, to) => range.map((end) => end + to - (range[0] + range[1]) / 2);
    return go(gd, shift(now.x, trace.x[mark.point]), shift(now.y, trace.y[mark.point])).then(then);
  }

  function plain(text) {
    return new DOMParser().parseFromString(text.replaceAll("<br>", ". "), "text/html").body.textContent;
  }

  const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  function press(gd, event) {
    if (event.target !== gd || event.altKey || event.ctrlKey || event.metaKey) return;
    const held_mark = at.get(gd);
    const found = WAYS[event.key] && next(gd, WAYS[event.key]);
    if (found) visit(gd, found);
    else if (event.key === "Enter" && held_mark) pick(gd.data[held_mark.curve].customdata[held_mark.point]);
    else if (event.key === "+" || event.key === "=") zoom(gd, 0.75);
    else if (event.key === "-") zoom(gd, 1 / 0.75);
    else if (event.key === "0") whole(gd);
    else if (!WAYS[event.key]) return;
    event.preventDefault();
  }

  /* New data keeps the reader's place while the same agents are shown. */
  function settle(gd) {
    const meta = gd.layout.meta;
    gd.setAttribute("aria-label", meta.label);
    const wish = held.get(gd);
    if (wish && wish.key !== meta.key) {
      held.delete(gd);
      at.delete(gd);
    } else if (wish) {
      const now = ranges(gd);
      const apart = Math.abs(now.x[0] - wish.x[0]) + Math.abs(now.x[1] - wish.x[1]);
      if (apart > 0.02 * (now.x[1] - now.x[0])) {
        go(gd, wish.x, wish.y);
        return;
      }
    }
    draw(gd);
  }

  function attach(gd) {
    known.add(gd);
    gd.tabIndex = 0;
    gd.setAttribute("role", "application");
    const told = document.createElement("div");
    told.className = "visually-hidden";
    told.setAttribute("aria-live", "polite");
    gd.append(told);
    gd.addEventListener("keydown", (event) => press(gd, event));
    gd.addEventListener("blur", () => gd._fullLayout && window.Plotly.Fx.unhover(gd)); // it may be gone with its page
    gd.on("plotly_click", (event) => {
      const mark = event.points && event.points[0] && event.points[0].customdata;
      if (mark) pick(mark);
    });
    gd.on("plotly_relayouting", () => draw(gd));
    gd.on("plotly_relayout", (changes) => {
      if (Object.keys(changes || {}).some((name) => name.includes("axis.range"))) held.set(gd, { key: gd.layout.meta.key, ...ranges(gd) });
      draw(gd);
    });
    gd.on("plotly_afterplot", () => settle(gd));
    settle(gd);
  }

  function look() {
    const gd = graph();
    if (gd && gd.on && gd.layout && gd.layout.meta && !known.has(gd)) attach(gd);
  }

  const ACTIONS = { in: (gd) => zoom(gd, 0.75), out: (gd) => zoom(gd, 1 / 0.75), reset: whole };

  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("[data-map-action], [data-map-squad]");
    const gd = button && shown() && graph();
    if (!gd || !gd._fullLayout) return;
    const action = ACTIONS[button.dataset.mapAction];
    if (action) action(gd);
    else if (button.dataset.mapSquad) toSquad(gd, button.dataset.mapSquad);
  });

  new MutationObserver(look).observe(document.documentElement, { childList: true, subtree: true });

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    mapFlat: {
      /* clientside_callback(ClientsideFunction("mapFlat", "wish"), Output("map-wish", "data"), Input("map-stage", "id")) */
      wish() {
        const reason = why();
        offer(reason);
        return reason;
      },
      /* called by map.fly */
      fly(id) {
        flyTo(id);
        return window.dash_clientside.no_update;
      },
    },
  });
})();
