// The lists beside the table: keys with their counts, as many chosen as one likes.

const FEW = 8;
const OPEN_AT_FIRST = ["kind", "comparison", "factor", "hardware_category"];

class Facets {
  constructor(changed) {
    this.changed = changed;
    this.home = $("facets");
    this.whole = new Set();
    this.groups = new Map();
    for (const facet of FACETS) {
      const list = el("ul");
      const more = el("button", { type: "button", class: "all", hidden: true, onclick: () => this.widen(facet.name) });
      const group = el(
        "details",
        { open: OPEN_AT_FIRST.includes(facet.name) },
        el("summary", {}, el("h2", {}, facet.label)),
        list,
        more,
      );
      group.addEventListener("keydown", (event) => this.key(event));
      this.groups.set(facet.name, { group, list, more });
      this.home.append(group);
    }
    this.home.append(el("button", { type: "button", class: "done", onclick: () => this.close() }, "Show the claims"));
    this.home.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.home.classList.contains("over")) this.close();
    });
  }

  show(counts, state) {
    this.counts = counts;
    this.state = state;
    for (const facet of FACETS) this.list(facet);
    this.home.lastChild.textContent = "Show " + counted(counts.shown, "claim");
  }

  list({ name, label }) {
    const { group, list, more } = this.groups.get(name);
    const keys = this.counts.facets[name],
      chosen = this.state.facets[name] || [];
    group.hidden = keys.length < 2 && !chosen.length;
    if (group.hidden) return;
    if (chosen.length) group.open = true;
    const seen = this.whole.has(name) ? keys : keys.filter(([key], n) => n < FEW || chosen.includes(key) || key === "");
    const most = Math.max(...keys.map(([, , number]) => number), 1);
    const focused = list.contains(document.activeElement) ? document.activeElement.value : null;
    list.replaceChildren(
      ...seen.map(([key, said, number], n) => {
        const box = el("input", {
          type: "checkbox",
          value: key,
          name,
          tabindex: n === 0 ? "0" : "-1",
          onchange: () => this.changed(name, key, box.checked),
        });
        box.checked = chosen.includes(key);
        const bar = el("i", { "aria-hidden": "true" });
        bar.style.width = (100 * number) / most + "%";
        return el(
          "li",
          { class: number ? null : "empty" },
          el(
            "label",
            {},
            box,
            el("span", { class: "said", dir: "auto", title: said }, said),
            el("span", { class: "number" }, number.toLocaleString("en")),
            bar,
          ),
        );
      }),
    );
    if (focused !== null) [...list.querySelectorAll("input")].find((box) => box.value === focused)?.focus();
    more.hidden = keys.length <= FEW + 1 || seen.length === keys.length;
    more.textContent = `All ${keys.length === about.most.keys ? "of the first " : ""}${keys.length}`;
    more.setAttribute("aria-label", more.textContent + ": " + label);
  }

  widen(name) {
    this.whole.add(name);
    this.list(FACETS.find((facet) => facet.name === name));
    this.groups.get(name).list.querySelectorAll("input")[FEW]?.focus();
  }

  /** Up and down walk through a list; Tab goes to the next. */
  key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || event.target.type !== "checkbox") return;
    const boxes = [...event.currentTarget.querySelectorAll("input")];
    const next = boxes[boxes.indexOf(event.target) + step];
    if (next) {
      event.target.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    }
    event.preventDefault();
  }

  /** On a narrow screen the lists lie over the table. */
  toggle() {
    const over = this.home.classList.toggle("over");
    $("narrow").setAttribute("aria-expanded", String(over));
    if (over) this.home.querySelector("summary").focus();
  }

  close() {
    this.home.classList.remove("over");
    $("narrow").setAttribute("aria-expanded", "false");
    $("narrow").focus();
  }

  /** What is chosen, each with a button that takes it away again. */
  chips() {
    const chips = [];
    for (const { name, label } of FACETS) {
      for (const key of this.state.facets[name] || []) {
        const said = this.counts.facets[name].find(([each]) => each === key)?.[1] ?? key;
        chips.push(
          el(
            "button",
            {
              type: "button",
              "aria-label": `Remove the filter ${label}: ${said}`,
              onclick: () => this.changed(name, key, false),
            },
            `${label}: ${said}`,
            el("span", { "aria-hidden": "true" }, " ×"),
          ),
        );
      }
    }
    return chips;
  }
}
