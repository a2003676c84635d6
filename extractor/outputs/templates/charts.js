// Charts of the claims that are shown. Each dot is a link to its claim; arrow keys walk from dot to dot.

const SVG = "http://www.w3.org/2000/svg";
const DOT = 4,
  TALLEST = 72,
  LEFT = 128,
  RIGHT = 30;

function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) if (value != null) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Where a value stands between two ends: by its logarithm, or as it is. */
function scale(values, from, to, linear = false) {
  let low = Math.min(...values),
    high = Math.max(...values);
  if (linear) [low, high] = low === high ? [low - 1, high + 1] : [low, high];
  else [low, high] = [Math.log10(low), Math.log10(high)];
  const least = linear ? 0 : 0.3; // a decade is never stretched over the whole width
  if (high - low < least) [low, high] = [low - least / 2, high + least / 2];
  const place = (value) => from + (((linear ? value : Math.log10(value)) - low) / (high - low)) * (to - from);
  place.ticks = linear ? evenTicks(low, high) : decadeTicks(low, high, Math.abs(to - from));
  return place;
}

/** As many ticks in each decade as its pixels have room for, and not every decade where these are many. */
function decadeTicks(low, high, pixels) {
  const room = pixels / (high - low),
    steps = room > 170 ? [1, 2, 5] : room > 84 ? [1, 3] : [1],
    every = Math.max(1, Math.ceil(42 / room));
  const ticks = [];
  for (let decade = Math.floor(low); decade <= high; decade += 1) {
    if (decade % every) continue;
    for (const step of steps) {
      const tick = step * 10 ** decade,
        place = Math.log10(tick);
      if (place >= low - 1e-9 && place <= high + 1e-9) ticks.push(Number(tick.toPrecision(6)));
    }
  }
  return ticks;
}

function evenTicks(low, high) {
  const raw = (high - low) / 5,
    power = 10 ** Math.floor(Math.log10(raw)),
    step = power * [1, 2, 5, 10].find((each) => each * power >= raw);
  const ticks = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high + step * 1e-6; tick += step)
    ticks.push(Number(tick.toPrecision(9)));
  return ticks;
}

class Charts {
  /** `opened` is called with a claim, `narrowed` with a category and a metric; `address` writes the link to a claim. */
  constructor({ opened, narrowed, address }) {
    this.calls = { opened, narrowed, address };
    this.home = $("charts");
    this.width = 0;
    new ResizeObserver(([{ contentRect }]) => {
      if (this.answer && !this.home.hidden && Math.abs(contentRect.width - this.width) > 8) this.draw();
    }).observe(this.home);
    tips(this.home, "a[data-said]", (dot) => dot.dataset.said);
    this.home.addEventListener("click", (event) => {
      const dot = event.target.closest("a[data-claim]");
      if (!dot || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      this.calls.opened(JSON.parse(dot.dataset.claim));
    });
    this.home.addEventListener("keydown", (event) => this.key(event));
  }

  show(answer) {
    this.answer = answer;
    this.draw();
  }

  draw() {
    this.width = this.home.clientWidth - 2 * parseFloat(getComputedStyle(this.home).paddingLeft);
    this.home.replaceChildren(
      this.factors(this.answer.factors),
      this.values(this.answer.values),
      this.measured(this.answer.measured),
    );
    this.mark(this.open);
  }

  mark(open) {
    this.open = open;
    for (const dot of this.home.querySelectorAll("a[data-claim]"))
      dot.classList.toggle("open", sameClaim(open, JSON.parse(dot.dataset.claim)));
  }

  figure(title, note, ...content) {
    return el("figure", {}, el("figcaption", {}, el("h2", {}, title), el("span", {}, note)), ...content);
  }

  dot([, value, job, document, claim, quantity], x, y, before) {
    const open = { job, document, claim };
    const said = `${quantity}, ${before}, ${document}`;
    const dot = svg(
      "a",
      {
        href: this.calls.address(open),
        tabindex: "-1",
        "data-said": said,
        "data-claim": JSON.stringify(open),
        "aria-label": said,
      },
      svg("circle", { cx: x.toFixed(1), cy: y.toFixed(1), r: DOT }),
    );
    return dot;
  }

  /** Each dot where its value is, and on the first level on which it touches no other. Levels go up from 0, or both ways. */
  levels(dots, place, bothWays) {
    const ends = [],
      placed = [];
    for (const dot of dots.slice().sort((a, b) => a[1] - b[1])) {
      const x = place(dot[1]);
      let n = 0;
      while (ends[n] > x - 2 * DOT - 1) n += 1;
      ends[n] = x;
      placed.push({ dot, x, level: bothWays ? (n % 2 ? -1 : 1) * Math.ceil(n / 2) : n });
    }
    const step = Math.min(2 * DOT + 1, TALLEST / ends.length);
    return { placed, step, height: Math.max(22, ends.length * step + 10) };
  }

  factors({ of, dots }) {
    const title = "How many times better, by class of device",
      groups = new Map();
    if (!dots.length) return this.figure(title, "None of these claims says how many times better something is.");
    for (const dot of dots) {
      for (const category of dot[0] === null ? [null] : dot[0].split("; ")) {
        if (!groups.has(category)) groups.set(category, []);
        groups.get(category).push(dot);
      }
    }
    const order = [...groups].sort(
      (a, b) => (a[0] === null) - (b[0] === null) || b[1].length - a[1].length || (a[0] < b[0] ? -1 : 1),
    );
    const width = Math.max(300, this.width),
      left = width < 500 ? 92 : LEFT;
    const place = scale(
      dots.map((dot) => dot[1]),
      left + 8,
      width - RIGHT,
    );
    const drawing = svg("svg", { role: "group", "aria-label": title });
    const lines = svg("g", { class: "grid", "aria-hidden": "true" }),
      marks = svg("g");
    let top = 6;
    for (const [category, some] of order) {
      const { placed, step, height } = this.levels(some, place, true);
      const name = category ?? "not stated";
      lines.append(
        svg(
          "text",
          { x: left - 12, y: top + height / 2 + 4, class: "row" },
          `${name}  `,
          svg("tspan", { class: "soft" }, some.length.toLocaleString("en")),
        ),
      );
      for (const { dot, x, level } of placed) {
        const made = this.dot(dot, x, top + height / 2 + level * step, `${short(dot[1])}x, ${name}`);
        if (dot[1] < 1) made.classList.add("worse");
        marks.append(made);
      }
      top += height;
      lines.append(svg("line", { x1: 0, x2: width, y1: top, y2: top }));
    }
    this.axis(lines, place, top, width, (tick) => short(tick) + "x");
    if (place(1) > left && place(1) < width)
      lines.append(svg("line", { x1: place(1), x2: place(1), y1: 0, y2: top, class: "one" }));
    drawing.append(lines, marks);
    this.size(drawing, width, top + 26);
    const sample =
      dots.length < of ? ` ${dots.length.toLocaleString("en")} of ${of.toLocaleString("en")} are drawn, chosen evenly.` : "";
    return this.figure(
      title,
      `Right of 1x is better than what it is compared with, left of it worse (hollow).${sample}`,
      drawing,
    );
  }

  axis(lines, place, bottom, width, label) {
    let last = -99;
    for (const tick of place.ticks) {
      const x = place(tick),
        said = label(tick);
      lines.prepend(svg("line", { x1: x, x2: x, y1: 0, y2: bottom, class: "tick" }));
      if (x - last < said.length * 7 + 8 || x + said.length * 3.5 > width) continue;
      lines.append(svg("text", { x, y: bottom + 18, class: "axis" }, said));
      last = x;
    }
  }

  size(drawing, width, height) {
    drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
    drawing.setAttribute("width", width);
    drawing.setAttribute("height", height);
    drawing.querySelector("a")?.setAttribute("tabindex", "0");
  }

  values(panels) {
    const title = "Values, by kind and year";
    if (!panels.length) return this.figure(title, "None of these claims gives a value by itself.");
    const known = panels.some(({ dots }) => dots.some(([year]) => year !== null));
    const across = Math.max(1, Math.floor(this.width / 340)),
      width = Math.max(280, (this.width - (across - 1) * 24) / across);
    const note = known
      ? "Each claim that is not a comparison, in base units. Claims without a year stand at the left."
      : "Each claim that is not a comparison, in base units. The input does not give years.";
    return this.figure(
      title,
      note,
      el(
        "div",
        { class: "panels" },
        panels.map((panel) => {
          const name = `${panel.kind}${panel.unit === null ? ", without a unit" : " in " + panel.unit}`;
          const drawing = svg("svg", { role: "group", "aria-label": name });
          if (known) this.scatter(drawing, panel, width);
          else this.strip(drawing, panel, width);
          return el("div", {}, el("h3", {}, name, el("span", { class: "soft" }, " " + counted(panel.of, "claim"))), drawing);
        }),
      ),
    );
  }

  isLinear({ unit, dots }) {
    return unit === "%" || unit === null || dots[dots.length - 1][1] < 20 * dots[0][1];
  }

  strip(drawing, panel, width) {
    const place = scale(
      panel.dots.map((dot) => dot[1]),
      14,
      width - 14,
      this.isLinear(panel),
    );
    const { placed, step, height } = this.levels(panel.dots, place, false);
    const lines = svg("g", { class: "grid", "aria-hidden": "true" }),
      marks = svg("g");
    lines.append(svg("line", { x1: 0, x2: width, y1: height, y2: height }));
    this.axis(lines, place, height, width, short);
    for (const { dot, x, level } of placed) marks.append(this.dot(dot, x, height - 7 - level * step, panel.unit ?? "no unit"));
    drawing.append(lines, marks);
    this.size(drawing, width, height + 26);
  }

  scatter(drawing, panel, width) {
    const years = [...new Set(panel.dots.map(([year]) => year))],
      known = years.filter((year) => year !== null);
    const height = 190,
      left = 56,
      from = years.includes(null) ? left + 60 : left + 14;
    const place = scale(
      panel.dots.map((dot) => dot[1]),
      height - 10,
      10,
      this.isLinear(panel),
    );
    const first = Math.min(...known),
      last = Math.max(...known);
    const across = (year) =>
      year === null
        ? left + 14
        : first === last
          ? (from + width - RIGHT) / 2
          : from + ((year - first) / (last - first)) * (width - RIGHT - from);
    const lines = svg("g", { class: "grid", "aria-hidden": "true" }),
      marks = svg("g");
    for (const tick of place.ticks) {
      lines.append(
        svg("line", { x1: left, x2: width, y1: place(tick), y2: place(tick), class: "tick" }),
        svg("text", { x: left - 8, y: place(tick) + 4, class: "row" }, short(tick)),
      );
    }
    lines.append(svg("line", { x1: left, x2: width, y1: height, y2: height }));
    let end = -99;
    for (const year of years.sort((a, b) => (a ?? 0) - (b ?? 0))) {
      const said = year === null ? "none" : String(year),
        x = across(year);
      if (x - end < said.length * 7 + 10) continue;
      lines.append(svg("text", { x, y: height + 18, class: "axis" }, said));
      end = x;
    }
    const beside = new Map(),
      room = known.length > 1 ? (width - RIGHT - from) / (last - first) : 60;
    for (const dot of panel.dots) {
      const bin = dot[0] + " " + Math.round(place(dot[1]) / 6),
        n = beside.get(bin) || 0;
      beside.set(bin, n + 1);
      const aside = (n % 2 ? 1 : -1) * Math.ceil(n / 2) * 6;
      marks.append(
        this.dot(
          dot,
          across(dot[0]) + Math.max(-room / 2, Math.min(room / 2, aside)),
          place(dot[1]),
          `${panel.unit ?? "no unit"}, ${dot[0] ?? "no year"}`,
        ),
      );
    }
    drawing.append(lines, marks);
    this.size(drawing, width, height + 26);
  }

  measured({ metrics, cells }) {
    const title = "What was measured on which hardware";
    if (!cells.length) return this.figure(title, "None of these claims names both.");
    const counts = new Map(cells.map(([category, metric, number]) => [category + "\n" + metric, number]));
    const most = Math.max(...counts.values()),
      totals = new Map();
    for (const [category, , number] of cells) totals.set(category, (totals.get(category) || 0) + number);
    const categories = [...totals.keys()].sort((a, b) => totals.get(b) - totals.get(a) || (a < b ? -1 : 1));
    const table = el(
      "table",
      { class: "heat" },
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          el("td"),
          categories.map((category) => el("th", { scope: "col" }, category)),
        ),
      ),
      el(
        "tbody",
        {},
        metrics.map(([metric, label]) =>
          el(
            "tr",
            {},
            el("th", { scope: "row", dir: "auto" }, label),
            categories.map((category) => {
              const number = counts.get(category + "\n" + metric);
              if (!number) return el("td", {}, el("span", { class: "none" }, "·"));
              const cell = el(
                "button",
                {
                  type: "button",
                  "aria-label": `${label} on ${category}: ${counted(number, "claim")}`,
                  onclick: () => this.calls.narrowed(category, metric),
                },
                number.toLocaleString("en"),
              );
              cell.style.setProperty("--share", Math.round(20 + (80 * number) / most) + "%");
              return el("td", {}, cell);
            }),
          ),
        ),
      ),
    );
    const rest = metrics.length === about.most.metrics ? ` The ${metrics.length} commonest metrics.` : "";
    return this.figure(
      title,
      `Claims that name a metric and a device. A number leads to its claims.${rest}`,
      el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": title }, table),
    );
  }

  key(event) {
    const dot = event.target.closest("a[data-claim]");
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!dot || !step) return;
    const dots = [...dot.closest("svg").querySelectorAll("a[data-claim]")],
      next = dots[dots.indexOf(dot) + step];
    if (next) {
      dot.setAttribute("tabindex", "-1");
      next.setAttribute("tabindex", "0");
      next.focus();
    }
    event.preventDefault();
  }
}
