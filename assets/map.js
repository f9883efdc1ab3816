/* The neural map in the browser: the camera is the reader's. It flies to what was searched, moves by buttons as well as
   by dragging, and stays where it is when new data arrives. Nothing here runs unless somebody does something. */
(function () {
  "use strict";

  const { sceneOf, agents, follow, draw } = window.mapMarks;
  const { isAsleep, isQuiet, speak, wake } = window.mapCanvas;
  const GRAPH = "map-graph";
  const FLIGHT_MS = 600;
  const CLICK_PX = 4;
  const LATE_MS = 2000; // so long after a click its mark may still become known
  const READING_MS = 50; // from the picture until Plotly has read which mark lies where
  const HALF = Math.tan(Math.PI / 8); // Plotly looks with an angle of 45 degrees
  const UP = { x: 0, y: 0, z: 1 };
  const known = new WeakSet();
  const held = new WeakMap();
  const own = new WeakSet(); // graphs whose view the reader has chosen
  let flight = 0;

  const add = (a, b, by = 1) => ({ x: a.x + b.x * by, y: a.y + b.y * by, z: a.z + b.z * by });
  const dot = (a, b) => a.x * b.x + a.y * b.y + a.z * b.z;
  const length = (a) => Math.hypot(a.x, a.y, a.z);
  const calm = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;

  /* Every neural map on the page, the small one as well; only the large one is steered. */
  function graphs() {
    return [...document.querySelectorAll(".js-plotly-plot")].filter((gd) => gd.layout && gd.layout.meta && gd.layout.meta.words && !gd.layout.meta.flat);
  }

  /* The large map; none while its flat twin is shown. */
  function graph() {
    const flat = document.querySelector("#map-page.is-flat");
    const host = flat ? null : document.getElementById(GRAPH);
    return host && (host.classList.contains("js-plotly-plot") ? host : host.querySelector(".js-plotly-plot"));
  }

  /* Data to scene units: Plotly centres the axis ranges on 0 and stretches them to the aspect ratio. */
  function frame(scene) {
    const layout = scene.fullSceneLayout;
    const ratio = scene.glplot.getAspectratio();
    const axis = (name) => {
      const [low, high] = layout[name + "axis"].range;
      return { middle: (low + high) / 2, scale: ratio[name] / (high - low) };
    };
    return { x: axis("x"), y: axis("y"), z: axis("z") };
  }

  function toScene(scene, point) {
    const axes = frame(scene);
    const one = (name) => (point[name] - axes[name].middle) * axes[name].scale;
    return { x: one("x"), y: one("y"), z: one("z") };
  }

  function show(gd, camera) {
    const scene = sceneOf(gd);
    if (!scene) return;
    scene.setViewport({ camera: { ...camera, projection: { type: "perspective" } }, aspectratio: scene.glplot.getAspectratio() });
    // Plotly's camera glides to where it is put, when it is new for half a second; a picture is painted for every step.
    const { view: way } = scene.camera;
    way.flush(way.lastT());
    scene.glplot.redraw();
  }

  /* The reader chose this view: remember it, and tell Plotly. */
  function keep(gd, chosen = true) {
    const scene = sceneOf(gd);
    if (!scene) return;
    if (chosen) own.add(gd);
    held.set(gd, view(gd));
    scene.saveLayout(gd.layout);
  }

  /* uirevision alone does not hold the camera: Dash hands Plotly the layout it has changed itself, which counts as a
     new wish, and an update in the middle of a drag goes back to the last view that was saved. */
  function hold(gd) {
    const wanted = held.get(gd);
    if (!wanted || !sceneOf(gd)) return;
    const now = view(gd);
    const apart = ["eye", "center"].some((name) => length(add(now[name], wanted[name], -1)) > 1e-6);
    if (!apart) return;
    show(gd, wanted);
    sceneOf(gd).saveLayout(gd.layout);
  }

  function view(gd) {
    const { eye, center, up } = sceneOf(gd).getCamera();
    return { eye, center, up };
  }

  function move(gd, target, chosen = true) {
    cancelAnimationFrame(flight);
    const from = view(gd);
    const to = { eye: target.eye || from.eye, center: target.center || from.center, up: UP };
    const arrive = () => {
      show(gd, to);
      keep(gd);
      if (!chosen) own.delete(gd);
    };
    if (calm()) {
      arrive();
      return;
    }
    const begin = performance.now();
    const step = (now) => {
      const part = Math.min(1, Math.max(0, (now - begin) / FLIGHT_MS));
      if (part === 1 || !sceneOf(gd)) {
        arrive();
        return;
      }
      const halfway = between(from, to, part < 0.5 ? 2 * part * part : 1 - 2 * (1 - part) * (1 - part));
      show(gd, halfway);
      held.set(gd, halfway); // data that arrives in flight does not turn it back
      flight = requestAnimationFrame(step);
    };
    flight = requestAnimationFrame(step);
  }

  /* Half-way views turn about the centre, so that the camera goes round the map and not through it. */
  function between(from, to, part) {
    const center = add(from.center, add(to.center, from.center, -1), part);
    const a = polar(add(from.eye, from.center, -1));
    const b = polar(add(to.eye, to.center, -1));
    const turn = ((b.turn - a.turn + 3 * Math.PI) % (2 * Math.PI)) - Math.PI;
    const mix = (one, other) => one + (other - one) * part;
    return {
      eye: add(center, offset({ away: mix(a.away, b.away), turn: a.turn + turn * part, lift: mix(a.lift, b.lift) })),
      center,
      up: UP,
    };
  }

  function polar(way) {
    const away = length(way) || 1e-6;
    return { away, turn: Math.atan2(way.y, way.x), lift: Math.asin(Math.max(-1, Math.min(1, way.z / away))) };
  }

  function offset({ away, turn, lift }) {
    return {
      x: away * Math.cos(lift) * Math.cos(turn),
      y: away * Math.cos(lift) * Math.sin(turn),
      z: away * Math.sin(lift),
    };
  }

  function around(gd, change) {
    const { eye, center } = view(gd);
    const at = polar(add(eye, center, -1));
    const next = { ...at, ...change(at) };
    next.lift = Math.max(-1.5, Math.min(1.5, next.lift));
    next.away = Math.max(0.15, Math.min(8, next.away));
    move(gd, { eye: add(center, offset(next)), center });
  }

  /* What has to be seen, in scene units: agents and the room that hulls leave round them, all or one squad's. */
  function extent(gd, squad) {
    const scene = sceneOf(gd);
    const { x, y, z } = agents(gd);
    const { margin } = gd.layout.meta.words;
    const rows = squad ? squad.rows : x.map((_, row) => row);
    const steps = margin ? [-margin, margin] : [0];
    return rows.flatMap((row) => steps.flatMap((step) => [
      toScene(scene, { x: x[row] + step, y: y[row], z: z[row] }),
      toScene(scene, { x: x[row], y: y[row] + step, z: z[row] }),
      toScene(scene, { x: x[row], y: y[row], z: z[row] + step }),
    ]));
  }

  /* Px to leave free beside the map: the names of squads stand above it, and on wide screens the toolbar. */
  function margins(gd, box) {
    if (gd.layout.meta.mini) return { side: 14, top: 30, bottom: 14 };
    return { side: 20, top: box.width < 640 ? 34 : 76, bottom: 30 };
  }

  /* The view from a direction that holds every agent and leaves room for the squads' names, whatever the screen's shape.
     Found by measuring where everything falls, and moving and stepping back accordingly, a few times over. */
  function fitted(gd, turn, lift, squad) {
    const points = extent(gd, squad);
    const box = gd.getBoundingClientRect();
    const { side, top, bottom } = margins(gd, box);
    const room = { x: Math.max(box.width - 2 * side, 60) / box.width, y: Math.max(box.height - top - bottom, 60) / box.height };
    const lower = (top - bottom) / Math.max(box.height, 1);
    const aspect = box.width / Math.max(box.height, 1);
    const toward = offset({ away: 1, turn, lift });
    const right = { x: -Math.sin(turn), y: Math.cos(turn), z: 0 };
    const up = offset({ away: 1, turn, lift: lift + Math.PI / 2 });
    let center = points.reduce((sum, point) => add(sum, point, 1 / points.length), { x: 0, y: 0, z: 0 });
    let away = 2;
    for (let round = 0; round < 24; round += 1) {
      const span = { left: Infinity, right: -Infinity, low: Infinity, high: -Infinity };
      for (const point of points) {
        const from = add(point, center, -1);
        const depth = Math.max(away - dot(from, toward), 0.05) * HALF;
        const [x, y] = [dot(from, right) / depth / aspect, dot(from, up) / depth];
        span.left = Math.min(span.left, x);
        span.right = Math.max(span.right, x);
        span.low = Math.min(span.low, y);
        span.high = Math.max(span.high, y);
      }
      center = add(center, right, ((span.left + span.right) / 2) * away * HALF * aspect);
      center = add(center, up, ((span.low + span.high) / 2 + lower) * away * HALF);
      const fill = Math.max((span.right - span.left) / 2 / room.x, (span.high - span.low) / 2 / room.y);
      away *= 1 + (fill - 1) * 0.7;
    }
    return { eye: add(center, offset({ away, turn, lift })), center };
  }

  function home(gd) {
    const { eye } = gd.layout.meta.view;
    const at = polar(eye);
    return fitted(gd, at.turn, at.lift);
  }

  const actions = {
    reset: (gd) => move(gd, home(gd), false),
    in: (gd) => around(gd, (at) => ({ away: at.away * 0.75 })),
    out: (gd) => around(gd, (at) => ({ away: at.away / 0.75 })),
    left: (gd) => around(gd, (at) => ({ turn: at.turn - Math.PI / 9 })),
    right: (gd) => around(gd, (at) => ({ turn: at.turn + Math.PI / 9 })),
    top: (gd) => move(gd, fitted(gd, polar(gd.layout.meta.view.eye).turn, 1.5)),
    front: (gd) => move(gd, fitted(gd, polar(gd.layout.meta.view.eye).turn, 0)),
  };

  function flyToSquad(gd, text) {
    const squad = gd.layout.meta.words.squads.find((one) => one.text === text);
    if (!squad) return;
    const { eye, center } = view(gd);
    const at = polar(add(eye, center, -1));
    move(gd, fitted(gd, at.turn, at.lift, squad));
  }

  /* Mark an agent and go near it, seen from the side the reader stands on. */
  function flyTo(id) {
    const gd = graph();
    if (!sceneOf(gd) || !gd.layout.meta) return;
    const row = id && agents(gd) ? agents(gd).customdata.indexOf(id) : -1;
    gd.layout.meta.words.chosen = row < 0 ? [] : [row];
    sceneOf(gd).glplot.redraw();
    if (row < 0) return;
    const { x, y, z } = agents(gd);
    const center = toScene(sceneOf(gd), { x: x[row], y: y[row], z: z[row] });
    const { eye, center: old } = view(gd);
    const at = polar(add(eye, old, -1));
    move(gd, { eye: add(center, offset({ ...at, away: Math.min(at.away, 0.5) })), center });
  }

  /* Plotly reports a click while the button is down, also for a drag that begins on a point, and misses a quick one.
     So: a press that did not move picks what is under the pointer when the button comes up. */
  function watchClicks(gd) {
    let press = null;
    let under = null;
    const point = (event) => event.points && event.points[0] && event.points[0].customdata;
    const pick = () => {
      if (!press || !press.up || !under || press.moved >= CLICK_PX || performance.now() > press.until) return;
      const edge = Array.isArray(under) ? { source: under[0], target: under[1] } : null;
      press = null;
      window.dash_clientside.set_props("map-picked", {
        data: { id: edge ? edge.target : under, edge, at: Date.now() },
      });
    };
    gd.addEventListener("pointerdown", (event) => {
      if (event.button === 0) press = { x: event.clientX, y: event.clientY, moved: 0, up: false };
    }, true);
    gd.addEventListener("pointermove", (event) => {
      if (!press) return;
      press.moved = Math.max(press.moved, Math.hypot(event.clientX - press.x, event.clientY - press.y));
      if (press.up && press.moved >= CLICK_PX) press = null;
    }, true);
    gd.addEventListener("pointerup", () => {
      if (!press) return;
      Object.assign(press, { up: true, until: performance.now() + LATE_MS });
      pick();
    }, true);
    gd.on("plotly_hover", (event) => {
      under = point(event);
      pick(); // a click may be quicker than the first look at what lies where
    });
    gd.on("plotly_unhover", () => { under = null; });
    gd.on("plotly_click", (event) => {
      under = point(event);
      pick();
    });
  }

  /* Lines answer no pointer. Left alone, Plotly still draws them into its picking buffer, where they hide agents from hover
     and click and cost time for each camera step. Nothing is drawn there before there is a pointer. */
  function unpick(gd) {
    const { traces, glplot } = sceneOf(gd);
    for (const one of Object.values(traces || {})) {
      for (const part of [one.linePlot, one.scatterPlot]) {
        if (!part || part.mapPick) continue;
        const pick = part.drawPick;
        part.mapPick = true;
        part.drawPick = (camera) => {
          if (one.data.hoverinfo !== "skip" && !isAsleep(glplot.gl)) pick.call(part, camera);
        };
      }
    }
  }

  /* The first pointer over the map: from now on Plotly has to know which mark lies where. The pointer may rest by the time
     it does, so it is told of it once more. */
  function wakeUp(gd, event) {
    const scene = sceneOf(gd);
    if (!scene || isQuiet(scene.glplot.gl) || !isAsleep(scene.glplot.gl)) return;
    wake(scene.glplot.gl);
    scene.glplot.update();
    let last = event;
    const note = (later) => { last = later; };
    gd.addEventListener("pointermove", note, true);
    const tell = () => {
      gd.removeEventListener("pointermove", note, true);
      if (last.buttons || sceneOf(gd) !== scene) return; // the reader may have left the page meanwhile
      const { clientX, clientY } = last;
      scene.glplot.canvas.dispatchEvent(new MouseEvent("mousemove", { clientX: clientX + 0.5, clientY, bubbles: true }));
    };
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(tell, READING_MS)));
  }

  /* The first picture, once there are agents and the camera stands; what comes later Plotly paints as it arrives. */
  function paint(gd) {
    const { glplot } = sceneOf(gd);
    if (!isQuiet(glplot.gl)) draw(gd);
    else if (agents(gd) && agents(gd).x.length) {
      speak(glplot.gl);
      glplot.update();
    }
  }

  /* Until the reader moves the camera, it holds the whole map, also when the window changes. */
  function frameAll(gd) {
    if (own.has(gd) || !agents(gd) || !agents(gd).x.length) return;
    show(gd, { ...home(gd), up: UP });
    keep(gd, false);
  }

  function attach(gd) {
    known.add(gd);
    const still = gd.layout.meta.mini;
    if (!still) {
      watchClicks(gd);
      for (const name of ["pointerenter", "pointermove"]) gd.addEventListener(name, (event) => wakeUp(gd, event), true);
      gd.on("plotly_relayouting", () => {
        keep(gd);
        // The event comes before the camera takes the step, and it glides on for a picture or two.
        requestAnimationFrame(() => requestAnimationFrame(() => keep(gd)));
      });
      gd.on("plotly_relayout", (changes) => {
        if (Object.keys(changes || {}).some((name) => name.startsWith("scene"))) keep(gd);
      });
      // Pictures may be slow to come: what the reader's hand did last is read where new data is about to undo it.
      gd.on("plotly_beforeplot", () => { if (own.has(gd) && sceneOf(gd)) held.set(gd, view(gd)); });
      gd.addEventListener("pointerdown", () => cancelAnimationFrame(flight), true);
    }
    let size = "";
    const settle = () => {
      if (!sceneOf(gd) || !gd.clientWidth) return;
      unpick(gd);
      follow(gd);
      sceneOf(gd).glplot.axes.enable = false; // they are not shown, and would be computed for every frame
      const now = gd.clientWidth + "x" + gd.clientHeight + " " + (agents(gd) ? agents(gd).x.length > 0 : "");
      if (own.has(gd) || now === size) hold(gd);
      else frameAll(gd);
      size = now;
      paint(gd);
    };
    gd.on("plotly_afterplot", settle);
    settle();
  }

  /* Dash hides a field of its drop-downs from screen readers and leaves it in the order of the tab key. */
  function tidy() {
    document.querySelectorAll(".dash-dropdown-focus-target[tabindex='0']").forEach((field) => { field.tabIndex = -1; });
  }

  function look() {
    tidy();
    for (const gd of graphs()) if (gd.on && !known.has(gd)) attach(gd);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("[data-map-action], [data-map-squad]");
    const gd = button && graph();
    if (!gd || !sceneOf(gd)) return;
    const action = actions[button.dataset.mapAction];
    if (action) action(gd);
    else flyToSquad(gd, button.dataset.mapSquad);
  });

  new MutationObserver(look).observe(document.documentElement, { childList: true, subtree: true });

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    map: {
      /* clientside_callback(ClientsideFunction("map", "fly"), Input("map-search", "value")) */
      fly(id) {
        // One callback for both views: Dash tells callbacks without an output apart by their inputs alone.
        const plane = window.dash_clientside.mapFlat;
        if (plane) plane.fly(id);
        flyTo(id);
        return window.dash_clientside.no_update;
      },
      /* clientside_callback(ClientsideFunction("map", "narrow"), Output("map-narrow", "data"), Input("url", "pathname")) */
      narrow() {
        return window.innerWidth < 640;
      },
    },
  });
})();
