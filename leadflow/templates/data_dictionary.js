"use strict";
// The page reads without this. It adds the search, kept in the address as #q=words so that it can be passed on, and the
// highlighting of what a table is made from and what is made from it.
(() => {
  const search = document.getElementById("search");
  const shown = document.getElementById("shown");
  const nothing = document.getElementById("nothing");
  const diagram = document.getElementById("diagram");
  const words = (element) => element.textContent.replace(/\s+/g, " ").toLowerCase();
  const tables = [...document.querySelectorAll("section.table")].map((element) => ({
    element,
    link: document.querySelector(`nav a[data-for="${CSS.escape(element.id)}"]`),
    about: `${element.id.toLowerCase()} ${[...element.querySelectorAll(".about p, .about dl dd:first-of-type")].map(words).join(" ")}`,
    rows: [...element.querySelectorAll("tbody tr")].map((row) => ({
      row,
      said: `${row.id.toLowerCase()} ${words(row.cells[0])} ${words(row.cells[1])}`,
    })),
  }));
  const stages = [...document.querySelectorAll("nav .stage")];

  // A table fits by its name, description or grain, and then shows all its columns; else it shows the columns that fit.
  function choose() {
    const wanted = search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    let tableCount = 0;
    let columnCount = 0;
    for (const table of tables) {
      const isWhole = wanted.every((word) => table.about.includes(word));
      let visible = 0;
      for (const { row, said } of table.rows) {
        const fits = isWhole || wanted.every((word) => said.includes(word));
        row.hidden = !fits;
        visible += fits;
      }
      const fits = isWhole || visible > 0;
      table.element.hidden = !fits;
      table.element.classList.toggle("part", !isWhole);
      if (table.link) table.link.hidden = !fits;
      tableCount += fits && table.rows.length > 0;
      columnCount += visible;
    }
    for (const stage of stages) stage.hidden = !stage.querySelector("a:not([hidden])");
    diagram.hidden = wanted.length > 0; // so that what was found is in sight
    nothing.hidden = tables.some((table) => !table.element.hidden);
    shown.textContent = wanted.length ? `${tableCount} ${tableCount === 1 ? "table" : "tables"}, ${columnCount} ${columnCount === 1 ? "column" : "columns"}` : "";
  }

  function remember() {
    const text = search.value.trim();
    history.replaceState(null, "", text ? `#q=${encodeURIComponent(text)}` : location.pathname + location.search);
  }

  function clear() {
    search.value = "";
    choose();
  }

  // The address names a search, or a table or column, which is shown even where the search had hidden it.
  function follow() {
    const hash = decodeURIComponent(location.hash.slice(1));
    if (hash.startsWith("q=")) {
      search.value = hash.slice(2);
      choose();
      pin(null);
      return;
    }
    const target = hash && document.getElementById(hash);
    if (!target) return;
    if (target.closest("[hidden]")) clear();
    const table = target.closest("section.table");
    if (table) pin(table.id);
    for (const { link, element } of tables) if (link) link.classList.toggle("here", element === table);
    target.scrollIntoView();
  }

  const svg = document.querySelector("svg");
  const chosen = document.getElementById("chosen");
  const hint = chosen.textContent;
  const boxes = new Map([...svg.querySelectorAll(".box")].map((box) => [box.dataset.table, box]));
  const arrows = [...svg.querySelectorAll(".arrows path")];
  let pinned = null;

  // Every table that the arrows lead to, from one table on, and the arrows taken.
  function reach(start, from, to) {
    const found = new Set([start]);
    const taken = new Set();
    for (const table of found) {
      for (const arrow of arrows) {
        if (arrow.dataset[from] !== table) continue;
        taken.add(arrow);
        found.add(arrow.dataset[to]);
      }
    }
    found.delete(start);
    return { found, taken };
  }

  function highlight(name) {
    for (const mark of [...svg.querySelectorAll(".self, .up, .down")]) mark.classList.remove("self", "up", "down");
    const box = boxes.get(name);
    svg.classList.toggle("following", Boolean(box));
    chosen.textContent = hint;
    if (!box) return;
    const up = reach(name, "to", "from");
    const down = reach(name, "from", "to");
    for (const [kind, { found, taken }] of [["up", up], ["down", down]]) {
      for (const table of found) boxes.get(table)?.classList.add(kind);
      for (const arrow of taken) arrow.classList.add(kind);
    }
    box.classList.add("self");
    const count = ({ found }) => `${found.size} ${found.size === 1 ? "table" : "tables"}`;
    chosen.textContent = `${name} comes from ${count(up)} and goes to ${count(down)}. `;
    const link = document.createElement("a");
    link.href = `#${name}`;
    link.textContent = "Its columns";
    chosen.append(link);
  }

  function pin(name) {
    pinned = name;
    highlight(name);
  }

  for (const [name, box] of boxes) {
    box.addEventListener("pointerenter", () => highlight(name));
    box.addEventListener("pointerleave", () => highlight(pinned));
    box.addEventListener("focus", () => highlight(name));
    box.addEventListener("blur", () => highlight(pinned));
    box.addEventListener("click", (event) => {
      // A first click holds the picture still; a second one, or the link below it, goes to the columns.
      if (pinned === name || event.metaKey || event.ctrlKey) return;
      event.preventDefault();
      pin(name);
    });
  }
  svg.addEventListener("click", (event) => {
    if (!event.target.closest(".box")) pin(null);
  });

  search.addEventListener("input", () => {
    choose();
    remember();
    scrollTo(0, 0); // what is found begins there, wherever the reader was
  });
  search.form.addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("clear").addEventListener("click", () => {
    clear();
    remember();
    search.focus();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.target.closest("input, textarea")) {
      event.preventDefault();
      search.select();
      search.focus();
    } else if (event.key === "Escape") {
      clear();
      remember();
      pin(null);
    }
  });
  addEventListener("hashchange", follow);
  choose();
  follow();
})();
