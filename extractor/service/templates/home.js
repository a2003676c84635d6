"use strict";
(() => {
const FIELDS = ["quantity", "metric", "subject", "baseline", "dataset", "hardware"];
const EXAMPLE = "FastNet: Quick Networks for Phones\nFastNet is 2.3x faster than MobileNetV2 on a Jetson Nano, " +
  "reaches 76.1% top-1 accuracy on ImageNet, and needs 40% less memory.";
const at = (id) => document.getElementById(id);
const made = (name, text, ...classes) => {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  element.classList.add(...classes);
  return element;
};

function say(text, bad = false) {
  at("status").textContent = text;
  at("status").classList.toggle("bad", bad);
}

async function asked(path, options) {
  const answer = await fetch(path, options);
  const told = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw new Error(`${told.cause.replace(/\.$/, "")}. ${told.fix}`);
  return told;
}

async function tried(work) {
  try { await work(); } catch (error) {
    say(error instanceof TypeError ? "The service does not answer. Is it still running?" : error.message, true);
  }
}

// The text of a record with a mark over each phrase of its claims; where two overlap, the first claim's stands.
function marked(record) {
  const text = Array.from(`${record.title.replace(/[\n\r]/g, " ")}\n${record.abstract}`);
  const spans = [];
  for (const claim of record.claims)
    for (const field of FIELDS)
      if (claim.spans[field]) spans.push([...claim.spans[field], field]);
  for (const target of record.hardware) spans.push([...target.span, "hardware"]);
  spans.sort((a, b) => a[0] - b[0] || b[1] - a[1]);
  const end = Array.from(record.title).length;
  const parts = [made("h2"), made("div")];
  const put = (from, to, field) => {
    for (const [part, start, stop] of [[parts[0], from, Math.min(to, end)], [parts[1], Math.max(from, end + 1), to]]) {
      if (start >= stop) continue;
      const words = text.slice(start, stop).join("");
      const shown = field ? made("mark", words, field) : document.createTextNode(words);
      if (field) shown.title = field;
      part.append(shown);
    }
  };
  let place = 0;
  for (const [start, stop, field] of spans) {
    if (start < place) continue;
    put(place, start);
    put(start, stop, field);
    place = stop;
  }
  put(place, text.length);
  return parts;
}

function show(record) {
  at("reading").replaceChildren(...marked(record));
  const rows = record.claims.map((claim) => {
    const row = made("tr");
    row.append(made("td", claim.kind));
    for (const field of FIELDS) {
      const cell = made("td");
      const said = field === "quantity" ? claim.quantity.text : claim[field];
      if (said) cell.append(made("span", said, "swatch", field));
      row.append(cell);
    }
    return row;
  });
  at("claims").replaceChildren(...rows);
  const number = record.claims.length;
  at("caption").textContent = number ? `${number} claim${number > 1 ? "s" : ""}` : "No number here says how fast, how good or how cheap something is.";
  at("found").hidden = false;
  say(number ? `${number} claim${number > 1 ? "s" : ""} found.` : "No claim found.");
}

at("legend").append(...FIELDS.map((field) => made("span", field === "baseline" ? "against" : field, "swatch", field)));
at("example").addEventListener("click", () => { at("text").value = EXAMPLE; at("paste").requestSubmit(); });
at("paste").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = at("text").value.trim();
  const first = text.indexOf("\n");
  const document_ = first < 0 ? { abstract: text } : { title: text.slice(0, first).trim(), abstract: text.slice(first).trim() };
  say("Reading …");
  tried(async () => show(await asked("v1/extract", {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(document_),
  })));
});

function send(file) {
  const [, stem, suffix] = /^(.*?)((?:\.[A-Za-z0-9]{1,10}){0,2})$/.exec(file.name) || [, "file", ""];
  const name = (stem.replace(/[^A-Za-z0-9_-]+/g, "-").replace(/^[-_]+/, "").slice(0, 60) || "file") + suffix;
  say(`Sending ${file.name} …`);
  tried(async () => {
    const job = await asked(`v1/jobs?name=${encodeURIComponent(name)}`, { method: "POST", body: file });
    say(`${file.name} is being worked off.`);
    follow(job);
  });
}

at("file").addEventListener("change", () => { if (at("file").files.length) send(at("file").files[0]); at("file").value = ""; });
for (const kind of ["dragenter", "dragover"])
  document.addEventListener(kind, (event) => { event.preventDefault(); at("drop").classList.add("over"); });
document.addEventListener("dragleave", () => at("drop").classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  at("drop").classList.remove("over");
  if (event.dataTransfer.files.length) send(event.dataTransfer.files[0]);
});

const OVER = ["finished", "cancelled", "stopped"];
function line(job) {
  let item = at(job.id);
  if (!item) {
    item = made("li");
    item.id = job.id;
    at("jobs").prepend(item);
    at("no-jobs").hidden = true;
  }
  const path = `v1/jobs/${job.id}`;
  const link = (text, to) => { const a = made("a", text); a.href = `${path}/${to}`; return a; };
  const parts = [made("strong", job.file), ` ${job.state}: ${job.done.toLocaleString("en")} done`];
  if (job.failed) parts.push(`, ${job.failed.toLocaleString("en")} failed`);
  if (job.spent_usd) parts.push(`, $${job.spent_usd.toFixed(4)}`);
  if (job.stopped) parts.push(`. ${job.stopped}`);
  if (!OVER.includes(job.state)) {
    const bar = made("progress");
    bar.setAttribute("aria-label", `Progress of ${job.file}`);
    if (job.pending !== null) { bar.max = job.done + job.failed + job.pending || 1; bar.value = job.done + job.failed; }
    const stop = made("button", "Cancel");
    stop.type = "button";
    stop.setAttribute("aria-label", `Cancel ${job.file}`);
    stop.addEventListener("click", () => tried(async () => line(await asked(`${path}/cancel`, { method: "POST" }))));
    parts.push(" ", bar, " ", stop);
  }
  if (job.done) parts.push(" ", link("explore", "explore"), " ", link("table", "claims.csv"), " ", link("records", "extractions"));
  item.replaceChildren(...parts);
}

function follow(job) {
  line(job);
  if (OVER.includes(job.state)) return;
  const news = new EventSource(`v1/jobs/${job.id}/events`);
  news.addEventListener("progress", (event) => line(JSON.parse(event.data)));
  news.addEventListener("end", (event) => { line(JSON.parse(event.data)); news.close(); });
}

tried(async () => { for (const job of (await asked("v1/jobs?limit=10")).jobs.reverse()) follow(job); });
})();
