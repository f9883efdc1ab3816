/* The canvas that the neural map is painted on: asked for so that it costs as little as possible, and quiet until the map
   stands. Nothing else on a page gets another canvas than it asked for. */
(function () {
  "use strict";

  const PAINTING = ["clear", "drawArrays", "drawElements"];
  const LONGEST_MS = 3000; // quiet for so long at most, whatever goes wrong
  const original = HTMLCanvasElement.prototype.getContext;
  const quiet = new WeakMap();
  const asleep = new WeakSet(); // nobody has pointed at anything yet

  let renderer = null;
  /* What paints: the name of the graphics card or of the software in its place; "" where there is no WebGL. */
  function painter() {
    if (renderer === null) {
      const gl = original.call(document.createElement("canvas"), "webgl");
      const told = gl && gl.getExtension("WEBGL_debug_renderer_info");
      renderer = gl ? String(gl.getParameter(told ? told.UNMASKED_RENDERER_WEBGL : gl.RENDERER)) : "";
      const lose = gl && gl.getExtension("WEBGL_lose_context");
      if (lose) lose.loseContext();
    }
    return renderer;
  }

  /* Without a graphics card, smoothing edges takes a third of a frame and can hardly be seen on round marks. */
  const software = () => /swiftshader|llvmpipe|software/i.test(painter());

  /* Plotly paints a figure up to five times before its camera stands where it belongs. */
  function hush(gl, gd) {
    for (const name of [...PAINTING, "readPixels"]) gl[name] = () => {};
    asleep.add(gl);
    quiet.set(gl, setTimeout(() => {
      speak(gl);
      if (gd.emit) gd.emit("plotly_afterplot"); // Plotly takes it away from a figure whose page was left
    }, LONGEST_MS));
  }

  /* From now on it paints. */
  function speak(gl) {
    clearTimeout(quiet.get(gl));
    quiet.delete(gl);
    for (const name of PAINTING) delete gl[name];
  }

  /* From now on it also paints, and reads, which mark lies where: the picture that Plotly finds marks under the pointer in. */
  function wake(gl) {
    asleep.delete(gl);
    delete gl.readPixels;
  }

  HTMLCanvasElement.prototype.getContext = function (kind, wishes, ...more) {
    const gd = kind === "webgl" && this.closest(".js-plotly-plot");
    const map = gd && gd.layout && gd.layout.meta && gd.layout.meta.words;
    if (!map) return original.call(this, kind, wishes, ...more);
    const gl = original.call(this, kind, { ...wishes, antialias: !software() }, ...more);
    if (!gl) return gl;
    // Transparent lines are gathered in a picture of their own; with bytes instead of floats it is a quarter as large.
    const extension = gl.getExtension.bind(gl);
    gl.getExtension = (name) => (name.startsWith("OES_texture_float") ? null : extension(name));
    hush(gl, gd);
    return gl;
  };

  window.mapCanvas = { painter, speak, wake, isQuiet: (gl) => quiet.has(gl), isAsleep: (gl) => asleep.has(gl) };
})();
