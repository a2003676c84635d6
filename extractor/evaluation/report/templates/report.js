"use strict";
(() => {
  const form = document.getElementById("filter");
  const shown = document.getElementById("shown");
  const names = ["set", "system", "figure", "error", "kind", "field"];
  const select = (name) => document.getElementById("by-" + name);
  const among = (list, one) => (list || "").split(" ").includes(one);
  const articles = [...document.querySelectorAll("article")];
  const links = new Map([...document.querySelectorAll(".index a")].map((a) => [a.hash.slice(1), a.parentElement]));

  function filter() {
    const [set, system, figure, error, kind, field] = names.map((name) => select(name).value);
    const narrowed = Boolean(figure || error || kind || field);
    let abstracts = 0, errors = 0;
    for (const article of articles) {
      let hits = 0;
      for (const panel of article.querySelectorAll("section[data-m]")) panel.hidden = system !== "" && panel.dataset.m !== system;
      for (const item of article.querySelectorAll("li[data-e]")) {
        const hit = narrowed && !item.closest("section").hidden
          && (error === "" || error === "*" || item.dataset.e === error)
          && (kind === "" || item.dataset.k === kind)
          && (figure === "" || among(item.dataset.g, figure))
          && (field === "" || among(item.dataset.f, field));
        item.classList.toggle("hit", hit);
        hits += hit;
      }
      article.hidden = (set !== "" && article.dataset.s !== set) || (narrowed && hits === 0);
      links.get(article.id).hidden = article.hidden;
      abstracts += !article.hidden;
      errors += article.hidden ? 0 : hits;
    }
    shown.textContent = abstracts + " of " + articles.length + " abstracts" + (narrowed ? ", " + errors + " errors" : "");
  }

  // What is shown stands in the address, so that it can be sent: #abstracts?system=1&figure=strict_f1
  function keep() {
    const chosen = new URLSearchParams(names.map((name) => [name, select(name).value]).filter(([, value]) => value !== ""));
    history.replaceState(null, "", "#abstracts" + (chosen.size ? "?" + chosen : ""));
  }

  // A link to an abstract that the filter hides shows it all the same; one to errors filters them.
  function reach() {
    const [id, chosen] = decodeURIComponent(location.hash.slice(1)).split("?");
    const target = document.getElementById(id);
    if (!target) return;
    if (chosen || target.hidden) {
      const wanted = new URLSearchParams(chosen);
      for (const name of names) select(name).value = wanted.get(name) || "";
      filter();
      target.scrollIntoView();
    }
    if (target.tagName === "ARTICLE") target.focus({ preventScroll: true });
  }

  form.hidden = false;
  for (const link of document.querySelectorAll("a[data-figure]")) link.hash = "#abstracts?" + new URLSearchParams(link.dataset);
  form.addEventListener("change", () => { filter(); keep(); });
  form.addEventListener("reset", () => setTimeout(() => { filter(); keep(); }));
  form.addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("hashchange", reach);
  filter();
  reach();
})();
