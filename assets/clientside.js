/* What the browser does by itself: writes the reader's wishes into the address, marks what is chosen, copies text,
   opens the menu. No page state lives here; the address is the state. */
(function () {
  "use strict";

  const VIEW = ["range", "lang", "theme", "zone"];
  const DEFAULTS = { range: "24h" };
  const TYPING_PAUSE = 350;
  const ANY = "*"; /* components/forms.py: the option that takes a filter away */

  const find = (id) => document.getElementById(id);
  const query = () => new URLSearchParams(window.location.search);

  /* The address */
  function address(path, params) {
    const text = params.toString().replace(/%2F/gi, "/").replace(/%3A/gi, ":");
    return path + (text ? "?" + text : "");
  }

  function go(url, replace) {
    window.history[replace ? "replaceState" : "pushState"]({}, "", url);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
    mark();
  }

  function setQuery(changes, replace) {
    const params = query();
    for (const [key, value] of Object.entries(changes)) {
      if (value) params.set(key, value);
      else params.delete(key);
    }
    go(address(window.location.pathname, params), replace);
  }

  function pathWithView(path) {
    const params = query();
    for (const key of [...params.keys()]) if (!VIEW.includes(key)) params.delete(key);
    return address(path, params);
  }

  /* What is chosen */
  function chosen(key) {
    const value = query().get(key);
    if (value !== null) return value;
    if (key === "theme") return document.documentElement.dataset.bsTheme;
    if (key === "lang") return document.documentElement.lang;
    return DEFAULTS[key] || "";
  }

  function press(button, on) {
    const said = String(on);
    if (button.getAttribute("aria-pressed") !== said) button.setAttribute("aria-pressed", said);
  }

  function mark() {
    document.querySelectorAll("[data-query-set]").forEach(function (button) {
      const now = chosen(button.dataset.querySet);
      press(button, now === (button.dataset.queryValue || "") || (now === "" && "queryDefault" in button.dataset));
    });
    const custom = find("shell-range-custom");
    if (custom) press(custom, chosen("range").includes("/"));
    const path = window.location.pathname;
    document.querySelectorAll("a[data-nav]").forEach(function (link) {
      const to = link.dataset.nav;
      const here = to === path || (to !== "/" && path.startsWith(to + "/"));
      link.setAttribute("href", pathWithView(to));
      if (link.classList.contains("nav-entry")) {
        if (here) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
      }
    });
    document.querySelectorAll("input.as-date").forEach(function (input) {
      if (input.type !== "date") input.type = "date";
    });
    document.querySelectorAll(".query-search input").forEach(function (input) {
      const value = query().get(input.closest("[data-query-key]").dataset.queryKey) || "";
      if (input !== document.activeElement && input.value.trim() !== value) type(input, value);
    });
  }

  function choose(button) {
    const key = button.dataset.querySet;
    const value = button.dataset.queryValue || "";
    if (key === "lang") {
      const params = query();
      params.set("lang", value);
      window.location.assign(address(window.location.pathname, params));
      return;
    }
    if (key === "theme") {
      document.documentElement.dataset.bsTheme = value;
      const secure = window.location.protocol === "https:" ? "; Secure" : "";
      document.cookie = "theme=" + value + "; Path=/; Max-Age=31536000; SameSite=Lax" + secure;
    }
    setQuery(key === "range" ? { range: value, page: null } : { [key]: value }, key === "theme");
  }

  /* Two days of one's own: whole days in the reader's zone, sent as instants in UTC */
  function startOfDay(text, zone, plusDays) {
    const [year, month, day] = text.split("-").map(Number);
    const wall = Date.UTC(year, month - 1, day + plusDays);
    let instant = wall;
    for (let round = 0; round < 2; round += 1) instant = wall - offset(instant, zone);
    return new Date(instant).toISOString().replace(".000Z", "Z");
  }

  function offset(instant, zone) {
    const parts = new Intl.DateTimeFormat("en-CA", {
      timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit",
      hour: "2-digit", minute: "2-digit", second: "2-digit",
    }).formatToParts(new Date(instant));
    const of = (type) => Number(parts.find((part) => part.type === type).value);
    return Date.UTC(of("year"), of("month") - 1, of("day"), of("hour"), of("minute"), of("second")) - instant;
  }

  function dayOf(instant, zone) {
    return new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" }).format(instant);
  }

  function rangeZone() {
    return query().get("zone") === "UTC" ? "UTC" : find("shell-range").dataset.zone;
  }

  function showDays(open) {
    const panel = find("shell-range-days");
    if (!panel) return;
    panel.hidden = !open;
    find("shell-range-custom").setAttribute("aria-expanded", String(open));
    if (!open) return;
    fillDays();
    find("shell-range-from").focus();
  }

  function fillDays() {
    const [start, end] = chosen("range").split("/").map((text) => new Date(text));
    if (!end || isNaN(start) || isNaN(end)) return;
    const zone = rangeZone();
    type(find("shell-range-from"), dayOf(start, zone));
    type(find("shell-range-to"), dayOf(new Date(end.getTime() - 1), zone));
  }

  /* React keeps its own copy of a field's value; the prototype's setter and an event tell it. */
  function type(input, value) {
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(input, value);
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function applyDays() {
    const first = find("shell-range-from").value.trim();
    const last = find("shell-range-to").value.trim();
    const refused = find("shell-range-refused");
    const written = /^\d{4}-\d{2}-\d{2}$/;
    if (!written.test(first) || !written.test(last)) refused.textContent = refused.dataset.missing;
    else if (first > last) refused.textContent = refused.dataset.order;
    else {
      refused.textContent = "";
      const zone = rangeZone();
      showDays(false);
      setQuery({ range: startOfDay(first, zone, 0) + "/" + startOfDay(last, zone, 1), page: null });
    }
  }

  /* The menu of narrow screens */
  function menu(open) {
    const shell = find("shell");
    if (!shell || shell.classList.contains("menu-open") === open) return;
    shell.classList.toggle("menu-open", open);
    find("shell-menu").setAttribute("aria-expanded", String(open));
    document.querySelector(".shell-main").inert = open;
    (open ? document.querySelector(".shell-close") : find("shell-menu")).focus();
  }

  /* Copying */
  async function copy(button) {
    const word = button.querySelector(".copy-word");
    const before = button.dataset.word || word.textContent;
    button.dataset.word = before;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch (refused) {
      selectText(button);
      return;
    }
    word.textContent = button.dataset.copied;
    window.setTimeout(() => { word.textContent = before; }, 1800);
  }

  /* Where the browser refuses the clipboard the text is selected, ready for the reader's own copy. */
  function selectText(button) {
    const text = button.parentElement.querySelector(".copy-text");
    window.getSelection().selectAllChildren(text);
  }

  /* Focus: a page drawn anew for a new address must not take the reader's place in it away. */
  let held = null;

  function hold(element, selector) {
    held = { selector: selector, element: element, value: element.value, until: Date.now() + 4000 };
  }

  function restore() {
    if (!held || Date.now() > held.until) return;
    const again = document.querySelector(held.selector);
    const lost = document.activeElement === document.body || !document.activeElement;
    if (!again || again === held.element || !lost) return;
    again.focus({ preventScroll: true });
    if (again.tagName === "INPUT") {
      if (again.value !== held.value) type(again, held.value);
      again.setSelectionRange(held.value.length, held.value.length);
    }
    held.element = again;
  }

  /* Listening */
  const CLICKS = [
    ["[data-query-set]", choose],
    ["[data-copy]", copy],
    ["#shell-range-apply", applyDays],
    ["#shell-range-custom", () => showDays(find("shell-range-days").hidden)],
    ["#shell-menu", () => menu(true)],
    [".shell-close, #shell-veil", () => menu(false)],
  ];

  document.addEventListener("click", function (event) {
    const link = event.target.closest("a[data-nav]");
    if (link && !event.defaultPrevented && event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey) {
      event.preventDefault();
      menu(false);
      go(pathWithView(link.dataset.nav));
      window.scrollTo(0, 0);
      return;
    }
    const turn = event.target.closest(".sort-link, .pager-step[title]");
    if (turn) hold(turn, "." + turn.classList[0] + "[title=" + CSS.escape(turn.title) + "]");
    for (const [selector, act] of CLICKS) {
      const element = event.target.closest(selector);
      if (element) { act(element); break; }
    }
    if (!event.target.closest("#shell-range")) showDays(false);
  });

  let pause = null;
  function typed(event) {
    const holder = event.target.closest && event.target.closest("[data-query-key]");
    if (!holder) return;
    window.clearTimeout(pause);
    if (event.target.id) hold(event.target, "#" + CSS.escape(event.target.id));
    const tell = () => {
      const wish = event.target.value === ANY ? "" : event.target.value.trim();
      if ((query().get(holder.dataset.queryKey) || "") === wish) return;
      setQuery({ [holder.dataset.queryKey]: wish, page: null }, event.target.tagName === "INPUT");
    };
    if (event.type === "input" && event.target.tagName === "INPUT") pause = window.setTimeout(tell, TYPING_PAUSE);
    else tell();
  }
  document.addEventListener("input", typed);
  document.addEventListener("change", typed);

  document.addEventListener("keydown", function (event) {
    const target = event.target;
    const writing = target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
    if (event.key === "Escape") {
      menu(false);
      if (find("shell-range-days") && !find("shell-range-days").hidden) {
        showDays(false);
        find("shell-range-custom").focus();
      }
    } else if (event.key === "/" && !writing && !event.metaKey && !event.ctrlKey && !event.altKey) {
      const box = document.querySelector(".query-search input");
      if (box) { event.preventDefault(); box.focus(); box.select(); }
    }
  });

  window.addEventListener("popstate", function () {
    const theme = query().get("theme");
    if (theme === "dark" || theme === "light") document.documentElement.dataset.bsTheme = theme;
    mark();
  });
  window.addEventListener("_dashprivate_pushstate", () => window.setTimeout(mark));

  /* Dash draws after this script has run: mark once the frame stands, and whenever new controls come. */
  new MutationObserver(function (changes) {
    restore();
    for (const change of changes) {
      for (const node of change.addedNodes) {
        if (node.nodeType === 1 && (node.matches("[data-query-set],[data-nav],.as-date") || node.querySelector("[data-query-set],[data-nav],.as-date"))) {
          mark();
          return;
        }
      }
    }
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
