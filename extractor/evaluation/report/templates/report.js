"use strict";
(() => {
  const form = document.getElementById("filter");
  const shown = document.getElementById("shown");
  const by = (name) => document.getElementById("by-" + name).value;
  const articles = [...document.querySelectorAll("article")];
  const links = new Map([...document.querySelectorAll(".index a")].map((a) => [a.hash.slice(1), a.parentElement]));

  function filter() {
    const [system, error, kind, field] = ["system", "error", "kind", "field"].map(by);
    const narrowed = Boolean(error || kind || field);
    let abstracts = 0, errors = 0;
    for (const article of articles) {
      let hits = 0;
      for (const panel of article.querySelectorAll("section[data-m]")) panel.hidden = system !== "" && panel.dataset.m !== system;
      for (const item of article.querySelectorAll("li[data-e]")) {
        const hit = narrowed && !item.closest("section").hidden
          && (error === "" || error === "*" || item.dataset.e === error)
          && (kind === "" || item.dataset.k === kind)
          && (field === "" || (item.dataset.f || "").split(" ").includes(field));
        item.classList.toggle("hit", hit);
        hits += hit;
      }
      article.hidden = narrowed && hits === 0;
      links.get(article.id).hidden = article.hidden;
      abstracts += !article.hidden;
      errors += hits;
    }
    shown.textContent = abstracts + " of " + articles.length + " abstracts" + (narrowed ? ", " + errors + " errors" : "");
  }

  // A link to an abstract that the filter hides shows it all the same.
  function reach() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.hidden) {
      form.reset();
      filter();
      target.scrollIntoView();
    }
    if (target && target.tagName === "ARTICLE") target.focus({ preventScroll: true });
  }

  form.hidden = false;
  form.addEventListener("change", filter);
  form.addEventListener("reset", () => setTimeout(filter));
  form.addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("hashchange", reach);
  filter();
  reach();
})();
