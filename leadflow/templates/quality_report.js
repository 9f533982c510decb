"use strict";
// The page reads without this; it only chooses what is shown. The choice is kept in no place: a reload shows all.
(() => {
  const filter = document.getElementById("filter");
  const only = document.getElementById("only");
  const shown = document.getElementById("shown");
  const nothing = document.getElementById("nothing");
  const tables = [...document.querySelectorAll("details.table")].map((element) => ({
    element,
    words: element.dataset.words,
    checks: [...element.querySelectorAll(".check")],
  }));
  const stages = [...document.querySelectorAll("section.stage")];

  function choose() {
    const wanted = filter.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    let tableCount = 0;
    let checkCount = 0;
    for (const table of tables) {
      let visible = 0;
      for (const check of table.checks) {
        const words = `${table.words} ${check.dataset.words}`;
        const fits = wanted.every((word) => words.includes(word)) && (!only.checked || "look" in check.dataset);
        check.hidden = !fits;
        visible += fits;
      }
      table.element.hidden = visible === 0;
      if (wanted.length && visible) table.element.open = true;
      tableCount += visible > 0;
      checkCount += visible;
    }
    for (const stage of stages) stage.hidden = !stage.querySelector("details.table:not([hidden])");
    nothing.hidden = tableCount > 0;
    shown.textContent = `${tableCount} of ${tables.length} tables, ${checkCount} checks`;
  }

  function reveal() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    if (target.closest("[hidden]")) {
      filter.value = "";
      only.checked = false;
      choose();
    }
    const table = target.closest("details.table");
    if (table) table.open = true;
    target.scrollIntoView();
  }

  filter.form.addEventListener("submit", (event) => event.preventDefault());
  filter.addEventListener("input", choose);
  only.addEventListener("change", choose);
  document.getElementById("open").addEventListener("click", () => tables.forEach((table) => (table.element.open = true)));
  document.getElementById("shut").addEventListener("click", () => tables.forEach((table) => (table.element.open = false)));
  addEventListener("hashchange", reveal);
  choose();
  reveal();
})();
