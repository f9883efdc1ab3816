/* Dash is silent when a request fails: this says so, and what to do. */
(function () {
  "use strict";

  const CALLBACKS = "_dash-update-component";
  const ask = window.fetch;

  function reason(status) {
    if (status === 401) return "ended";
    if (status === 403) return "refused";
    if (status === 503) return "database";
    if (status === 413) return "large";
    return status === 0 ? "away" : "failed";
  }

  function say(status) {
    const words = document.getElementById("shell-words");
    if (!words || !window.dash_clientside || !window.dash_clientside.set_props) return;
    const why = reason(status);
    const said = [words.dataset[why]];
    if (why === "ended") {
      const back = window.location.pathname + window.location.search;
      said.push({ namespace: "dash_html_components", type: "A",
        props: { href: "/login?next=" + encodeURIComponent(back), className: "toast-link", children: words.dataset.signIn } });
    }
    window.dash_clientside.set_props("toasts", { children: [{
      namespace: "dash_bootstrap_components", type: "Toast",
      props: { header: words.dataset[why + "Title"] || words.dataset.title, icon: "danger", dismissable: true, is_open: true, children: said },
    }] });
  }

  window.fetch = async function (resource, options) {
    const mine = String(resource && resource.url ? resource.url : resource).includes(CALLBACKS);
    try {
      const response = await ask.call(this, resource, options);
      /* A page that is not for this role comes with 403 and the page that says so: Dash draws only what comes with 200. */
      if (mine && response.status === 403 && response.headers.get("X-Quantum-Page")) {
        return new Response(response.body, { status: 200, headers: response.headers });
      }
      if (mine && !response.ok) say(response.status);
      return response;
    } catch (error) {
      if (mine && error.name !== "AbortError") say(0);
      throw error;
    }
  };
})();
