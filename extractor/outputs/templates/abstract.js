// An abstract with the spans of a claim: colour, legend, and words for each of them.

const FIELDS = ["quantity", "metric", "subject", "baseline", "dataset", "hardware"];
const BOUNDS = { exact: "", up_to: "up to ", at_least: "at least ", approx: "about " };

const meaning = (row) =>
  BOUNDS[row.bound] +
  (row.low === row.high ? "" : short(row.low) + " to ") +
  short(row.high) +
  (row.unit ? " " + row.unit : "");
const saidOf = (row) => [row.quantity, row.metric].filter(Boolean).join(" ");

/** The pieces of a text between the ends of spans, each with the spans that it lies in. */
function pieces(length, spans) {
  const ends = [...new Set([0, length, ...spans.flatMap(({ start, end }) => [start, end])])].sort((a, b) => a - b);
  return ends
    .slice(1)
    .map((end, n) => ({ start: ends[n], end, spans: spans.filter((span) => span.start <= ends[n] && end <= span.end) }));
}

function spansOf(found, claim) {
  const spans = found.hardware.map((target) => ({
    start: target.name_start,
    end: target.name_end,
    field: "target",
    said: `hardware of the paper: ${target.category}, ${target.role}`,
  }));
  for (const row of found.claims) {
    const own = row.claim === claim;
    for (const field of FIELDS) {
      if (row[field + "_start"] === null) continue;
      const said = own ? `${field} of this claim` : `${field} of ${saidOf(row)}`;
      spans.push({
        start: row[field + "_start"],
        end: row[field + "_end"],
        field: own ? field : "other",
        of: field,
        row,
        own,
        said,
      });
    }
    if (own) spans.push({ start: row.sentence_start, end: row.sentence_end, field: "sentence" });
  }
  return spans;
}

class Abstract {
  /** `opened` is called with another claim of the document, `stepped` with -1 or 1, `closed` with nothing. */
  constructor({ opened, stepped, closed }) {
    this.calls = { opened, stepped, closed };
    this.home = $("abstract");
    this.home.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.defaultPrevented) closed();
    });
    tips(this.home, "mark[data-said]", (mark) => mark.dataset.said);
    for (const [show, hide] of [
      ["pointerover", "pointerout"],
      ["focusin", "focusout"],
    ]) {
      this.home.addEventListener(show, (event) => this.light(event.target.closest("[data-field]")?.dataset.field));
      this.home.addEventListener(hide, () => this.light(null));
    }
  }

  /** The spans of a field stand out while its legend, or one of them, is pointed at or focused. */
  light(field) {
    for (const each of this.home.querySelectorAll("[data-field]"))
      each.classList.toggle("lit", Boolean(field) && each.dataset.field === field);
  }

  show(found, open, place) {
    const row = found.claims.find((each) => each.claim === open.claim) || null;
    const text = textOf(found.document),
      spans = spansOf(found, open.claim);
    const cut = text.indexOf("\n");
    const parts = pieces(text.length, [
      ...spans,
      { start: 0, end: cut, field: "title" },
      { start: cut, end: cut + 1, field: "break" },
    ]);
    const drawn = (from, to) =>
      parts.filter(({ start, end }) => from <= start && end <= to).map((part) => this.piece(text, part, row));
    const step = (label, by, sign, off) =>
      el(
        "button",
        { type: "button", "aria-label": label, title: label, disabled: off, onclick: () => this.calls.stepped(by) },
        sign,
      );
    const copying = el("div", { class: "menu" });
    this.home.replaceChildren(
      el(
        "div",
        { class: "head" },
        step("The claim before", -1, "↑", place.at === null || place.at === 0),
        step("The next claim", 1, "↓", place.at === null || place.at + 1 >= place.of),
        el(
          "span",
          { class: "place" },
          place.at === null ? "" : `${(place.at + 1).toLocaleString("en")} of ${place.of.toLocaleString("en")}`,
        ),
        copying,
        el(
          "button",
          {
            type: "button",
            class: "close",
            "aria-label": "Close the abstract",
            title: "Close (Escape)",
            onclick: () => this.calls.closed(),
          },
          "×",
        ),
      ),
      row ? this.legend(row) : el("p", { class: "note" }, "The abstract has no such claim."),
      el(
        "div",
        { class: "reading" },
        el("h2", { dir: "auto", tabindex: "-1" }, drawn(0, cut)),
        this.about(found.document),
        el("p", { class: "text", dir: "auto" }, drawn(cut + 1, text.length)),
        this.others(found.claims, open),
        this.hardware(found.hardware),
        this.rejected(found.rejected),
        this.provenance(found.document),
      ),
    );
    if (row) copyMenu(copying, async () => [row]);
    this.home.hidden = false;
    this.home.scrollTop = 0;
  }

  piece(text, { start, end, spans }, row) {
    const words = piece(text, start, end);
    const marked = spans.filter(({ field }) => field !== "title" && field !== "break");
    if (!marked.length) return words;
    const sentence = marked.some(({ field }) => field === "sentence");
    const own = marked.filter((span) => span.own);
    const others = marked.filter((span) => span.field === "other");
    const field = own.length ? FIELDS.find((name) => own.some((span) => span.of === name)) : null;
    const other = others.find((span) => span.of === "quantity");
    const said = marked.filter((span) => span.said).map((span) => span.said);
    if (!said.length) return el("span", { class: "sentence" }, words);
    const classes = [field || (others.length ? "other" : "target"), sentence && "sentence", other && !field && "claim"]
      .filter(Boolean)
      .join(" ");
    const mark = el(
      "mark",
      {
        class: classes,
        tabindex: field || other ? "0" : null,
        "data-field": field,
        "data-said": [...new Set(said)].join("; "),
      },
      words,
    );
    if (!field && other) {
      mark.setAttribute("role", "button");
      mark.setAttribute("aria-label", `${words}: open this claim`);
      mark.addEventListener("click", () => this.calls.opened(other.row));
      mark.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault();
          this.calls.opened(other.row);
        }
      });
    } else if (field) {
      mark.setAttribute("aria-description", [...new Set(said)].join("; "));
    }
    return mark;
  }

  /** What the claim says, field by field: the key to the colours in the text. */
  legend(row) {
    const plain = (text) => text.replace(/[\s,\\]/g, "");
    const said = (field) =>
      field === "quantity" && plain(meaning(row)) !== plain(row.quantity)
        ? [row.quantity, el("span", { class: "soft" }, " read as " + meaning(row))]
        : row[field];
    const rows = FIELDS.map((field) => {
      const there = row[field + "_start"] !== null;
      return el(
        "button",
        {
          type: "button",
          class: "field " + field,
          "data-field": there ? field : null,
          disabled: !there,
          onclick: () => {
            const mark = this.home.querySelector(`mark.${field}`);
            mark?.scrollIntoView({ block: "center" });
            mark?.focus();
          },
        },
        el("span", { class: "swatch " + field, "aria-hidden": "true" }),
        el("span", { class: "name" }, field),
        el("span", { class: "value", dir: "auto" }, there ? said(field) : "not stated"),
      );
    });
    const factor = row.factor === null ? null : `${short(row.factor)} times ${row.factor < 1 ? "as good" : "better"}`;
    const sort = [
      row.kind,
      row.comparison,
      row.effect,
      factor,
      row.confidence === null ? null : `confidence ${short(row.confidence)}`,
    ];
    return el(
      "div",
      { class: "legend" },
      el("p", { class: "sort" }, sort.filter(Boolean).join(" · ")),
      el("div", { class: "fields", role: "group", "aria-label": "Fields of the claim, and the colours of their words" }, rows),
      el(
        "p",
        { class: "others-key", "aria-hidden": "true" },
        el("mark", { class: "other claim" }, "9x"),
        " another claim, ",
        el("mark", { class: "other" }, "its words"),
        ", ",
        el("mark", { class: "target" }, "device"),
        " of the paper",
      ),
    );
  }

  about(document) {
    const link = linkOf(document);
    return el(
      "p",
      { class: "about" },
      [document.document, document.year, document.venue, document.authors].filter((part) => part !== null).join(" · "),
      link
        ? [" · ", el("a", { href: link, rel: "noreferrer noopener", target: "_blank" }, link.replace(/^https?:\/\//, ""))]
        : null,
    );
  }

  others(claims, open) {
    if (claims.length < 2) return null;
    return el(
      "section",
      {},
      el("h3", {}, `${claims.length} claims of this abstract`),
      el(
        "ul",
        { class: "others" },
        claims.map((row) =>
          el(
            "li",
            {},
            el(
              "button",
              {
                type: "button",
                "aria-current": row.claim === open.claim ? "true" : null,
                onclick: () => this.calls.opened(row),
              },
              el("b", { dir: "auto" }, row.quantity),
              " ",
              el("span", { dir: "auto" }, row.metric || row.kind),
              row.subject ? el("span", { class: "soft", dir: "auto" }, ` ${row.subject}`) : null,
            ),
          ),
        ),
      ),
    );
  }

  hardware(targets) {
    if (!targets.length) return null;
    return el(
      "section",
      {},
      el("h3", {}, "Hardware of the paper"),
      el(
        "ul",
        { class: "plain" },
        targets.map((target) =>
          el(
            "li",
            {},
            el("b", { dir: "auto" }, target.name),
            ` ${target.category}, ${target.specific ? "product" : "class"}, ${target.role}`,
          ),
        ),
      ),
    );
  }

  rejected(rejections) {
    return el(
      "details",
      {},
      el("summary", {}, `Rejected: ${rejections.length}`),
      rejections.length
        ? el(
            "ul",
            { class: "plain" },
            rejections.map((each) => el("li", {}, el("b", { dir: "auto" }, each.value), ` ${each.field}: ${each.reason}`)),
          )
        : el("p", {}, "Everything that the labeller returned was found in the text."),
    );
  }

  provenance(document) {
    const names = [
      "labeller",
      "model",
      "prompt",
      "extractor",
      "calls",
      "attempts",
      "cached",
      "input_tokens",
      "output_tokens",
      "cost_usd",
      "seconds",
      "job",
      "kept",
    ];
    const known = names.filter((name) => document[name] !== null);
    return el(
      "details",
      {},
      el("summary", {}, "Provenance"),
      el(
        "dl",
        {},
        known.map((name) => el("div", {}, el("dt", {}, name), el("dd", { dir: "auto" }, String(document[name])))),
      ),
    );
  }
}
