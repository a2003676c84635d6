// Claims as something to paste: text, CSV, JSON, a citation.

const MOST_COPIED = 10000;
const NAMES = about.columns.claims.map(([name]) => name);

// As `extractor export` writes them: a cell that a spreadsheet takes for a formula is guarded.
const FORMULA = /^'*[=+\-@＝＋－＠\t\r\n]/,
  NUMBER = /^[+-]?[\d.,]+\s?\\?%?$/;
function csvCell(cell) {
  if (cell === null) return "";
  let text = String(cell);
  if (typeof cell === "string" && FORMULA.test(text) && !NUMBER.test(text)) text = "'" + text;
  return /[",\n\r]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
}

function citation(row) {
  const where = [row.venue, row.year].filter((part) => part !== null).join(", ");
  const parts = [
    row.authors && row.authors.split("; ").join(", "),
    `"${row.title.trim()}"`,
    where,
    linkOf(row) || row.document,
  ];
  return (
    parts
      .filter(Boolean)
      .map((part) => part.replace(/\.$/, ""))
      .join(". ") + `. Claim: "${row.sentence.replace(/\s+/g, " ").trim()}"`
  );
}

const COPIES = {
  Text: (rows) =>
    [SHOWN, ...rows.map((row) => SHOWN.map((name) => cellText(row, name)))]
      .map((cells) => cells.map((cell) => cell.replace(/\s+/g, " ")).join("\t"))
      .join("\n"),
  CSV: (rows) =>
    [NAMES, ...rows.map((row) => NAMES.map((name) => row[name]))].map((cells) => cells.map(csvCell).join(",")).join("\n") +
    "\n",
  JSON: (rows) => JSON.stringify(rows.length === 1 ? rows[0] : rows, null, 1) + "\n",
  Citation: (rows) => rows.map(citation).join("\n"),
};

/** What the table shows of a claim in a column. */
function cellText(row, name) {
  if (name === "comparison") return row.effect ? row.comparison + ", " + row.effect : row.comparison;
  if (name === "factor") return row.factor === null ? "" : short(row.factor) + "x";
  return row[name] === null ? "" : String(row[name]);
}

async function copyText(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Where a page may not write to the clipboard, a selection may still be copied.
    const held = el("textarea", { "aria-hidden": "true", class: "offscreen" });
    held.value = text;
    document.body.append(held);
    held.select();
    document.execCommand("copy");
    held.remove();
  }
  say("Copied " + what);
}

/** A button that opens the ways to copy; `rowsOf` gives the rows. */
function copyMenu(home, rowsOf) {
  const button = el("button", { type: "button", "aria-haspopup": "true", "aria-expanded": "false" }, "Copy");
  const list = el("div", { class: "choices", hidden: true });
  const close = (focus) => {
    list.hidden = true;
    button.setAttribute("aria-expanded", "false");
    if (focus) button.focus();
  };
  for (const [name, format] of Object.entries(COPIES)) {
    list.append(
      el(
        "button",
        {
          type: "button",
          onclick: async () => {
            close(true);
            const rows = await rowsOf();
            await copyText(format(rows), counted(rows.length, "claim") + " as " + name);
          },
        },
        name,
      ),
    );
  }
  button.addEventListener("click", () => {
    list.hidden = !list.hidden;
    button.setAttribute("aria-expanded", String(!list.hidden));
    if (!list.hidden) list.firstChild.focus();
  });
  home.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    const choices = [...list.children],
      at = choices.indexOf(document.activeElement);
    if (event.key === "Escape") close(true);
    else if (event.key === "ArrowDown") choices[(at + 1) % choices.length].focus();
    else if (event.key === "ArrowUp") choices[(at + choices.length - 1) % choices.length].focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  home.addEventListener("focusout", (event) => {
    if (!home.contains(event.relatedTarget)) close(false);
  });
  home.replaceChildren(button, list);
  return {
    label: (...words) => button.replaceChildren(...words),
    disable: (off) => {
      button.disabled = off;
    },
  };
}
