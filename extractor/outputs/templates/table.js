// The table: only the rows that are in sight exist. Arrow keys walk through its cells.

const ROW = 36,
  CHUNK = 200,
  MOST_SEEN = 400000; // browsers bound the height of an element
const COLUMNS = {
  quantity: ["Quantity", 122],
  metric: ["Metric", 176],
  factor: ["Times better", 130],
  subject: ["Subject", 140],
  baseline: ["Baseline", 164],
  dataset: ["Dataset", 126],
  hardware: ["Hardware", 140],
  kind: ["Kind", 92],
  comparison: ["Comparison", 132],
  year: ["Year", 72],
  title: ["Title", 360],
};
const NARROW = matchMedia("(max-width: 56rem)");
const rowKey = (row) => JSON.stringify([row.job, row.document, row.claim]);

class Table {
  /** `opened` is called with a row, `sorted` with a column, `selected` when the selection changes. */
  constructor(source, { opened, sorted, selected }) {
    this.source = source;
    this.calls = { opened, sorted, selected };
    this.scroller = $("scroller");
    this.grid = $("grid");
    this.body = this.grid.tBodies[0];
    this.above = el("tr", { class: "space", "aria-hidden": "true" }, el("td"));
    this.below = el("tr", { class: "space", "aria-hidden": "true" }, el("td"));
    this.columns = SHOWN;
    this.chosen = new Map();
    this.focus = [0, 0];
    this.reset({}, 0);
    this.scroller.addEventListener(
      "scroll",
      () => {
        this.draw();
        this.hint();
      },
      { passive: true },
    );
    new ResizeObserver(() => {
      this.draw();
      this.hint();
    }).observe(this.scroller);
    this.grid.addEventListener("click", (event) => this.click(event));
    this.scroller.addEventListener("keydown", (event) => this.key(event));
    this.grid.addEventListener("focusin", (event) => this.focused(event));
    document.addEventListener("copy", (event) => this.copy(event));
    tips(this.body, "td.cut", (cell) => cell.textContent);
  }

  reset(state, number) {
    this.state = state;
    this.number = Math.min(number, MOST_SEEN);
    this.chunks = new Map();
    this.drawn = new Map();
    this.body.replaceChildren(this.above, this.below);
  }

  /** Show the rows of a filter and an order from the top. */
  show(state, number, columns) {
    this.reset(state, number);
    if (String(columns) !== String(this.columns) || !this.grid.tHead.rows.length) this.head(columns);
    this.grid.setAttribute("aria-rowcount", number + 1);
    for (const [n, name] of this.columns.entries()) {
      const down = state.sort === "-" + name,
        up = state.sort === name;
      this.grid.tHead.rows[0].cells[n + 1].setAttribute("aria-sort", down ? "descending" : up ? "ascending" : "none");
    }
    this.focus[0] = Math.min(this.focus[0], Math.max(0, this.number - 1));
    this.scroller.scrollTop = 0;
    this.focus[0] = 0;
    return this.draw().then(() => this.hint());
  }

  head(columns) {
    this.columns = columns;
    this.focus = [0, 0];
    this.grid.setAttribute("aria-colcount", columns.length + 1);
    const cells = columns.map((name, n) =>
      el(
        "th",
        { scope: "col", "aria-colindex": n + 2, class: name },
        el(
          "button",
          {
            type: "button",
            title: about.columns.claims.find(([each]) => each === name)[2],
            onclick: () => this.calls.sorted(name),
          },
          COLUMNS[name][0],
        ),
      ),
    );
    this.all = el("input", {
      type: "checkbox",
      "aria-label": "Select every claim that is shown",
      onchange: () => this.selectAll(),
    });
    this.grid.tHead.replaceChildren(
      el("tr", { "aria-rowindex": 1 }, el("th", { scope: "col", "aria-colindex": 1, class: "choose" }, this.all), ...cells),
    );
    this.grid.querySelector("colgroup")?.remove();
    const group = el("colgroup", {}, el("col"), ...columns.map(() => el("col")));
    const widths = [34, ...columns.map((name) => COLUMNS[name][1] * (NARROW.matches && name !== "factor" ? 0.85 : 1))];
    [...group.children].forEach((col, n) => {
      if (n < widths.length - 1) col.style.width = widths[n] + "px";
    });
    this.grid.prepend(group);
    this.grid.style.minWidth = widths.reduce((sum, width) => sum + width) + "px";
  }

  chunk(n) {
    if (!this.chunks.has(n)) {
      const rows = [];
      rows.promise = this.source.rows(this.state, n * CHUNK, CHUNK).then((found) => {
        rows.push(...found);
        rows.promise = null;
      });
      this.chunks.set(n, rows);
    }
    return this.chunks.get(n);
  }

  /** Draw the rows from one place to another, at first those in sight; rows that are still to come are drawn when they are here. */
  async draw(from = null, to = null) {
    const height = this.scroller.clientHeight,
      top = this.scroller.scrollTop;
    const first = from ?? Math.max(0, Math.floor(top / ROW) - 6);
    const last = to ?? Math.min(this.number, Math.ceil((top + height) / ROW) + 6);
    const waiting = [],
      state = this.state;
    for (let n = Math.floor(first / CHUNK); n * CHUNK < last; n += 1) {
      const { promise } = this.chunk(n);
      if (promise) waiting.push(promise);
    }
    if (waiting.length) {
      await Promise.all(waiting);
      if (state !== this.state) return undefined;
      return this.draw(from, to);
    }
    const focused = this.body.contains(document.activeElement);
    for (const [at, row] of this.drawn) {
      if (at < first || at >= last) {
        row.remove();
        this.drawn.delete(at);
      }
    }
    let before = this.above;
    for (let at = first; at < last; at += 1) {
      if (!this.drawn.has(at)) {
        const row = this.tr(at);
        before.after(row);
        this.drawn.set(at, row);
      }
      before = this.drawn.get(at);
    }
    this.above.firstChild.style.height = first * ROW + "px";
    this.below.firstChild.style.height = (this.number - last) * ROW + "px";
    this.above.hidden = first === 0;
    this.below.hidden = last >= this.number;
    this.rove();
    if (focused && !this.body.contains(document.activeElement)) this.scroller.focus({ preventScroll: true });
    return undefined;
  }

  /** Which row a claim is, if it has been seen. */
  find(claim) {
    for (const [n, rows] of this.chunks) {
      const at = rows.findIndex((row) => sameClaim(claim, row));
      if (at >= 0) return n * CHUNK + at;
    }
    return null;
  }

  rowAt(at) {
    return this.chunks.get(Math.floor(at / CHUNK))?.[at % CHUNK];
  }

  tr(at) {
    const row = this.rowAt(at);
    const box = el("input", { type: "checkbox", tabindex: "-1", "aria-label": "Select " + row.quantity });
    box.checked = this.chosen.has(rowKey(row));
    const made = el(
      "tr",
      { "aria-rowindex": at + 2, "aria-selected": String(box.checked), class: at % 2 ? "odd" : null },
      el("td", { class: "choose", "aria-colindex": 1 }, box),
      ...this.columns.map((name, n) => {
        const text = cellText(row, name).replace(/\s+/g, " ");
        const kind = name === "factor" && row.factor !== null && row.factor < 1 ? "factor worse" : name;
        return el(
          "td",
          { class: kind, "aria-colindex": n + 2, tabindex: "-1", dir: name === "factor" || name === "year" ? null : "auto" },
          text,
        );
      }),
    );
    made.dataset.at = at;
    if (sameClaim(this.open, row)) made.classList.add("open");
    return made;
  }

  /** Mark the claim that is read. */
  mark(open) {
    this.open = open;
    for (const [at, made] of this.drawn) made.classList.toggle("open", sameClaim(open, this.rowAt(at)));
  }

  /** Bring a row into sight: to the edge that it is near, to the middle if it is far. */
  reach(at) {
    const top = at * ROW,
      box = this.scroller,
      seen = box.clientHeight - ROW,
      above = box.scrollTop - top,
      below = top + ROW - box.scrollTop - seen;
    if (above > 2 * ROW || below > 2 * ROW) box.scrollTop = top - seen / 2;
    else if (above > 0) box.scrollTop = top;
    else if (below > 0) box.scrollTop += below;
    return this.draw();
  }

  /** One cell can be reached with Tab; the others with arrows from there. */
  rove() {
    this.body.querySelector("td[tabindex='0']")?.setAttribute("tabindex", "-1");
    const at = this.drawn.has(this.focus[0]) ? this.focus[0] : this.drawn.keys().next().value;
    this.drawn.get(at)?.cells[this.focus[1] + 1]?.setAttribute("tabindex", "0");
  }

  async go(row, column) {
    this.focus = [Math.max(0, Math.min(this.number - 1, row)), Math.max(0, Math.min(this.columns.length - 1, column))];
    await this.reach(this.focus[0]);
    const cell = this.drawn.get(this.focus[0])?.cells[this.focus[1] + 1];
    cell?.focus({ preventScroll: true });
    if (cell) {
      const pinned = this.grid.tHead.rows[0].cells[1].offsetWidth,
        left = cell.offsetLeft,
        box = this.scroller;
      if (this.focus[1] > 0 && left < box.scrollLeft + pinned) box.scrollLeft = left - pinned;
      else if (left + cell.offsetWidth > box.scrollLeft + box.clientWidth)
        box.scrollLeft = left + cell.offsetWidth - box.clientWidth;
    }
  }

  focused(event) {
    const cell = event.target.closest("td[tabindex]");
    if (!cell) return;
    this.focus = [Number(cell.parentElement.dataset.at), cell.cellIndex - 1];
    this.rove();
    for (const each of this.body.querySelectorAll("td.cut")) each.classList.remove("cut");
    if (cell.scrollWidth > cell.clientWidth) {
      cell.classList.add("cut");
      showTip(cell, cell.textContent);
    }
  }

  key(event) {
    if (event.target.closest("th")) return;
    const [row, column] = this.focus,
      page = Math.max(1, Math.floor(this.scroller.clientHeight / ROW) - 2),
      control = event.ctrlKey || event.metaKey;
    const moves = {
      ArrowDown: [row + 1, column],
      ArrowUp: [row - 1, column],
      ArrowRight: [row, column + 1],
      ArrowLeft: [row, column - 1],
      PageDown: [row + page, column],
      PageUp: [row - page, column],
      Home: control ? [0, 0] : [row, 0],
      End: control ? [this.number - 1, this.columns.length - 1] : [row, this.columns.length - 1],
    };
    if (moves[event.key]) this.go(...moves[event.key]);
    else if (event.key === "Enter" && this.rowAt(row)) this.calls.opened(this.rowAt(row));
    else if (event.key === " " && event.target.tagName !== "INPUT") this.select(row);
    else return;
    event.preventDefault();
  }

  click(event) {
    const made = event.target.closest("tbody tr[data-at]");
    if (!made) return;
    const at = Number(made.dataset.at);
    if (event.target.closest(".choose")) {
      if (event.target.tagName !== "INPUT") return;
      this.select(at, event.shiftKey);
    } else if (event.ctrlKey || event.metaKey || event.shiftKey) this.select(at, event.shiftKey);
    else if (!getSelection().toString()) this.calls.opened(this.rowAt(at));
  }

  select(at, through = false) {
    const on = !this.chosen.has(rowKey(this.rowAt(at)));
    const from = through && this.anchor !== undefined ? this.anchor : at;
    for (let each = Math.min(from, at); each <= Math.max(from, at); each += 1) {
      const row = this.rowAt(each);
      if (!row) continue;
      if (on) this.chosen.set(rowKey(row), row);
      else this.chosen.delete(rowKey(row));
      const made = this.drawn.get(each);
      if (made) {
        made.setAttribute("aria-selected", String(on));
        made.querySelector("input").checked = on;
      }
    }
    this.anchor = at;
    this.calls.selected();
  }

  async selectAll() {
    this.chosen.clear();
    if (this.all.checked) for (const row of await this.rows()) this.chosen.set(rowKey(row), row);
    this.redraw();
    this.calls.selected();
  }

  clear() {
    this.chosen.clear();
    if (this.all) this.all.checked = false;
    this.redraw();
    this.calls.selected();
  }

  redraw() {
    for (const row of this.drawn.values()) row.remove();
    this.drawn.clear();
    this.draw();
  }

  /** The rows that are chosen, else all that are shown, in the table's order. */
  async rows() {
    if (this.chosen.size && !this.all?.checked) return [...this.chosen.values()];
    const rows = [],
      most = Math.min(this.number, MOST_COPIED);
    for (let at = 0; at < most; at += 1000) rows.push(...(await this.source.rows(this.state, at, Math.min(1000, most - at))));
    return rows;
  }

  /** Ctrl+C copies the chosen rows, else the cell. Text that was selected with the pointer is left to the browser. */
  copy(event) {
    if (getSelection().toString() || !this.scroller.contains(document.activeElement)) return;
    const cell = document.activeElement.closest("td");
    const rows = [...this.chosen.values()];
    if (!rows.length && !cell) return;
    event.clipboardData.setData("text/plain", rows.length ? COPIES.Text(rows) : cell.textContent);
    event.preventDefault();
    say(rows.length ? "Copied " + counted(rows.length, "claim") : "Copied the cell");
  }

  /** That there are columns out of sight is said, and seen at the edge. */
  hint() {
    const box = this.scroller,
      edge = box.scrollLeft + box.clientWidth;
    const hidden = [...(this.grid.tHead.rows[0]?.cells || [])].filter(
      (cell) => cell.offsetLeft + cell.offsetWidth / 2 > edge,
    ).length;
    $("more").textContent = hidden ? counted(hidden, "more column") + " →" : "";
    $("claims").classList.toggle("beyond", box.scrollWidth - edge > 2);
  }
}
