/* Dash is silent when a request fails: this says so, and what to do. What a page showed for the same question stays,
   greyed and with its age, until it could be read again. */
(function () {
  "use strict";

  const CALLBACKS = "_dash-update-component";
  const ask = window.fetch;
  const answered = new Map(); /* id of what a callback fills → the question it was last filled for */

  function reason(status) {
    if (status === 401) return "ended";
    if (status === 403) return "refused";
    if (status === 503) return "database";
    if (status === 413) return "large";
    return status === 0 ? "away" : "failed";
  }

  const words = () => (document.getElementById("shell-words") || { dataset: {} }).dataset;
  const set = (id, props) => window.dash_clientside.set_props(id, props);
  const part = (type, props, space) => ({ namespace: space || "dash_html_components", type: type, props: props });

  function said(status) {
    const why = reason(status);
    const parts = [words()[why]];
    if (why === "ended") {
      const back = window.location.pathname + window.location.search;
      parts.push(part("A", { href: "/login?next=" + encodeURIComponent(back), className: "toast-link", children: words().signIn }));
    }
    return { title: words()[why + "Title"] || words().title, parts: parts };
  }

  function say(status) {
    if (!words().away || !window.dash_clientside || !window.dash_clientside.set_props) return;
    const { title, parts } = said(status);
    set("toasts", { children: [part("Toast", {
      header: title, icon: "danger", dismissable: true, is_open: true, children: parts,
    }, "dash_bootstrap_components")] });
  }

  /* What is asked, and which elements the answer fills */
  function questionOf(options) {
    try {
      const body = JSON.parse(options.body);
      const names = body.output.replace(/^\.\.|\.\.$/g, "").split("...").filter((name) => !name.startsWith("{"));
      const given = (body.inputs || []).concat(body.state || []).flat().filter((each) => each.id !== "shell-refresh");
      return {
        ids: names.map((name) => name.slice(0, name.lastIndexOf("."))),
        text: JSON.stringify([window.location.pathname, given.map((each) => [each.id, each.value])]),
      };
    } catch (unreadable) {
      return null;
    }
  }

  /* Numbers that are on the screen for this very question, and not the outline of what is to come */
  function shows(question) {
    return question !== null && question.ids.some(function (id) {
      const element = document.getElementById(id);
      return answered.get(id) === question.text && element !== null && element.querySelector("[data-metric]") !== null;
    });
  }

  function keep(question, trouble) {
    question.ids.forEach(function (id) {
      const element = document.getElementById(id);
      if (element) element.dataset.stale = "true";
    });
    set("trouble", { children: [part("P", { className: "trouble-kept", children: words().kept }), trouble] });
  }

  function renew(question) {
    question.ids.forEach(function (id) {
      const element = document.getElementById(id);
      if (element) delete element.dataset.stale;
    });
    const trouble = document.getElementById("trouble");
    if (trouble && trouble.childElementCount && !document.querySelector("[data-stale]")) set("trouble", { children: null });
  }

  function failed(question, status) {
    if (!shows(question) || status === 401 || status === 403 || status === 413) {
      say(status);
      return;
    }
    const { title, parts } = said(status);
    keep(question, part("Div", { className: "notice notice-trouble", role: "alert", children: [
      part("Div", { className: "notice-text", children: [part("Strong", { children: title }), part("Span", { children: parts })] }),
    ] }));
  }

  function answeredWell(question) {
    if (question === null) return;
    question.ids.forEach((id) => answered.set(id, question.text));
    renew(question);
  }

  /* The server answered with what went wrong in place of the numbers. Where they stand, they stay. */
  async function troubled(question, response) {
    if (!shows(question)) {
      if (question !== null) {
        question.ids.forEach((id) => answered.delete(id));
        renew(question);
      }
      return response;
    }
    const told = await response.clone().json();
    const said = told.response && told.response[question.ids[0]];
    keep(question, said ? said.children : null);
    return new Response(null, { status: 204 });
  }

  function setClock(response) {
    const there = Date.parse(response.headers.get("Date") || "");
    if (!isNaN(there)) window.quantumClockOff = there - Date.now();
  }

  window.fetch = async function (resource, options) {
    const mine = String(resource && resource.url ? resource.url : resource).includes(CALLBACKS);
    if (!mine) return ask.call(this, resource, options);
    const question = questionOf(options);
    try {
      const response = await ask.call(this, resource, options);
      setClock(response);
      /* A page that is not for this role comes with 403 and the page that says so: Dash draws only what comes with 200. */
      if (response.status === 403 && response.headers.get("X-Quantum-Page")) {
        return new Response(response.body, { status: 200, headers: response.headers });
      }
      if (!response.ok) failed(question, response.status);
      else if (response.headers.get("X-Quantum-Trouble")) return await troubled(question, response);
      else answeredWell(question);
      return response;
    } catch (error) {
      if (error.name !== "AbortError") failed(question, 0);
      throw error;
    }
  };
})();
