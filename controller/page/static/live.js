// One line to the server that comes back by itself, also after the server was started anew.

const AGAIN_MS = 2000;
const line = document.getElementById("line");

export function live(address, show) {
  let last = "";
  let source = null;

  function open() {
    source?.close();
    source = new EventSource(last ? `${address}?last=${encodeURIComponent(last)}` : address);
    source.addEventListener("open", () => say("connected; changes appear by themselves", false));
    source.addEventListener("part", (event) => {
      last = event.lastEventId;
      const { part, numbers } = JSON.parse(event.data);
      show(part, numbers);
    });
    source.addEventListener("error", () => {
      say("the connection is lost: what is shown may be old; trying again", true);
      if (source.readyState === EventSource.CLOSED) {
        // the server answered with something else: it may be another one by now
        setTimeout(() => document.hidden || open(), AGAIN_MS);
      }
    });
  }

  // a token in the address has become a cookie: it shouldn't stay in sight or in the history
  const here = new URL(location.href);
  if (here.searchParams.has("token")) {
    here.searchParams.delete("token");
    history.replaceState(null, "", here);
  }
  // a tab that nobody sees holds no line: browsers have few for one server, and it costs work
  document.addEventListener("visibilitychange", () => {
    source?.close();
    if (!document.hidden) open();
  });
  if (!document.hidden) open();
}

function say(words, lost) {
  if (line.textContent !== words) line.textContent = words;
  line.toggleAttribute("data-lost", lost);
}

export function element(kind, words = "", name = "") {
  const made = document.createElement(kind);
  made.textContent = words;
  if (name) made.className = name;
  return made;
}

export function state(badge, word) {
  if (badge.textContent === word) return;
  badge.textContent = word;
  badge.dataset.state = word;
}

// what somebody scrolls by the arrows keeps them
const others = (event) =>
  event.altKey || event.ctrlKey || event.metaKey ||
  (event.key.startsWith("Arrow") && event.target.closest(".scroll"));

export function keys(actions) {
  document.addEventListener("keydown", (event) => {
    if (!others(event) && actions[event.key]?.()) event.preventDefault();
  });
}
