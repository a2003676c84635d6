// Where claims come from: rows that stand in the page (Held), or a server (Fetched). Both answer the same questions.

const NOT_STATED = ["", "not stated"];
const WORD = /"([^"]*)"?|(\S+)/g;
const COMPARISON = /^([a-z_]+)(>=|<=|=|>|<)(-?\d+(?:\.\d+)?(?:e-?\d+)?)$/;
const COMPARE = {
  ">": (a, b) => a > b,
  "<": (a, b) => a < b,
  ">=": (a, b) => a >= b,
  "<=": (a, b) => a <= b,
  "=": (a, b) => a === b,
};

class Fetched {
  constructor(base) {
    this.base = base;
  }
  async ask(name, query) {
    const answer = await fetch(this.base + name + "?" + query, { credentials: "same-origin" });
    if (!answer.ok) throw new Error("The server answered " + answer.status + " to " + name + ".");
    return answer.json();
  }
  counts(state) {
    return this.ask("counts", writeFilter(state));
  }
  charts(state) {
    return this.ask("charts", writeFilter(state));
  }
  async rows(state, offset, limit) {
    const query = writeFilter(state);
    if (state.sort) query.append("sort", state.sort);
    query.append("offset", offset);
    query.append("limit", limit);
    return (await this.ask("rows", query)).rows;
  }
  document(open) {
    const query = new URLSearchParams({ document: open.document });
    if (open.job != null) query.append("job", open.job);
    return this.ask("document", query);
  }
  async failures(offset, limit) {
    return (await this.ask("failures", new URLSearchParams({ offset, limit }))).rows;
  }
  async place() {
    return null;
  }
}

class Held {
  constructor(data) {
    this.data = data;
    this.size = data.claim_documents.length;
    this.own = data.claims;
    this.names = about.columns.claims.map(([name]) => name);
    this.facets = FACETS.map((facet) => {
      const column = this.column(facet.column),
        keys = data.keys[facet.name].map(([key, label, words]) => ({ key, label, words }));
      return { ...facet, column, keys };
    });
    this.texts = [];
    setTimeout(() => this.prepare(), 500);
    this.last = {};
  }

  /** A column of the claims; one that their documents have, as the claims see it. */
  column(name) {
    if (!this.own[name]) {
      const { words, rows } = this.data.documents[name];
      this.own[name] = { words, rows: this.data.claim_documents.map((at) => rows[at]) };
    }
    return this.own[name];
  }

  cell(name, claim) {
    const { words, rows } = this.column(name);
    return rows[claim] < 0 ? null : words[rows[claim]];
  }

  row(claim) {
    const row = {};
    for (const name of this.names) row[name] = name === "sentence" ? null : this.cell(name, claim);
    row.sentence = this.sentence(claim);
    return row;
  }

  sentence(claim) {
    return piece(
      this.text(this.data.claim_documents[claim]),
      this.cell("sentence_start", claim),
      this.cell("sentence_end", claim),
    );
  }

  documentRow(at) {
    const row = {};
    for (const [name] of about.columns.documents) {
      const { words, rows } = this.data.documents[name];
      row[name] = rows[at] < 0 ? null : words[rows[at]];
    }
    return row;
  }

  text(at) {
    if (this.read?.at !== at) {
      const { title, abstract } = this.data.documents;
      this.read = { at, text: textOf({ title: title.words[title.rows[at]], abstract: abstract.words[abstract.rows[at]] }) };
    }
    return this.read.text;
  }

  /** What words are looked for in: made when it is needed, or before, while nothing else is to be done. */
  searched(claim) {
    return (this.texts[claim] ??= about.searched
      .map((name) => (name === "sentence" ? this.sentence(claim) : this.cell(name, claim)))
      .filter((cell) => cell !== null)
      .join("\n")
      .toLowerCase());
  }

  prepare(from = 0) {
    const until = Math.min(this.size, from + 500);
    for (let claim = from; claim < until; claim += 1) this.searched(claim);
    if (until < this.size) setTimeout(() => this.prepare(until), 5);
  }

  /** The claims that pass a filter, and how many cells of each facet pass the others. */
  passing(state) {
    const key = String(writeFilter(state));
    if (this.last.key === key) return this.last;
    const tests = this.wordTests(state.q);
    const chosen = [];
    this.facets.forEach((facet, n) => {
      const keys = state.facets[facet.name];
      if (!keys) return;
      const passes = new Uint8Array(facet.column.words.length + 1);
      for (const each of facet.keys) if (keys.includes(each.key)) for (const word of each.words) passes[word + 1] = 1;
      if (keys.includes("")) passes[0] = 1;
      chosen.push({ n, passes, rows: facet.column.rows });
    });
    const counts = this.facets.map((facet) => new Int32Array(facet.column.words.length + 1));
    const shown = [];
    for (let claim = 0; claim < this.size; claim += 1) {
      if (!tests.every((test) => test(claim))) continue;
      let failed = -1,
        misses = 0;
      for (const { n, passes, rows } of chosen) {
        if (!passes[rows[claim] + 1]) {
          failed = n;
          misses += 1;
        }
      }
      if (misses === 0) {
        shown.push(claim);
        for (let n = 0; n < counts.length; n += 1) counts[n][this.facets[n].column.rows[claim] + 1] += 1;
      } else if (misses === 1) {
        counts[failed][this.facets[failed].column.rows[claim] + 1] += 1;
      }
    }
    this.last = { key, shown, counts };
    return this.last;
  }

  wordTests(q) {
    return Array.from(q.toLowerCase().matchAll(WORD), ([, quoted, bare]) => {
      const [, name, sign, number] = COMPARISON.exec(bare || "") || [];
      if (about.compared.includes(name)) {
        return (claim) => {
          const cell = this.cell(name, claim);
          return cell !== null && COMPARE[sign](cell, Number(number));
        };
      }
      const word = quoted || bare || "";
      return (claim) => this.searched(claim).includes(word);
    });
  }

  async counts(state) {
    const { shown, counts } = this.passing(state);
    const facets = {};
    this.facets.forEach((facet, n) => {
      const chosen = state.facets[facet.name] || [];
      let unstated = counts[n][0];
      const keys = [];
      for (const { key, label, words } of facet.keys) {
        const number = words.reduce((sum, word) => sum + counts[n][word + 1], 0);
        if (key === "") unstated += number;
        else if ((number || chosen.includes(key)) && keys.length < about.most.keys) keys.push([key, label, number]);
      }
      if (unstated || chosen.includes("")) keys.push([...NOT_STATED, unstated]);
      facets[facet.name] = keys;
    });
    return {
      claims: this.size,
      documents: this.data.rejected.length,
      failures: this.data.failures.cause.rows.length,
      shown: shown.length,
      shown_documents: new Set(shown.map((claim) => this.data.claim_documents[claim])).size,
      facets,
      read: 1,
      empty: FACETS.filter((_, n) => !this.facets[n].keys.length).map(({ column }) => column),
    };
  }

  order(state) {
    const passing = this.passing(state);
    if (!state.sort) return passing.shown;
    if (passing.sort !== state.sort) {
      const { rows } = this.column(state.sort.replace(/^-/, "")),
        down = state.sort.startsWith("-") ? -1 : 1;
      passing.sort = state.sort;
      passing.order = passing.shown.slice().sort((a, b) => {
        const one = rows[a],
          other = rows[b];
        if (one === other) return a - b;
        if (one < 0 || other < 0) return one < 0 ? 1 : -1;
        return (one - other) * down;
      });
    }
    return passing.order;
  }

  async rows(state, offset, limit) {
    return this.order(state)
      .slice(offset, offset + limit)
      .map((claim) => this.row(claim));
  }

  /** Which row a claim is, if it is shown. */
  async place(state, open) {
    const at = this.order(state).findIndex(
      (claim) =>
        this.cell("claim", claim) === open.claim &&
        this.cell("document", claim) === open.document &&
        (open.job == null || this.cell("job", claim) === open.job),
    );
    return at < 0 ? null : at;
  }

  async document(open) {
    const documents = this.data.documents;
    const called = documents.document.words.indexOf(open.document),
      job = open.job == null ? null : documents.job.words.indexOf(open.job);
    const at = documents.document.rows.findIndex(
      (word, n) => word === called && (job === null || documents.job.rows[n] === job),
    );
    if (called < 0 || at < 0) throw new Error("There is no document " + open.document + " on this page.");
    const claims = [];
    this.data.claim_documents.forEach((each, claim) => {
      if (each === at) claims.push(this.row(claim));
    });
    const hardware = [];
    this.data.hardware_documents.forEach((each, n) => {
      if (each === at) hardware.push(tableRow(this.data.hardware, n));
    });
    return { document: this.documentRow(at), claims, hardware, rejected: this.data.rejected[at] };
  }

  async failures(offset, limit) {
    const number = this.data.failures.cause.rows.length,
      rows = [];
    for (let n = offset; n < Math.min(number, offset + limit); n += 1) rows.push(tableRow(this.data.failures, n));
    return rows;
  }

  async charts(state) {
    const { shown } = this.passing(state);
    return { factors: this.factors(shown), values: this.values(shown), measured: this.measured(shown) };
  }

  dot(x, y, claim) {
    return [
      this.cell(x, claim),
      this.cell(y, claim),
      ...["job", "document", "claim", "quantity"].map((name) => this.cell(name, claim)),
    ];
  }

  factors(shown) {
    const factor = this.column("factor").rows,
      category = this.column("hardware_category").rows;
    const last = this.column("hardware_category").words.length;
    const some = shown.filter((claim) => this.cell("factor", claim) > 0);
    some.sort(
      (a, b) =>
        (category[a] < 0 ? last : category[a]) - (category[b] < 0 ? last : category[b]) || factor[a] - factor[b] || a - b,
    );
    return { of: some.length, dots: evenly(some).map((claim) => this.dot("hardware_category", "factor", claim)) };
  }

  values(shown) {
    const panels = new Map(),
      value = this.column("value").rows;
    for (const claim of shown) {
      if (this.cell("comparison", claim) !== "absolute" || !(this.cell("value", claim) > 0)) continue;
      const key = this.own.kind.rows[claim] + " " + this.own.base_unit.rows[claim];
      if (!panels.has(key)) panels.set(key, []);
      panels.get(key).push(claim);
    }
    const commonest = [...panels.values()].sort(
      (a, b) =>
        b.length - a.length ||
        this.own.kind.rows[a[0]] - this.own.kind.rows[b[0]] ||
        this.own.base_unit.rows[a[0]] - this.own.base_unit.rows[b[0]],
    );
    return commonest.slice(0, about.most.panels).map((claims) => ({
      kind: this.cell("kind", claims[0]),
      unit: this.cell("base_unit", claims[0]),
      of: claims.length,
      dots: evenly(claims.sort((a, b) => value[a] - value[b] || a - b)).map((claim) => this.dot("year", "value", claim)),
    }));
  }

  measured(shown) {
    const categories = this.facets.find((facet) => facet.name === "hardware_category");
    const labels = new Map(this.facets.find((facet) => facet.name === "metric").keys.map(({ key, label }) => [key, label]));
    const totals = new Map(),
      cells = new Map();
    for (const claim of shown) {
      const metric = this.cell("metric_key", claim),
        category = categories.column.rows[claim];
      if (metric === null || category < 0) continue;
      totals.set(metric, (totals.get(metric) || 0) + 1);
      for (const { key, words } of categories.keys) {
        if (!words.includes(category)) continue;
        const cell = JSON.stringify([key, metric]);
        cells.set(cell, (cells.get(cell) || 0) + 1);
      }
    }
    const order = (a, b) => (a < b ? -1 : Number(a > b));
    const metrics = [...totals.keys()]
      .sort((a, b) => totals.get(b) - totals.get(a) || order(a, b))
      .slice(0, about.most.metrics);
    const kept = [...cells]
      .map(([cell, number]) => [...JSON.parse(cell), number])
      .filter(([, metric]) => metrics.includes(metric));
    return {
      metrics: metrics.map((metric) => [metric, labels.get(metric)]),
      cells: kept.sort((a, b) => order(a[0], b[0]) || order(a[1], b[1])),
    };
  }
}

function evenly(claims) {
  const step = Math.max(1, Math.ceil(claims.length / about.most.dots));
  return claims.filter((_, place) => place % step === 0);
}

function tableRow(columns, n) {
  return Object.fromEntries(
    Object.entries(columns).map(([name, { words, rows }]) => [name, rows[n] < 0 ? null : words[rows[n]]]),
  );
}
