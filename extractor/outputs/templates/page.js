// The page: what is asked, what is shown, and the address that says so.

const data = JSON.parse($("data").textContent);
$("data").remove();
const source = data.rows ? new Held(data.rows) : new Fetched(data.base);

let state = readState("");
let counts = null; // the counts of the filter that is shown
let place = null; // which row the open claim is
let asked = 0; // answers that come after a later question are dropped
let typed = 0; // words are looked for when nothing is typed for a moment

const table = new Table(source, { opened: open, sorted: sortBy, selected: selectionChanged });
const facets = new Facets(choose);
const abstract = new Abstract({ opened: open, stepped: step, closed: close });
const charts = new Charts({ opened: open, narrowed: narrow, address: (claim) => writeState({ ...state, open: claim }) });
const copying = copyMenu($("copy"), () => table.rows());

/** Change the state, keep it in the address, and show it. A step that one may want to go back from is a new entry. */
function change(changes, { step = false } = {}) {
  clearTimeout(typed);
  state = { ...state, q: $("q").value, ...changes };
  history[step ? "pushState" : "replaceState"](null, "", writeState(state));
  return refresh();
}

let before = {};
async function refresh() {
  const now = (asked += 1),
    filter = String(writeFilter(state)),
    order = filter + "&" + state.sort;
  $("main").setAttribute("aria-busy", "true");
  try {
    if (before.filter !== filter) {
      const found = await source.counts(state);
      if (now !== asked) return;
      counts = found;
      facets.show(counts, state);
      $("chips").replaceChildren(...facets.chips());
    }
    showPart();
    if (before.order !== order) {
      if (before.filter !== filter && table.chosen.size) table.clear();
      await table.show(
        state,
        counts.shown,
        SHOWN.filter((name) => !counts.empty.includes(name)),
      );
      if (now !== asked) return;
    }
    if (state.part === "charts" && before.charts !== filter) {
      const found = await source.charts(state);
      if (now !== asked) return;
      charts.show(found);
      before.charts = filter;
    }
    if (state.part === "failures") await showFailures();
    before = { ...before, filter, order };
    await showAbstract(now);
  } catch (error) {
    say(error.message);
  }
  if (now === asked) $("main").setAttribute("aria-busy", "false");
  watch();
}

/** A job that a server knows may go on: what is new is offered, and shown at once where nothing was there before. */
let watching = 0;
function watch() {
  clearTimeout(watching);
  if (source instanceof Held) return;
  watching = setTimeout(
    async () => {
      const now = asked,
        found = document.hidden ? null : await source.counts(state).catch(() => null);
      if (now !== asked) return;
      if (found && counts) {
        const more = found.claims - counts.claims + found.failures - counts.failures;
        $("fresh").hidden = more === 0 && found.read === 1;
        $("fresh").textContent =
          more > 0
            ? `Show ${more.toLocaleString("en")} more`
            : found.read < 1
              ? `Reading: ${Math.floor(100 * found.read)}%`
              : "Show the job as it is now";
        if (more && !counts.claims) return showAnew();
      }
      return watch();
    },
    counts && counts.read < 1 ? 1000 : 4000,
  );
}

function showAnew() {
  $("fresh").hidden = true;
  before = {};
  return refresh();
}

function showPart() {
  for (const button of document.querySelectorAll("nav [data-part]")) {
    if (button.dataset.part === state.part) button.setAttribute("aria-current", "page");
    else button.removeAttribute("aria-current");
    if (button.dataset.part === "failures")
      button.textContent = counts.failures ? `Failures ${counts.failures.toLocaleString("en")}` : "Failures";
  }
  for (const name of ["claims", "charts", "failures"]) $(name).hidden = state.part !== name;
  $("copy").hidden = state.part !== "claims";
  $("tools").hidden = $("facets").hidden = state.part === "failures"; // they are about claims
  const all = counts.shown === counts.claims;
  const claims = all
    ? counted(counts.claims, "claim")
    : `${counts.shown.toLocaleString("en")} of ${counted(counts.claims, "claim")}`;
  const abstracts = counted(all ? counts.documents : counts.shown_documents, "abstract");
  $("count").replaceChildren(claims, el("span", { class: "what" }, ` in ${abstracts}`));
  const nothing = counts.shown
    ? null
    : counts.claims
      ? "No claim passes these filters."
      : "This job has no claims. Its abstracts name no number that is a claim, or nothing was done yet.";
  $("claims").querySelector(".nothing")?.remove();
  if (nothing) $("claims").prepend(el("p", { class: "nothing" }, nothing));
  $("scroller").hidden = Boolean(nothing);
  copying.disable(!counts.shown);
  selectionChanged();
}

function selectionChanged() {
  const number = table.chosen.size;
  $("chips").querySelector(".chosen")?.remove();
  if (number)
    $("chips").prepend(
      el(
        "button",
        { type: "button", class: "chosen", "aria-label": `Unselect ${counted(number, "claim")}`, onclick: () => table.clear() },
        `${number.toLocaleString("en")} selected`,
        el("span", { "aria-hidden": "true" }, " ×"),
      ),
    );
  const rows = number
    ? `${number.toLocaleString("en")} selected`
    : counts && counts.shown > MOST_COPIED
      ? `first ${MOST_COPIED.toLocaleString("en")}`
      : "all shown";
  copying.label("Copy", el("span", { class: "what" }, " " + rows));
}

async function showFailures() {
  const rows = await source.failures(0, 1000),
    home = $("failures");
  const names = ["document", "source", "line", "cause", "fix"];
  const rest = rows.length < counts.failures ? ` The first ${rows.length.toLocaleString("en")}:` : "";
  home.replaceChildren(
    rows.length
      ? el(
          "div",
          { class: "wide", tabindex: "0", role: "region", "aria-label": "Input records without an extraction" },
          el(
            "table",
            {},
            el("caption", {}, `${counted(counts.failures, "input record")} gave no extraction.${rest}`),
            el(
              "thead",
              {},
              el(
                "tr",
                {},
                names.map((name) => el("th", { scope: "col" }, name)),
              ),
            ),
            el(
              "tbody",
              {},
              rows.map((row) =>
                el(
                  "tr",
                  {},
                  names.map((name) => el("td", { dir: "auto" }, row[name] === null ? "" : String(row[name]))),
                ),
              ),
            ),
          ),
        )
      : el("p", { class: "nothing" }, "Every input record gave an extraction."),
  );
}

async function showAbstract(now) {
  if (!state.open) {
    abstract.home.hidden = true;
    document.body.classList.remove("beside");
    table.mark(null);
    charts.mark(null);
    before.open = null;
    return;
  }
  table.mark(state.open);
  charts.mark(state.open);
  const at = (await source.place(state, state.open)) ?? table.find(state.open);
  const key = JSON.stringify([state.open, at, counts.shown]);
  if (before.open === key) return;
  const found = await source.document(state.open).catch((error) => {
    say(error.message);
    return null;
  });
  if (now !== asked) return;
  if (!found) {
    change({ open: null });
    return;
  }
  const first = abstract.home.hidden;
  abstract.show(found, state.open, { at, of: counts.shown });
  document.body.classList.add("beside");
  place = at;
  before.open = key;
  if (at !== null && first) table.reach(at);
}

let from = null; // where the focus goes when the abstract is closed
async function open(row) {
  if (abstract.home.hidden) from = document.activeElement;
  const several = counts.facets.job.length > 1 || state.open?.job != null;
  await change({ open: { job: several ? row.job : null, document: row.document, claim: row.claim } }, { step: true });
  abstract.home.querySelector("h2")?.focus({ preventScroll: true });
}

async function step(by) {
  const at = place + by;
  await table.reach(at);
  await open(table.rowAt(at));
  abstract.home
    .querySelector(`.head button[aria-label="${by < 0 ? "The claim before" : "The next claim"}"]:not(:disabled)`)
    ?.focus();
}

async function close() {
  await change({ open: null }, { step: true });
  if (from?.isConnected) from.focus();
  else table.go(...table.focus);
}

/** Up, down, and as the input has them; numbers of which more is better, down at first. */
function sortBy(name) {
  const ways = ["factor", "year"].includes(name) ? ["-" + name, name, ""] : [name, "-" + name, ""];
  change({ sort: ways[ways.indexOf(state.sort) + 1] ?? ways[0] });
}

function choose(name, key, on) {
  const keys = new Set(state.facets[name]);
  if (on) keys.add(key);
  else keys.delete(key);
  const chosen = { ...state.facets, [name]: [...keys] };
  if (!keys.size) delete chosen[name];
  change({ facets: chosen });
}

function narrow(category, metric) {
  change({ facets: { ...state.facets, hardware_category: [category], metric: [metric] }, part: "claims" }, { step: true });
}

$("q").addEventListener("input", () => {
  clearTimeout(typed);
  typed = setTimeout(() => change({}), 20);
});
$("q").addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" || event.key === "Enter") {
    event.preventDefault();
    table.go(0, 0);
  }
});
for (const button of document.querySelectorAll("nav [data-part]"))
  button.addEventListener("click", () => change({ part: button.dataset.part }, { step: true }));
$("fresh").addEventListener("click", showAnew);
$("narrow").addEventListener("click", () => facets.toggle());
$("skip").addEventListener("click", (event) => {
  event.preventDefault();
  if (state.part === "claims") table.go(...table.focus);
  else $(state.part).focus();
});
/** Show what the address says. */
function follow() {
  state = readState(location.hash);
  $("q").value = state.q;
  return refresh();
}
for (const event of ["popstate", "hashchange"]) addEventListener(event, follow);
addEventListener("keydown", (event) => {
  if (event.key === "/" && !event.ctrlKey && !event.metaKey && event.target.tagName !== "INPUT") {
    event.preventDefault();
    $("q").focus();
  }
  if (event.key === "Escape") tip.hidden = true;
});
addEventListener("beforeprint", () => table.draw(0, Math.min(table.number, 500)));
addEventListener("afterprint", () => table.draw());

follow();
