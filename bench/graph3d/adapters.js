/* One adapter per candidate: build(host, text) resolves after the first painted frame; set(theta) turns the camera about
   the graph; draw() paints one frame; sync() waits until it is painted; dispose() gives the WebGL context back. All paint
   1280 x 800 px, one canvas pixel per pixel, the same places, and the camera far enough away to see all of them. */
(function () {
  "use strict";

  const WIDE = 1280;
  const HIGH = 800;
  const BACKGROUND = 0x0b1020;
  const SPREAD = 30; // 3d-force-graph's own distance between linked nodes, for one unit of the layout
  const AWAY = 1.1;

  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const frames = async (count) => {
    for (let i = 0; i < count; i += 1) await frame();
  };

  /* Waits until the graphics process has painted: reading a pixel back needs it. */
  function sync(gl) {
    Object.getPrototypeOf(gl).readPixels.call(gl, 0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
  }

  const lose = (gl) => {
    const extension = gl.getExtension("WEBGL_lose_context");
    if (extension) extension.loseContext();
  };

  /* The middle of the nodes, and the radius of a ball round it that holds all of them. */
  function ball(nodes) {
    const mean = (axis) => nodes.reduce((sum, node) => sum + node[axis], 0) / nodes.length;
    const middle = { x: mean("x"), y: mean("y"), z: mean("z") };
    const away = (node) => Math.hypot(node.x - middle.x, node.y - middle.y, node.z - middle.z);
    return { middle, radius: Math.max(...nodes.map(away)) };
  }

  const distance = (radius, degrees) => (AWAY * radius) / Math.sin((degrees * Math.PI) / 360);

  function three(antialias = true) {
    const T = window.Peers.three;
    let renderer, scene, camera, around, far;
    return {
      async build(host, text) {
        const { nodes, links } = JSON.parse(text);
        renderer = new T.WebGLRenderer({ antialias });
        renderer.setPixelRatio(1);
        renderer.setSize(WIDE, HIGH);
        host.append(renderer.domElement);
        scene = new T.Scene();
        scene.background = new T.Color(BACKGROUND);
        const { middle, radius } = ball(nodes);
        around = new T.Vector3(middle.x, middle.y, middle.z);
        far = distance(radius, 45);
        camera = new T.PerspectiveCamera(45, WIDE / HIGH, far / 100, far * 4);
        camera.up.set(0, 0, 1);
        scene.add(this.points(nodes), this.lines(nodes, links));
        this.set(0);
        this.draw();
        this.sync();
      },
      points(nodes) {
        const geometry = new T.BufferGeometry();
        geometry.setAttribute("position", new T.BufferAttribute(new Float32Array(nodes.flatMap(({ x, y, z }) => [x, y, z])), 3));
        const colors = new Float32Array(nodes.flatMap((node) => new T.Color(node.color).toArray()));
        geometry.setAttribute("color", new T.BufferAttribute(colors, 3));
        return new T.Points(geometry, new T.PointsMaterial({ size: 9, sizeAttenuation: false, vertexColors: true }));
      },
      lines(nodes, links) {
        const place = new Map(nodes.map((node) => [node.id, node]));
        const ends = links.flatMap((link) => [place.get(link.source), place.get(link.target)]);
        const geometry = new T.BufferGeometry();
        geometry.setAttribute("position", new T.BufferAttribute(new Float32Array(ends.flatMap(({ x, y, z }) => [x, y, z])), 3));
        const colors = new Float32Array(links.flatMap((link) => [0, 1].flatMap(() => new T.Color(link.color).toArray())));
        geometry.setAttribute("color", new T.BufferAttribute(colors, 3));
        return new T.LineSegments(geometry, new T.LineBasicMaterial({ vertexColors: true, transparent: true, opacity: 0.4 }));
      },
      set(theta) {
        camera.position.set(around.x + far * Math.cos(theta), around.y + far * Math.sin(theta), around.z + far * 0.25);
        camera.lookAt(around);
      },
      draw() {
        renderer.render(scene, camera);
      },
      sync: () => sync(renderer.getContext()),
      dispose() {
        renderer.dispose();
        lose(renderer.getContext());
      },
    };
  }

  /* As it comes, with fixed places: no physics, spheres and pointer as by default. */
  function force() {
    let graph, around, far;
    return {
      async build(host, text) {
        const { nodes, links } = JSON.parse(text);
        for (const node of nodes) {
          for (const axis of ["x", "y", "z"]) node[axis] = node["f" + axis] = node[axis] * SPREAD;
        }
        const { middle, radius } = ball(nodes);
        [around, far] = [middle, distance(radius, 50)];
        await new Promise((resolve) => {
          graph = new window.Peers.ForceGraph3D(host)
            .width(WIDE)
            .height(HIGH)
            .backgroundColor("#0b1020")
            .showNavInfo(false)
            .nodeColor("color")
            .linkColor("color")
            .cooldownTicks(0)
            .onEngineStop(resolve);
          graph.renderer().setPixelRatio(1);
          graph.camera().up.set(0, 0, 1);
          this.set(0);
          graph.graphData({ nodes, links });
        });
        await frame();
        graph.pauseAnimation();
        sync(graph.renderer().getContext());
      },
      set(theta) {
        const at = { x: around.x + far * Math.cos(theta), y: around.y + far * Math.sin(theta), z: around.z + far * 0.25 };
        graph.cameraPosition(at, around, 0);
      },
      draw() {
        // One turn of its own loop: everything the library does for a frame, once.
        graph.resumeAnimation();
        graph.pauseAnimation();
      },
      sync: () => sync(graph.renderer().getContext()),
      run() {
        graph.resumeAnimation();
      },
      dispose() {
        const gl = graph.renderer().getContext();
        graph._destructor();
        lose(gl);
      },
    };
  }

  /* The application's own figure under its own scripts. */
  function ours() {
    let gd, scene, eye;
    return {
      async build(host, text) {
        const { data, layout, config } = window.dash_clientside.mapData.unpack(JSON.parse(text));
        gd = document.createElement("div");
        gd.id = "map-graph";
        gd.style.cssText = `width:${WIDE}px;height:${HIGH}px;background:#0b1020`;
        host.append(gd);
        await window.Plotly.newPlot(gd, data, layout, config);
        scene = gd._fullLayout.scene._scene;
        // Its scripts come, frame the whole map and write the names; until then nothing is painted.
        do await frame(); while (window.mapCanvas.isQuiet(scene.glplot.gl));
        await frames(2);
        eye = scene.getCamera();
        sync(scene.glplot.gl);
      },
      set(theta) {
        const { eye: from, center, up } = eye;
        const [x, y] = [from.x - center.x, from.y - center.y];
        const turned = {
          x: center.x + x * Math.cos(theta) - y * Math.sin(theta),
          y: center.y + x * Math.sin(theta) + y * Math.cos(theta),
          z: from.z,
        };
        const camera = { eye: turned, center, up, projection: { type: "perspective" } };
        scene.setViewport({ camera, aspectratio: scene.glplot.getAspectratio() });
      },
      /* With a pointer over the map, so that its frames hold what hover and click need. */
      point() {
        gd.dispatchEvent(new PointerEvent("pointerenter", { clientX: 5, clientY: 5 }));
      },
      draw() {
        // Plotly's own loop sees that the camera moved and paints in the next animation frame, as under a reader's hand.
      },
      sync: () => sync(scene.glplot.gl),
      dispose() {
        const gl = scene.glplot.gl;
        window.Plotly.purge(gd);
        lose(gl);
      },
    };
  }

  /* Which animation frames painted anything at all. */
  let painted = 0;
  let lastPainted = -1;
  let tick = 0;
  (function count() {
    tick += 1;
    requestAnimationFrame(count);
  })();
  for (const kind of [window.WebGLRenderingContext, window.WebGL2RenderingContext]) {
    for (const name of ["drawArrays", "drawElements", "clear"]) {
      const before = kind.prototype[name];
      kind.prototype[name] = function (...given) {
        if (lastPainted !== tick) painted += 1;
        lastPainted = tick;
        return before.apply(this, given);
      };
    }
  }

  const makers = { ours, three, force, plain: () => three(false) };
  let now = null;

  window.bench = {
    async build(name, text) {
      now = makers[name]();
      const host = document.createElement("div");
      host.id = "host";
      document.body.append(host);
      await now.build(host, text);
    },
    async settle() {
      if (now.point) now.point();
      now.set(0.01);
      now.draw();
      await frames(3);
      now.sync();
    },
    async rotate(count) {
      for (let i = 1; i <= count; i += 1) {
        now.set((i * 2 * Math.PI) / 90);
        now.draw();
        await frame();
        await frame();
        now.sync();
      }
    },
    async idle(ms) {
      if (now.run) now.run();
      await frames(3);
      const before = painted;
      await new Promise((resolve) => setTimeout(resolve, ms));
      return painted - before;
    },
    async dispose() {
      now.dispose();
      document.getElementById("host").remove();
      now = null;
      await frames(2);
    },
  };
})();
