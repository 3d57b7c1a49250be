// The list of experiments.

import { element, keys, live, state } from "/static/live.js";

const list = document.getElementById("experiments");

function entry(one) {
  const made = element("li");
  made.dataset.key = one.key;
  const link = element("a", one.folder);
  link.href = `/e/${encodeURIComponent(one.key)}`;
  const badge = element("span", "", "state");
  state(badge, one.status);
  made.append(link, " ", badge);
  if (one.problem) made.append(element("p", one.problem));
  else made.append(element("p", about(one)));
  return made;
}

function about(one) {
  const parts = [one.kind === "session" ? "one session" : one.name, one.origin_words];
  if (one.began) parts.push(`${one.sessions ? "latest session" : "began"} ${one.began}`);
  if (one.subject) parts.push(`subject ${one.subject}`);
  if (one.sessions) parts.push(`${one.sessions} session${one.sessions > 1 ? "s" : ""}`);
  parts.push(`${one.trials.toLocaleString("en")} trials stored`);
  return parts.join(" · ");
}

function show(part, numbers) {
  if (part !== "list") return;
  const focused = document.activeElement?.closest("li")?.dataset.key;
  list.replaceChildren(...numbers.experiments.map(entry));
  document.getElementById("none").hidden = numbers.experiments.length > 0;
  if (focused !== undefined) {
    [...list.children].find((one) => one.dataset.key === focused)?.querySelector("a").focus();
  }
}

function move(step) {
  const links = [...list.querySelectorAll("a")];
  const here = links.indexOf(document.activeElement);
  const there = here < 0 ? (step > 0 ? 0 : links.length - 1) : here + step;
  links[there]?.focus();
  return true;
}

const down = () => move(1);
const up = () => move(-1);
keys({ j: down, ArrowDown: down, k: up, ArrowUp: up });
live("/events", show);
