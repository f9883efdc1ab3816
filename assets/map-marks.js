/* What is written and drawn round the neural map's scene at every camera step: above it the names of squads and agents, as
   far as there is room, and under it a soft hull round each squad and a ring round each agent. On the page and not in the
   scene, so that letters and edges stay sharp and no name covers another, and because a hull as a mesh costs more than all
   agents and lines together. */
(function () {
  "use strict";

  const SVG = "http://www.w3.org/2000/svg";
  const GAP = 6; // px between a mark and its name
  const FEW = 40; // this few agents in view are all named
  const TAKEN = 1000; // what it costs to cover another name
  const CROWDED = 22; // an agent's name that would cover more than this is left out
  const AIR = 3; // px that names keep from each other
  const CORNERS = 16; // of the circle round an agent that a hull encloses
  const boards = new WeakMap();

  function sceneOf(gd) {
    const layout = gd && gd._fullLayout && gd._fullLayout.scene;
    return layout && layout._scene && layout._scene.glplot ? layout._scene : null;
  }

  function agents(gd) {
    return (gd.data || []).find((trace) => trace.meta === "agents");
  }

  /* Data to px in the graph's box, and how many px a unit of the data is there; null behind the camera. */
  function projector(gd) {
    const scene = sceneOf(gd);
    const { model, view, projection } = scene.glplot.cameraParams;
    const [sx, sy, sz] = scene.dataScale;
    const { clientWidth: wide, clientHeight: high } = scene.container;
    const through = (m, v) => [0, 1, 2, 3].map((i) => m[i] * v[0] + m[4 + i] * v[1] + m[8 + i] * v[2] + m[12 + i] * v[3]);
    const unit = 0.5 * high * projection[5] * model[0] * sx;
    return (x, y, z) => {
      const seen = through(projection, through(view, through(model, [x * sx, y * sy, z * sz, 1])));
      if (seen[3] <= 0) return null;
      return { x: (0.5 + (0.5 * seen[0]) / seen[3]) * wide, y: (0.5 - (0.5 * seen[1]) / seen[3]) * high, unit: unit / seen[3] };
    };
  }

  /* What the marks are drawn over: the scene, or the flat map's plot, whose axes need no camera. */
  function stageOf(gd) {
    const scene = sceneOf(gd);
    if (scene) return scene.glplot.cameraParams.view && { container: scene.container, above: scene.svgContainer, see: projector(gd) };
    const { xaxis, yaxis } = (gd && gd._fullLayout) || {};
    const container = xaxis && xaxis._length && gd.querySelector(".svg-container");
    if (!container) return null;
    const part = (axis, value) => (value - axis.range[0]) / (axis.range[1] - axis.range[0]);
    const unit = xaxis._length / (xaxis.range[1] - xaxis.range[0]);
    const see = (x, y) => ({ x: xaxis._offset + part(xaxis, x) * xaxis._length, y: yaxis._offset + (1 - part(yaxis, y)) * yaxis._length, unit });
    return { container, above: [...container.querySelectorAll(":scope > .main-svg")].pop(), see };
  }

  function board(gd, stage) {
    let made = boards.get(gd);
    if (made && made.layer.isConnected) return made;
    const layer = document.createElement("div");
    layer.className = "map-marks";
    layer.setAttribute("aria-hidden", "true");
    const svg = (name) => {
      const drawing = document.createElementNS(SVG, "svg");
      drawing.setAttribute("class", name);
      drawing.setAttribute("aria-hidden", "true");
      return { drawing, paths: [] };
    };
    const [hulls, circles, chosen] = [svg("map-hulls"), svg("map-circles"), svg("map-chosen")];
    layer.append(chosen.drawing);
    if (!sceneOf(gd)) layer.classList.add("map-marks-flat");
    stage.container.insertBefore(layer, stage.above || null);
    stage.container.prepend(hulls.drawing, circles.drawing);
    made = { layer, hulls, circles, chosen, names: new Map(), last: new Map() };
    boards.set(gd, made);
    return made;
  }

  /* The outline of points on the screen (monotone chain). */
  function outline(points) {
    const sorted = points.filter(Boolean).sort((a, b) => a.x - b.x || a.y - b.y);
    if (sorted.length < 3) return [];
    const turn = (o, a, b) => (a.x - o.x) * (b.y - o.y) - (a.y - o.y) * (b.x - o.x);
    const half = (list) => {
      const kept = [];
      for (const point of list) {
        while (kept.length > 1 && turn(kept[kept.length - 2], kept[kept.length - 1], point) <= 0) kept.pop();
        kept.push(point);
      }
      return kept.slice(0, -1);
    };
    return [...half(sorted), ...half(sorted.reverse())];
  }

  /* The outline of a squad's agents with room round them; agents alone or in a row have one too. */
  function hull(discs, margin) {
    const around = discs.filter(Boolean).map((disc) => ({ ...disc, room: Math.max(margin * disc.unit, disc.r + 4) }));
    const bare = outline([...around]);
    const corners = [];
    for (const { x, y, room } of bare.length ? bare : around) {
      for (let i = 0; i < CORNERS; i += 1) {
        const turn = (2 * Math.PI * i) / CORNERS;
        corners.push({ x: x + room * Math.cos(turn), y: y + room * Math.sin(turn) });
      }
    }
    return outline(corners);
  }

  /* One path per shape; those of before are used again. */
  function drawShapes({ drawing, paths }, shapes) {
    while (paths.length < shapes.length) {
      const path = document.createElementNS(SVG, "path");
      drawing.append(path);
      paths.push(path);
    }
    paths.forEach((path, at) => {
      const shape = shapes[at] || { way: "" };
      if (path.getAttribute("d") !== shape.way) path.setAttribute("d", shape.way);
      if (shape.color) path.style.color = shape.color;
    });
  }

  const px = (value) => value.toFixed(1);
  const round = (points) => (points.length ? "M" + points.map((p) => px(p.x) + " " + px(p.y)).join("L") + "Z" : "");
  const ring = ({ x, y, r }, wider) => {
    const [radius, across] = [px(r + wider), px(2 * (r + wider))];
    return `M${px(x - r - wider)} ${px(y)}a${radius} ${radius} 0 1 0 ${across} 0a${radius} ${radius} 0 1 0 -${across} 0`;
  };
  const diamond = ({ x, y, r }, wider) => {
    const far = px(r + wider);
    return `M${px(x)} ${px(y - r - wider)}l${far} ${far}l-${far} ${far}l-${far} -${far}Z`;
  };

  function boxOf(points) {
    const box = { left: Infinity, right: -Infinity, top: Infinity, bottom: -Infinity };
    for (const point of points) {
      if (!point) continue;
      const r = point.r || 0;
      box.left = Math.min(box.left, point.x - r);
      box.right = Math.max(box.right, point.x + r);
      box.top = Math.min(box.top, point.y - r);
      box.bottom = Math.max(box.bottom, point.y + r);
    }
    return box;
  }

  /* The element of a name, made once and measured once. */
  function element(made, key, kind, text, count) {
    let name = made.names.get(key);
    if (!name || name.text !== text) {
      if (name) name.node.remove();
      const node = document.createElement("span");
      node.className = "map-name map-name-" + kind;
      const word = document.createElement("b");
      word.textContent = text;
      node.append(word);
      if (kind === "squad") node.dataset.mapSquad = text;
      if (count) {
        const figure = document.createElement("small");
        figure.textContent = count.toLocaleString(document.documentElement.lang || "en");
        node.append(figure);
      }
      made.layer.append(node);
      name = { node, text, wide: node.offsetWidth, high: node.offsetHeight };
      made.names.set(key, name);
    }
    return name;
  }

  const SPOTS = {
    squad: (box, w, h) => {
      const middle = (box.left + box.right - w) / 2;
      const level = (box.top + box.bottom - h) / 2;
      return [
        [middle, box.top - h - GAP], [middle, box.bottom + GAP],
        [box.left, box.top - h - GAP], [box.right - w, box.top - h - GAP],
        [box.left - w - GAP, level], [box.right + GAP, level],
        [box.left, box.bottom + GAP], [box.right - w, box.bottom + GAP],
      ];
    },
    agent: (box, w, h) => {
      const middle = (box.left + box.right - w) / 2;
      const level = (box.top + box.bottom - h) / 2;
      return [[middle, box.bottom + 2], [middle, box.top - h - 2], [box.right + 3, level], [box.left - w - 3, level]];
    },
  };

  const meet = (a, b) => a.left < b.right + AIR && b.left < a.right + AIR && a.top < b.bottom + AIR && b.top < a.bottom + AIR;

  /* The cheapest spot: covers no name, few agents, and is the one it had before, so that names do not jump about. */
  function place(made, key, kind, name, box, taken, discs, size) {
    let best = null;
    SPOTS[kind](box, name.wide, name.high).forEach(([x, y], at) => {
      const left = Math.min(Math.max(x, 4), size.wide - name.wide - 4);
      const top = Math.min(Math.max(y, 4), size.high - name.high - 4);
      const rect = { left, top, right: left + name.wide, bottom: top + name.high };
      let cost = at * 2 + (Math.abs(left - x) + Math.abs(top - y)) / 4 - (made.last.get(key) === at ? 12 : 0);
      for (const other of taken) if (meet(rect, other)) cost += TAKEN;
      for (const disc of discs) {
        if (disc && disc.x > rect.left - disc.r && disc.x < rect.right + disc.r && disc.y > rect.top - disc.r && disc.y < rect.bottom + disc.r) cost += 9;
      }
      if (!best || cost < best.cost) best = { rect, cost, at };
    });
    return best;
  }

  function write(made, name, best, color) {
    name.node.style.transform = `translate(${best.rect.left.toFixed(1)}px, ${best.rect.top.toFixed(1)}px)`;
    if (color) name.node.style.setProperty("--map-hue", color);
    name.node.hidden = false;
  }

  /* Which agents are to be named, most important first; `sure` of them whatever they cover but other names. */
  function wanted(words, discs, size, drawn) {
    const inside = [];
    discs.forEach((disc, row) => {
      if (disc && disc.x > 0 && disc.y > 0 && disc.x < size.wide && disc.y < size.high) inside.push(row);
    });
    const rows = [...new Set([...words.chosen, ...words.first, ...(inside.length <= FEW ? inside : [])])];
    return drawn ? rows : rows.slice(0, words.chosen.length);
  }

  function draw(gd) {
    const stage = stageOf(gd);
    const words = stage && gd.layout.meta && gd.layout.meta.words;
    const trace = agents(gd);
    if (!words || !trace) return;
    const made = board(gd, stage);
    const size = { wide: stage.container.clientWidth, high: stage.container.clientHeight };
    const see = stage.see;
    const depth = trace.z || [];
    const radius = trace.marker.size;
    const discs = words.names.map((_, row) => {
      const at = see(trace.x[row], trace.y[row], depth[row]);
      return at && { ...at, r: radius[row] / 2 };
    });
    const hulls = [];
    const circles = [];
    const failing = new Set(words.failing);
    const taken = [];
    const written = new Set();
    for (const squad of words.squads) {
      const own = squad.rows.map((row) => discs[row]);
      const points = squad.hull ? hull(own, words.margin) : own;
      if (squad.hull) hulls.push({ way: round(points), color: squad.color });
      if (words.ring) {
        const plain = squad.rows.filter((row) => discs[row] && !failing.has(row));
        circles.push({ way: plain.map((row) => ring(discs[row], words.ring / 3)).join(""), color: squad.color });
      }
      const box = boxOf(points);
      if (!(box.right > 0 && box.left < size.wide && box.bottom > 0 && box.top < size.high)) continue;
      const key = "squad " + squad.text;
      const name = element(made, key, "squad", squad.text, squad.count);
      const best = place(made, key, "squad", name, box, taken, discs, size);
      if (best.cost >= TAKEN) continue;
      write(made, name, best, squad.color);
      made.last.set(key, best.at);
      taken.push(best.rect);
      written.add(key);
    }
    for (const row of wanted(words, discs, size, !gd.layout.meta.mini)) {
      if (!discs[row]) continue;
      const key = "agent " + trace.customdata[row];
      const name = element(made, key, words.chosen.includes(row) ? "chosen" : "agent", words.names[row]);
      const best = place(made, key, "agent", name, boxOf([discs[row]]), taken, discs, size);
      if (best.cost >= (words.chosen.includes(row) ? 2 * TAKEN : CROWDED)) continue;
      write(made, name, best);
      made.last.set(key, best.at);
      taken.push(best.rect);
      written.add(key);
    }
    for (const [key, name] of made.names) if (!written.has(key)) name.node.hidden = true;
    drawShapes(made.hulls, hulls);
    circles.push({ way: words.failing.filter((row) => discs[row]).map((row) => diamond(discs[row], 6)).join(""), color: words.error });
    drawShapes(made.circles, circles);
    drawShapes(made.chosen, words.chosen.filter((row) => discs[row]).map((row) => ({ way: ring(discs[row], 6) })));
  }

  /* Draw with every frame of the scene. */
  function follow(gd) {
    const scene = sceneOf(gd);
    if (!scene || scene.glplot.mapMarks) return;
    const before = scene.glplot.onrender;
    scene.glplot.onrender = function () {
      if (before) before.call(this);
      if (!window.mapCanvas.isQuiet(this.gl)) draw(gd);
    };
    scene.glplot.mapMarks = true;
    if (document.fonts) {
      document.fonts.ready.then(() => {
        const made = boards.get(gd);
        if (!made) return;
        for (const name of made.names.values()) name.node.remove();
        made.names.clear();
        draw(gd);
      });
    }
  }

  window.mapMarks = { sceneOf, agents, follow, draw, projector };
})();
