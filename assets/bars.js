/* Bars that lead somewhere: a bar whose data names an address goes there when it is clicked. The table beneath each
   chart has the same links for whoever uses no pointer. */
(function () {
  "use strict";

  function go(address) {
    window.history.pushState({}, "", address);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
    window.scrollTo(0, 0);
  }

  /* The library tells of clicks on the chart itself; it is asked to when a pointer first comes near. */
  document.addEventListener("pointerover", function (event) {
    const chart = event.target.closest && event.target.closest(".frame-graph .js-plotly-plot");
    if (!chart || !chart.on || chart.dataset.leads) return;
    chart.dataset.leads = "true";
    chart.on("plotly_click", function (click) {
      const to = click.points.length ? click.points[0].customdata : null;
      if (typeof to === "string" && to.startsWith("/") && !to.startsWith("//")) go(to);
    });
  });
})();
