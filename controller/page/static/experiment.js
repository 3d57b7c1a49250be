// One experiment: faults first, then its sessions, its search, and more numbers.

import { Chart, bar, labelMap, performance, search } from "/static/charts.js";
import { element, keys, live, state } from "/static/live.js";

const get = (id) => document.getElementById(id);
const count = (n) => n.toLocaleString("en");
const number = (value, digits = 2) => (value === null || value === undefined ? "–" : value.toFixed(digits));
const parts = new Map();
const panels = new Map();
const { title } = document;
let searchChart = null;

function clock(seconds) {
  const whole = Math.floor(seconds);
  const pad = (n) => String(n).padStart(2, "0");
  return `${Math.floor(whole / 3600)}:${pad(Math.floor(whole / 60) % 60)}:${pad(whole % 60)}`;
}

// the last trials

const STREAM = [
  ["trial", "trial", (one) => count(one.trial), true],
  ["time (h:min:s)", "t_s", (one) => clock(one.t_s), true],
  ["phase", "phase", (one) => one.phase, false],
  ["label", "label", (one) => number(one.label), true],
  ["answer", "answer", (one) => number(one.answer), true],
  ["outcome", "outcome", (one) => one.outcome, false],
  ["latency (ms)", "latency_ms", (one) => number(one.latency_ms, 0), true],
  ["water (µl)", "water_ul", (one) => number(one.water_ul, 1), true],
  ["stage.generation.slot", "candidate", (one) => one.candidate, false],
];

function showStream(table, trials) {
  const columns = STREAM.filter(([, key]) => trials.length === 0 || key in trials[0]);
  const head = element("tr");
  for (const [title, , , right] of columns) {
    const cell = element("th", title, right ? "number" : "");
    cell.scope = "col";
    head.append(cell);
  }
  const rows = trials.map((one) => {
    const row = element("tr");
    row.dataset.trial = one.trial;
    row.append(...columns.map(([, , write, right]) => element("td", write(one), right ? "number" : "")));
    return row;
  });
  const [top, body] = [element("thead"), element("tbody")];
  top.append(head);
  body.append(...rows);
  table.replaceChildren(top, body);
}

function showMap(figure, map) {
  figure.hidden = !map;
  if (!map) return;
  const dots = figure.querySelector(".dots");
  labelMap(dots, map);
  const axes = { 1: "stimulus across, label up", 2: "by both coordinates" }[map.dimensions];
  const words =
    `Labels of stage ${map.stage}, generation ${map.generation}, slot ${map.slot}: ` +
    `${map.label.length} stimuli; squares above 0, discs below; ` +
    `${axes ?? `first two of ${map.dimensions} coordinates`}.`;
  figure.querySelector("figcaption").textContent = words;
  const known = map.label.filter((label) => label !== null);
  const range = `from ${number(Math.min(...known))} to ${number(Math.max(...known))}`;
  dots.setAttribute("aria-label", `Label map of ${map.label.length} stimuli, labels ${range}`);
}

// one session

function panel(name) {
  if (!panels.has(name)) {
    const made = get("session").content.firstElementChild.cloneNode(true);
    panels.set(name, { made, chart: new Chart(made.querySelector(".chart"), performance) });
  }
  return panels.get(name);
}

function row(title, words, used, most, least) {
  const made = element("div");
  made.append(element("dt", title));
  const said = element("dd", words);
  if (most) {
    const place = element("span", "", "bar");
    place.append(bar(used, most, least));
    said.append(place);
  }
  made.append(said);
  return made;
}

const of = (most, unit) => (most === null || most === undefined ? unit : `of ${count(most)} ${unit}`);

function showLimits(list, limits) {
  if (!limits) return list.replaceChildren();
  const { minutes, trials, water, puffs } = limits;
  const least = water.least_ul ? `, at least ${count(water.least_ul)}` : "";
  const rows = [
    row("Time", `${number(minutes.used, 1)} ${of(minutes.most, "min")}`, minutes.used, minutes.most),
    row("Trials", `${count(trials.used)} ${of(trials.most, "trials")}`, trials.used, trials.most),
    row(
      `Water on ${water.day}`,
      `${number(water.used_ul, 1)} ${of(water.most_ul, "µl")}${least}`,
      water.used_ul,
      water.most_ul,
      water.least_ul,
    ),
  ];
  if (puffs.used || puffs.most) {
    rows.push(row("Air puffs", `${count(puffs.used)} ${of(puffs.most, "puffs")}`, puffs.used, puffs.most));
  }
  return list.replaceChildren(...rows);
}

function showPerformance({ made, chart }, found) {
  const place = made.querySelector(".chart");
  const sentence = made.querySelector(".sentence");
  place.hidden = !found;
  if (!found) {
    sentence.textContent = "No trial with a known label was answered yet.";
    return;
  }
  const words =
    `Last ${found.n} answered trials with a known label: ${Math.round(100 * found.right)} % right, ` +
    `mean squared error ${number(found.error)} (${count(found.answered)} so far).`;
  sentence.textContent = words;
  const { trial, right, error } = found.series;
  chart.show([trial, right, error], `Running fraction right and squared error. ${words}`);
}

function showPast(place, session) {
  place.hidden = session.problems.length === 0;
  place.querySelector("ul").replaceChildren(
    ...session.problems.map((one) => element("li", `${clock(one.t_s)}  ${one.words}`)),
  );
}

function showSession(name, numbers) {
  const one = panel(name);
  const { made } = one;
  const { session } = numbers;
  if (!session) return;
  made.querySelector(".name").textContent = `Session ${session.name}`;
  state(made.querySelector(".state"), session.state);
  const who = [`subject ${session.subject}`, `rig ${session.rig ?? "unknown"}`];
  if (session.began) who.push(`began ${session.began}`);
  who.push(session.words, `${session.episodes} episode${session.episodes === 1 ? "" : "s"} done`);
  made.querySelector(".who").textContent = who.join(" · ");
  showLimits(made.querySelector(".left"), numbers.limits);
  showPerformance(one, numbers.performance);
  showMap(made.querySelector(".map"), numbers.labels);
  if (numbers.stream) showStream(made.querySelector(".stream"), numbers.stream.trials);
  showPast(made.querySelector(".past"), session);
}

// the experiment

function showSearch(found) {
  const place = get("search");
  place.hidden = !found || Object.keys(found.arms).length === 0;
  if (place.hidden) return;
  const { learner, control } = found.arms;
  const said = Object.entries(found.arms).map(
    ([name, arm]) =>
      `${name}: stage ${arm.stage}${found.stages ? ` of ${found.stages}` : ""}, generation ${arm.generation}` +
      `${found.generations ? ` of ${found.generations}` : ""}, mean fitness ${number(arm.fitness_mean.at(-1), 3)}`,
  );
  const words = `${said.join("; ")}.`;
  place.querySelector(".sentence").textContent = words;
  const x = [...new Set([...(learner?.x ?? []), ...(control?.x ?? [])])].sort((a, b) => a - b);
  const values = (arm, key) => {
    const at = new Map(arm?.x.map((one, index) => [one, arm[key][index]]) ?? []);
    return x.map((one) => at.get(one) ?? null);
  };
  searchChart ??= new Chart(place.querySelector(".chart"), search);
  const data = [x, values(learner, "fitness_mean"), values(learner, "fitness_min"), values(control, "fitness_mean")];
  searchChart.show(data, `Fitness by generation. ${words}`);
}

function showExperiment(numbers) {
  const { run, stream } = numbers;
  if (run) {
    const about = [run.origin_words];
    if (run.began) about.push(`began ${run.began}`);
    if (run.subjects.length) about.push(`subjects ${run.subjects.join(", ")}`);
    if (run.sessions) about.push(`${count(run.sessions)} session${run.sessions === 1 ? "" : "s"}`);
    about.push(`${count(run.trials)} trials`);
    get("about").textContent = about.join(" · ");
  }
  showSearch(numbers.search);
  get("learner").hidden = !stream;
  if (stream) {
    showStream(get("learner").querySelector(".stream"), stream.trials);
    showMap(get("learner").querySelector(".map"), numbers.labels);
  }
}

function showTables({ sections = [] }) {
  const place = get("tables").querySelector(".all");
  const open = new Set([...place.querySelectorAll("details[open]")].map((one) => one.dataset.title));
  get("tables").hidden = sections.length === 0;
  place.replaceChildren(
    ...sections
      .filter((section) => section.tables.length > 0)
      .map((section) => {
        const made = element("details");
        made.dataset.title = section.title;
        made.open = open.has(section.title);
        made.append(element("summary", section.title), ...section.tables.flatMap(numbers));
        return made;
      }),
  );
}

function numbers(table) {
  const made = element("table");
  made.append(element("caption", table.title));
  const write = (kind, words) => {
    const line = element("tr");
    line.append(...words.map((word, at) => element(kind, word, table.right[at] ? "number" : "")));
    return line;
  };
  const [top, body] = [element("thead"), element("tbody")];
  top.append(write("th", table.columns));
  body.append(...table.rows.map((words) => write("td", words)));
  made.append(top, body);
  const scroll = element("div", "", "scroll");
  scroll.tabIndex = 0;
  scroll.setAttribute("role", "region");
  scroll.setAttribute("aria-label", table.title);
  scroll.append(made);
  return table.note ? [scroll, element("p", table.note, "note")] : [scroll];
}

// what is wrong, and what is shown at all

function faults() {
  const said = [];
  for (const [name, numbers] of parts) {
    const { session, run } = numbers;
    if (session?.bad) {
      const unsafe = session.problems.find((one) => !one.safe);
      said.push(`Session ${session.name}: ${session.words}`, ...(unsafe ? [unsafe.words] : []));
    } else if (session?.state === "held") {
      said.push(`Session ${session.name}: ${session.words}`);
    }
    if (run?.bad) said.push(`The experiment: ${run.words}`);
    said.push(...(run?.problems ?? []));
    if (name !== "tables") said.push(...(numbers.problems ?? []));
  }
  const place = get("faults");
  const shown = [...place.children].map((one) => one.textContent);
  const wanted = [...new Set(said)];
  if (shown.join("\n") !== wanted.join("\n")) {
    place.replaceChildren(...wanted.map((words) => element("p", words, "problem")));
    document.title = `${wanted.length ? "▲ " : ""}${title}`;
  }
}

function status() {
  const all = [...parts.values()];
  if (all.some((one) => one.gone)) return "gone";
  const live = all.find((one) => one.session && one.session.exit_status === "running");
  return live ? live.session.state : (parts.get("experiment")?.run?.exit_status ?? "");
}

function showSessions({ names }) {
  for (const name of [...panels.keys()].filter((one) => !names.includes(one))) {
    panels.delete(name);
    parts.delete(`session ${name}`);
  }
  get("sessions").replaceChildren(...names.map((name) => panel(name).made));
}

function show(part, numbers) {
  parts.set(part, numbers);
  if (part === "sessions") showSessions(numbers);
  else if (part.startsWith("session ")) showSession(part.slice("session ".length), numbers);
  else if (part === "experiment") showExperiment(numbers);
  else if (part === "tables") showTables(numbers);
  faults();
  const word = status();
  if (word) state(get("status"), word);
  get("waiting").hidden = parts.size > 1;
}

const follow = (rel) => () => {
  const link = document.querySelector(`a[rel=${rel}]`);
  if (link) location.assign(link.href);
  return link !== null;
};
keys({ j: follow("next"), k: follow("prev"), ArrowRight: follow("next"), ArrowLeft: follow("prev") });
live(document.body.dataset.events, show);
