"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const make = (tag, text, kind) => {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text; // text and never markup: an output is somebody else's
    if (kind) made.className = kind;
    return made;
  };

  // -- sorting: a press on a header; groups fall away while sorted, and the third press brings the page's own order back
  const compare = (a, b) => {
    if (a === "" || b === "") return (a === "") - (b === "");
    const [x, y] = [Number(a), Number(b)];
    return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b, undefined, { numeric: true }) : x - y;
  };
  const sort = (table, column, direction, original) => {
    const body = table.tBodies[0];
    const value = (row) => row.cells[column].dataset.value ?? "";
    if (direction === "none") {
      body.append(...original);
    } else {
      const rows = original.filter((row) => !row.classList.contains("group"));
      const sign = direction === "ascending" ? 1 : -1;
      rows.sort((a, b) => {
        const [x, y] = [value(a), value(b)];
        return x === "" || y === "" ? compare(x, y) : sign * compare(x, y);
      });
      body.append(...rows);
    }
    for (const row of original) if (row.classList.contains("group")) row.classList.toggle("apart", direction !== "none");
  };
  for (const table of document.querySelectorAll("table[data-sortable]")) {
    const original = [...table.tBodies[0].rows];
    const headers = [...table.tHead.rows[0].cells];
    headers.forEach((header, column) => {
      const button = make("button", undefined, "sort");
      button.type = "button";
      button.append(...header.childNodes);
      header.append(button);
      header.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        const figures = header.classList.contains("figure");
        const order = figures ? ["none", "descending", "ascending"] : ["none", "ascending", "descending"];
        const next = order[(order.indexOf(header.getAttribute("aria-sort")) + 1) % 3];
        for (const other of headers) other.setAttribute("aria-sort", other === header ? next : "none");
        sort(table, column, next, original);
        filter();
      });
    });
  }

  // -- filtering the tasks
  const table = document.querySelector("table[data-filtered]");
  const promoted = () => {
    const names = [...table.tHead.rows[0].cells].map((cell) => cell.textContent.trim());
    const at = names.indexOf(document.querySelector("h1 em")?.textContent ?? "");
    return at > 0 ? [at] : names.map((_, place) => place).slice(1);
  };
  const missed = (row, columns) =>
    columns.some((column) => row.cells[column].dataset.value !== "" && Number(row.cells[column].dataset.value) < 1);
  function filter() {
    if (!table) return;
    const wanted = $("find").value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const show = $("show").value;
    const columns = promoted();
    let group = null;
    let left = 0;
    let shown = 0;
    let all = 0;
    const close = () => { if (group) group.hidden = !left || group.classList.contains("apart"); };
    for (const row of table.tBodies[0].rows) {
      if (row.classList.contains("group")) {
        close();
        group = row;
        left = 0;
        continue;
      }
      all += 1;
      const text = `${row.cells[0].textContent} ${row.dataset.words}`.toLowerCase();
      const keeps = wanted.every((word) => text.includes(word)) && (!show || missed(row, columns) === (show === "missed"));
      row.hidden = !keeps;
      left += keeps;
      shown += keeps;
    }
    close();
    $("found").textContent = shown === all ? "" : `${shown} of ${all} tasks`;
  }
  if (table) {
    const form = document.querySelector(".filter");
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    $("find").addEventListener("input", filter);
    $("show").addEventListener("change", filter);
  }

  // -- the samples behind a cell
  const island = JSON.parse($("island").textContent);
  const runs = island.runs;
  const text = (place) => island.texts[place];
  const dialog = $("samples");

  const turns = (sample) => sample.turns.map((place) => island.turns[place]);

  const output = (sample) => {
    const pre = make("pre", undefined, "text");
    pre.tabIndex = 0;
    for (const [before, form, after, told] of turns(sample)) {
      if (told) pre.append(make("span", told, "told"));
      if (before) pre.append(make("span", before, "said"));
      form.forEach((piece, place) => piece && pre.append(make("span", piece, place % 2 ? "value" : "form")));
      if (after) pre.append(make("span", after, "said"));
    }
    if (sample.cut) pre.append(make("span", `\n... ${sample.cut.toLocaleString("en")} more characters, which the record has`, "cut"));
    return pre;
  };
  const measures = (pairs) => {
    const list = make("dl", undefined, "measures");
    for (const [name, value] of pairs) {
      const pair = make("div");
      pair.append(make("dt", name), make("dd", value));
      list.append(pair);
    }
    return list;
  };
  const folded = (title, words, open) => {
    const details = make("details");
    details.open = Boolean(open);
    const pre = make("pre", words, "text");
    pre.tabIndex = 0;
    details.append(make("summary", title), pre);
    return details;
  };
  const checks = (sample) => {
    const list = make("ul", undefined, "checks");
    const all = sample.checks.map((place) => island.checks[place]);
    for (const [name, , detail] of all.filter((check) => !check[1])) {
      const item = make("li", undefined, "failed");
      item.append(make("b", "failed "), name);
      if (detail) item.append(make("span", detail));
      list.append(item);
    }
    const held = all.filter((check) => check[1]).map((check) => check[0]);
    if (held.length) {
      const item = make("li", undefined, "held");
      item.append(make("b", "held "), held.join(", "));
      list.append(item);
    }
    return list;
  };
  const draw = (run, sample) => {
    const body = $("samples-body");
    body.replaceChildren(measures(sample.measures.map(([place, value]) => [island.measures[place], value])));
    if (sample.error) {
      body.append(make("h3", "Error"), make("pre", sample.error, "text"));
    } else {
      body.append(make("h3", "Output"), output(sample));
      const length = (texts) => texts.join("").length;
      const said = turns(sample).flatMap(([before, , after]) => [before, after]);
      const literals = length(turns(sample).flatMap(([, form]) => form.filter((_, place) => place % 2 === 0)));
      const whole = length(said) + length(turns(sample).flatMap(([, form]) => form));
      if (turns(sample).some(([, form]) => form.length > 1)) {
        const key = "Highlighted blue: values. Muted: the form, which could be there already";
        const rest = length(said) ? "; amber: text outside it" : "";
        const told = sample.turns.length > 1 ? "; slanted: what it was told between its turns" : "";
        const shares = `${literals.toLocaleString("en")} of ${whole.toLocaleString("en")} characters`;
        body.append(make("p", `${key} (${shares})${rest}${told}.`, "key"));
      }
      if (sample.checks.length) body.append(make("h3", "Checks"), checks(sample));
    }
    if (run.expected !== null) body.append(folded("Expected", text(run.expected)));
    const prompt = sample.prompt ?? run.prompt;
    prompt.forEach(([role, words], place) => body.append(folded(`Prompt: ${role}`, text(words), place === prompt.length - 1)));
  };
  const open = (number) => {
    const run = runs[number];
    if (!run) return;
    $("samples-title").textContent = `${run.task} on ${run.route}`;
    $("samples-about").textContent = run.about;
    const picker = $("samples-picker");
    picker.replaceChildren();
    const buttons = run.samples.map((sample) => {
      const button = make("button", `${sample.number} ${sample.outcome}`, sample.outcome);
      button.type = "button";
      button.addEventListener("click", () => {
        for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
        draw(run, sample);
      });
      picker.append(button);
      return button;
    });
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
    const worst = run.samples.findIndex((sample) => sample.outcome !== "pass");
    buttons[Math.max(worst, 0)].click();
    history.replaceState(null, "", `#run-${number}`);
  };
  document.addEventListener("click", (event) => {
    const cell = event.target.closest("button.open");
    if (cell) open(Number(cell.dataset.run));
  });
  $("close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => history.replaceState(null, "", "#tasks"));
  const linked = /^#run-(\d+)$/.exec(location.hash);
  if (linked) open(Number(linked[1]));
})();
