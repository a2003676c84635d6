// Elements, numbers, pieces of text, and the state that an address holds.

const about = JSON.parse(document.getElementById("about").textContent);
const $ = (id) => document.getElementById(id);

/** An element; what is given as text stays text. */
function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children.flat().filter((child) => child != null));
  return made;
}

const counted = (number, one, many = one + "s") => number.toLocaleString("en") + " " + (number === 1 ? one : many);
/** Three digits: 0.0312, 9.1, 1,250, 968M, 3.2e-5. */
function short(number) {
  const size = Math.abs(number);
  if (size !== 0 && (size < 1e-3 || size >= 1e15))
    return number
      .toExponential(2)
      .replace(/\.?0+e/, "e")
      .replace("e+", "e");
  return number.toLocaleString("en", { maximumSignificantDigits: 3, notation: size >= 1e6 ? "compact" : "standard" });
}

/** The text that spans count in, as code points where a character of it is more than one unit of JavaScript. */
function textOf(document) {
  const text = document.title.replace(/[\n\r]/g, " ") + "\n" + document.abstract;
  return /[\ud800-\udfff]/.test(text) ? Array.from(text) : text;
}
const piece = (text, start, end) => (typeof text === "string" ? text.slice(start, end) : text.slice(start, end).join(""));

/** Only an address of the web becomes a link. */
const linkOf = (row) => {
  if (row.doi) return "https://doi.org/" + encodeURI(row.doi);
  if (row.arxiv_id) return "https://arxiv.org/abs/" + encodeURI(row.arxiv_id);
  return /^https?:\/\//i.test(row.url || "") ? row.url : null;
};

const FACETS = about.facets.map(([name, label, column]) => ({ name, label, column }));
const SHOWN = about.shown;

/** What the page shows: filter, order, part, and the open claim. */
function readState(fragment) {
  const state = { q: "", facets: {}, sort: "", part: "claims", open: null };
  const given = new URLSearchParams(fragment.replace(/^#/, ""));
  for (const [name, value] of given) {
    if (FACETS.some((facet) => facet.name === name)) (state.facets[name] ||= []).push(value);
    else if (name === "q") state.q = value;
    else if (name === "sort" && SHOWN.includes(value.replace(/^-/, ""))) state.sort = value;
    else if (name === "part" && ["charts", "failures"].includes(value)) state.part = value;
  }
  if (given.has("document")) {
    state.open = { job: given.get("of"), document: given.get("document"), claim: Number(given.get("claim")) || 0 };
  }
  return state;
}

function writeFilter(state) {
  const given = new URLSearchParams();
  if (state.q.trim()) given.append("q", state.q);
  for (const [name, keys] of Object.entries(state.facets)) for (const key of keys) given.append(name, key);
  return given;
}

function writeState(state) {
  const given = writeFilter(state);
  if (state.sort) given.append("sort", state.sort);
  if (state.part !== "claims") given.append("part", state.part);
  if (state.open) {
    if (state.open.job != null) given.append("of", state.open.job);
    given.append("document", state.open.document);
    given.append("claim", state.open.claim);
  }
  return "#" + given;
}
const sameClaim = (one, other) =>
  Boolean(one && other) &&
  one.document === other.document &&
  one.claim === other.claim &&
  (one.job == null || other.job == null || one.job === other.job);

/** Copied rows, and what went wrong: said to everyone, seen for a while. */
let silence = 0;
function say(text) {
  $("said").textContent = text;
  $("said").classList.add("shown");
  clearTimeout(silence);
  silence = setTimeout(() => $("said").classList.remove("shown"), 2500);
}

const tip = $("tip");
function showTip(at, text) {
  tip.textContent = text;
  tip.hidden = false;
  const box = at.getBoundingClientRect(),
    own = tip.getBoundingClientRect();
  const left = Math.max(8, Math.min(box.left + box.width / 2 - own.width / 2, innerWidth - own.width - 8));
  const above = box.top - own.height - 6;
  tip.style.left = left + "px";
  tip.style.top = (above > 4 ? above : box.bottom + 6) + "px";
}
/** Say `tipOf` an element that is pointed at or focused below `root`; Escape takes it away. */
function tips(root, selector, tipOf) {
  const show = (event) => {
    const at = event.target.closest(selector);
    if (at) showTip(at, tipOf(at));
    else tip.hidden = true;
  };
  root.addEventListener("pointerover", show);
  root.addEventListener("focusin", show);
  for (const end of ["pointerleave", "focusout"])
    root.addEventListener(end, () => {
      tip.hidden = true;
    });
}
