// The manner of the page: light or dark, its title, and whether the server is still there.
// Runs before anything is drawn, so that a dark page does not flash white.
(function () {
  "use strict";
  var KEY = "tickledger-theme";
  var ORDER = ["system", "light", "dark"];
  var root = document.documentElement;

  function chosen() {
    try { return ORDER.includes(localStorage.getItem(KEY)) ? localStorage.getItem(KEY) : "system"; }
    catch (_) { return "system"; }
  }
  function show(theme) {
    if (theme === "system") root.removeAttribute("data-theme");
    else root.setAttribute("data-theme", theme);
    var button = document.getElementById("theme-toggle");
    if (button) button.textContent = { system: "Theme: system", light: "Theme: light", dark: "Theme: dark" }[theme];
  }
  show(chosen());

  document.addEventListener("click", function (event) {
    var button = event.target.closest ? event.target.closest("#theme-toggle") : null;
    if (button) {
      var next = ORDER[(ORDER.indexOf(chosen()) + 1) % ORDER.length];
      try { localStorage.setItem(KEY, next); } catch (_) { /* the choice holds for this page */ }
      show(next);
    }
    document.querySelectorAll("details.menu[open]").forEach(function (menu) {
      if (!menu.contains(event.target) || event.target.closest("a")) menu.removeAttribute("open");
    });
  });
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") return;
    document.querySelectorAll("details.menu[open]").forEach(function (menu) {
      menu.removeAttribute("open");
      menu.querySelector("summary").focus();
    });
  });

  // The heading names the page: in the title, and to whoever hears the page instead of seeing it.
  var shown = "";
  function follow() {
    var heading = document.getElementById("title");
    if (!heading || heading.textContent === shown) return;
    var isFirst = shown === "" || shown === "Tickledger";
    shown = heading.textContent;
    document.title = shown === "Tickledger" ? shown : shown + " · Tickledger";
    show(chosen());
    if (!isFirst && !document.querySelector("#navigation :focus-visible")) heading.focus({ preventScroll: true });
    document.querySelectorAll("#navigation a").forEach(function (link) {
      if (link.classList.contains("current")) {
        link.setAttribute("aria-current", "page");
        link.parentElement.scrollLeft = link.offsetLeft - link.parentElement.offsetLeft - 24;
      } else link.removeAttribute("aria-current");
    });
  }
  new MutationObserver(follow).observe(root, { childList: true, subtree: true, characterData: true });

  // The lineage graph: buttons for what a mouse wheel does, and a beginning that can be read on a narrow screen.
  var READABLE = 0.6;
  function graph() {
    var place = document.getElementById("lineage-graph");
    return place && place._cyreg ? place._cyreg.cy : null;
  }
  function begin(cy) {
    var root = cy.nodes()[0];
    if (!root) return;
    cy.zoom(0.9);
    cy.center(root);
    cy.panBy({ x: 0, y: 60 - root.renderedPosition("y") });
  }
  function zoom(cy, way) {
    var middle = { x: cy.width() / 2, y: cy.height() / 2 };
    if (way === "in") cy.zoom({ level: cy.zoom() * 1.3, renderedPosition: middle });
    if (way === "out") cy.zoom({ level: cy.zoom() / 1.3, renderedPosition: middle });
    if (way === "fit") cy.fit(undefined, 16);
    if (way === "start") begin(cy);
  }
  document.addEventListener("click", function (event) {
    var button = event.target.closest ? event.target.closest("[data-zoom]") : null;
    if (button && graph()) zoom(graph(), button.getAttribute("data-zoom"));
  });
  var seen = null;
  setInterval(function () {
    var cy = graph();
    if (!cy || cy === seen) return;
    seen = cy;
    setTimeout(function () { if (cy.zoom() < READABLE) begin(cy); }, 150);
  }, 200);

  function look() {
    fetch("/health", { cache: "no-store" }).then(function (answer) { tell(answer.ok); }, function () { tell(false); });
  }
  function tell(isThere) {
    var place = document.getElementById("away");
    if (!place) return;
    if (!isThere) place.textContent = "The dashboard does not answer: what you see is as it was. Is `tickledger up` running?";
    place.hidden = isThere;
  }
  setInterval(look, 5000);
})();
