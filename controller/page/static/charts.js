// Curves by uPlot, the label map as SVG; colours are the page's, so that they follow its scheme.

const HEIGHT = 220;
const WHOLE = [1, 2, 5].flatMap((one) => [one, 10 * one, 100 * one, 1e3 * one, 1e4 * one]).sort((a, b) => a - b);
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function axis(label, more = {}) {
  return {
    label,
    labelSize: 20,
    labelFont: "13px system-ui, sans-serif",
    font: "12px system-ui, sans-serif",
    stroke: css("--ink"),
    grid: { stroke: css("--grid"), width: 1 },
    ticks: { stroke: css("--rule"), width: 1 },
    ...more,
  };
}

// A chart that is drawn once and then fed; it is as wide as its place.
export class Chart {
  constructor(place, options) {
    this.place = place;
    this.options = options;
    this.plot = null;
    this.data = null;
    new ResizeObserver(() => this.resize()).observe(place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  show(data, words) {
    this.data = data;
    this.place.setAttribute("aria-label", words);
    if (this.plot === null) this.draw();
    else this.plot.setData(data);
  }

  draw() {
    this.plot?.destroy();
    if (this.data === null) return;
    const size = { width: Math.max(200, this.place.clientWidth), height: HEIGHT };
    this.plot = new uPlot({ ...this.options(), ...size }, this.data, this.place);
  }

  resize() {
    const width = this.place.clientWidth;
    if (this.plot !== null && width > 0 && Math.abs(width - this.plot.width) > 1) {
      this.plot.setSize({ width, height: HEIGHT });
    }
  }
}

const base = () => ({
  cursor: { drag: { x: false, y: false } },
  legend: { live: false },
  padding: [8, 24, 0, 0],
});

export const performance = () => ({
  ...base(),
  scales: { x: { time: false }, right: { range: [0, 1] }, error: { range: (u, low, high) => [0, Math.max(1, high)] } },
  axes: [
    axis("trial", { space: 60, size: 32, incrs: WHOLE }),
    axis("fraction right", { scale: "right" }),
    axis("squared error", { scale: "error", side: 1, grid: { show: false } }),
  ],
  series: [
    {},
    { label: "fraction right", scale: "right", stroke: css("--blue"), width: 2 },
    { label: "squared error (dashed)", scale: "error", stroke: css("--vermilion"), width: 2, dash: [6, 4] },
  ],
});

export const search = () => ({
  ...base(),
  scales: { x: { time: false } },
  axes: [axis("generation, over all stages", { space: 60, size: 32, incrs: WHOLE }), axis("fitness (lower is better)")],
  series: [
    {},
    { label: "learner: mean", stroke: css("--blue"), width: 2, spanGaps: true },
    { label: "learner: best (dotted)", stroke: css("--blue"), width: 1, dash: [2, 3], spanGaps: true },
    { label: "control: mean (dashed)", stroke: css("--vermilion"), width: 2, dash: [8, 4], spanGaps: true },
  ],
});

const SVG = "http://www.w3.org/2000/svg";

function drawn(kind, values) {
  const made = document.createElementNS(SVG, kind);
  for (const [name, value] of Object.entries(values)) made.setAttribute(name, value);
  return made;
}

// A label above 0 is a square, one below 0 a disc; the larger, the farther from 0.
export function labelMap(place, map) {
  const svg = drawn("svg", { viewBox: "-55 -55 110 110" });
  const far = Math.max(1e-9, ...map.x.map(Math.abs), ...map.y.map(Math.abs));
  svg.append(drawn("rect", { class: "frame", x: -54, y: -54, width: 108, height: 108 }));
  if (["circle", "sphere", "disk"].includes(map.space)) {
    svg.append(drawn("circle", { class: "frame", r: 48 / far }));
  }
  map.label.forEach((label, place_) => {
    if (label === null) return;
    const x = (48 * map.x[place_]) / far;
    const y = (-48 * map.y[place_]) / far;
    const r = 0.8 + 3.2 * Math.min(1, Math.abs(label));
    svg.append(
      label > 0
        ? drawn("rect", { class: "plus", x: x - 0.9 * r, y: y - 0.9 * r, width: 1.8 * r, height: 1.8 * r })
        : drawn("circle", { class: "minus", cx: x, cy: y, r }),
    );
  });
  place.replaceChildren(svg);
}

// How much of what there is was used; a mark where a least amount is.
export function bar(used, most, least) {
  const svg = drawn("svg", { viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" });
  svg.append(drawn("rect", { x: 0, y: 0, height: 8, width: 100 * Math.min(1, used / most) }));
  if (least > 0) {
    const x = 100 * Math.min(1, least / most);
    svg.append(drawn("line", { x1: x, x2: x, y1: 0, y2: 8 }));
  }
  return svg;
}
