/* The neural map's figure as the server sends it, in few bytes, and as Plotly takes it (components/figures/packed.py). */
(function () {
  "use strict";

  const GAP = -32768;

  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

  /* Little-endian 16-bit integers, whatever the machine's own order is. */
  function places({ i2, scale, middle }) {
    const view = new DataView(bytes(i2).buffer);
    return Array.from({ length: view.byteLength / 2 }, (_, i) => {
      const step = view.getInt16(2 * i, true);
      return step === GAP ? null : middle + scale * step;
    });
  }

  function trace(small) {
    const full = { ...small };
    for (const axis of ["x", "y", "z"]) if (small[axis] && small[axis].i2 !== undefined) full[axis] = places(small[axis]);
    const { line } = small;
    if (line && line.color && line.color.u1 !== undefined) full.line = { ...line, color: Array.from(bytes(line.color.u1)) };
    return full;
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    mapData: {
      /* clientside_callback(ClientsideFunction("mapData", "unpack"), Output(graph, "figure"), Input(store, "data")) */
      unpack(figure) {
        return figure ? { ...figure, data: figure.data.map(trace) } : window.dash_clientside.no_update;
      },
    },
  });
})();
