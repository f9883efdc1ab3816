/* The API reference: Swagger UI over our own description. Both come from this server; nothing else is asked, and the
   key that is typed there is kept in this page's memory only. */
(function () {
  "use strict";

  const ROOT = "api-docs";
  const HOME = "/assets/vendor/swagger-ui/";
  const DESCRIPTION = "/api/v1/openapi.json";
  let loading = null;

  /* Its dark side hangs on a class of <html>; ours hangs on the theme, and reaches no further than the reference. */
  async function addStyle() {
    const answer = await fetch(HOME + "swagger-ui.css");
    if (!answer.ok) throw new Error("swagger-ui.css: " + answer.status);
    const style = document.createElement("style");
    style.textContent = (await answer.text())
      .replaceAll("html.dark-mode", ':where(html[data-bs-theme="dark"] #' + ROOT + ")")
      .replace(/\/\*# sourceMappingURL=[^*]*\*\//, "");
    document.head.insertBefore(style, document.head.firstChild);
  }

  function addScript() {
    return new Promise(function (done, failed) {
      const script = document.createElement("script");
      script.src = HOME + "swagger-ui-bundle.js";
      script.onload = done;
      script.onerror = failed;
      document.head.appendChild(script);
    });
  }

  function load() {
    if (!loading) {
      loading = Promise.all([addStyle(), addScript()]);
      loading.catch(() => (loading = null));
    }
    return loading;
  }

  function onlyHere(request) {
    if (new URL(request.url, window.location.href).origin !== window.location.origin) {
      throw new Error("Only this server is asked from here.");
    }
    return request;
  }

  function draw() {
    const root = document.getElementById(ROOT);
    if (!root) return; /* the reader has left */
    const place = document.createElement("div");
    root.replaceChildren(place);
    window.SwaggerUIBundle({
      domNode: place,
      url: DESCRIPTION,
      deepLinking: false,
      displayRequestDuration: true,
      docExpansion: "list",
      defaultModelsExpandDepth: 0,
      persistAuthorization: false,
      requestInterceptor: onlyHere,
      validatorUrl: null,
    });
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    apidocs: {
      onlyHere: onlyHere,
      show: function () {
        return load().then(draw).then(() => true, () => false); /* whether the notice of failure is hidden */
      },
    },
  });
})();
