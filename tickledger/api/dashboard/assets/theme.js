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
      if (link.classList.contains("current")) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    });
  }
  new MutationObserver(follow).observe(root, { childList: true, subtree: true, characterData: true });

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
