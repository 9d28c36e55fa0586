// Curves as SVG: a grid with round numbers, lines, events, and a reading under the pointer or the arrow keys.

const SPACE = "http://www.w3.org/2000/svg";
const HEIGHT = 240;
const LEFT = 52, RIGHT = 14, TOP = 12, BOTTOM = 26;

function element(tag, attributes, text) {
  const made = document.createElementNS(SPACE, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

/** A number as short as it can be read. */
export function short(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.001 || size >= 1e7)) return value.toExponential(1).replace("e+", "e");
  if (size >= 10000) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(size >= 100 ? 4 : 3)));
}

/** Round numbers between two ends. */
export function ticks(low, high, count) {
  const span = high - low || Math.abs(high) || 1;
  const raw = span / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 2.5, 5, 10].find((one) => one * power >= raw);
  const found = [];
  for (let at = Math.ceil(low / step - 1e-9) * step; at <= high + step * 1e-9; at += step) found.push(Number(at.toPrecision(12)));
  return found;
}

/** The running mean that makes a noisy line readable. */
export function smooth(points, weight) {
  let mean = 0, total = 0;
  return points.map(([x, y]) => {
    mean = mean * weight + y * (1 - weight);
    total = total * weight + (1 - weight);
    return [x, mean / total];
  });
}

/** At most so many points of a line, each the lowest and highest of its part, so that no peak is lost. */
export function thin(points, most) {
  if (points.length <= most) return points;
  const size = Math.ceil((2 * points.length) / most);
  const found = [];
  for (let at = 0; at < points.length; at += size) {
    const part = points.slice(at, at + size);
    const low = part.reduce((a, b) => (b[1] < a[1] ? b : a)), high = part.reduce((a, b) => (b[1] > a[1] ? b : a));
    found.push(...(low[0] <= high[0] ? [low, high] : [high, low]));
  }
  return found;
}

/** Draw lines into a place. Each line: name, points [x, y], style, and whether it is drawn as dots too. */
export function plot(place, { lines, events = [], label, height = HEIGHT, zero = false }) {
  const drawn = lines.filter((one) => one.points.length);
  if (!drawn.length) {
    place.replaceChildren(Object.assign(document.createElement("p"), { className: "empty", textContent: "Nothing yet" }));
    return;
  }
  const width = Math.max(place.clientWidth - 36, 240);
  const xs = drawn.flatMap((one) => [one.points[0][0], one.points.at(-1)[0]]);
  const ys = drawn.filter((one) => !one.faint || drawn.length === 1).flatMap((one) => one.points.map((point) => point[1])).filter(Number.isFinite);
  const x0 = Math.min(...xs), x1 = Math.max(...xs) > x0 ? Math.max(...xs) : x0 + 1;
  let y0 = ys.reduce((a, b) => Math.min(a, b), Infinity), y1 = ys.reduce((a, b) => Math.max(a, b), -Infinity);
  if (zero) y0 = Math.min(0, y0);
  if (y0 === y1) { y0 -= Math.abs(y0) * 0.1 || 0.5; y1 += Math.abs(y1) * 0.1 || 0.5; }
  const pad = (y1 - y0) * 0.06;
  if (!(zero && y0 === 0)) y0 -= pad;
  y1 += pad;
  const px = (x) => LEFT + ((x - x0) / (x1 - x0)) * (width - LEFT - RIGHT);
  const py = (y) => TOP + (1 - (Math.min(Math.max(y, y0), y1) - y0) / (y1 - y0)) * (height - TOP - BOTTOM);

  const last = drawn.filter((one) => !one.faint).map((one) => `${one.name} ${short(one.points.at(-1)[1])}`).join(", ");
  const svg = element("svg", { class: "plot", viewBox: `0 0 ${width} ${height}`, role: "img", tabindex: "0", "aria-label": `${label}: ${last}, at step ${short(x1)}` });
  for (const y of ticks(y0, y1, 4)) {
    svg.append(element("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: py(y), y2: py(y) }));
    svg.append(element("text", { x: LEFT - 8, y: py(y) + 4, "text-anchor": "end" }, short(y)));
  }
  for (const x of ticks(x0, x1, width > 500 ? 7 : 4)) svg.append(element("text", { x: px(x), y: height - 6, "text-anchor": "middle" }, short(x)));
  for (const one of events) {
    if (one.x < x0 || one.x > x1) continue;
    const mark = element("line", { class: "event", x1: px(one.x), x2: px(one.x), y1: TOP, y2: height - BOTTOM });
    mark.append(element("title", {}, one.title));
    svg.append(mark);
  }
  for (const one of drawn) {
    const path = thin(one.points, width).map(([x, y], at) => `${at ? "L" : "M"}${px(x).toFixed(1)} ${py(y).toFixed(1)}`).join("");
    svg.append(element("path", { class: `line ${one.style ?? ""} ${one.faint ? "faint" : ""}`, d: path }));
    if (one.dots) for (const [x, y] of one.points.slice(-200)) svg.append(element("circle", { class: "dot", cx: px(x), cy: py(y), r: 3.5 }));
  }
  const cross = element("line", { class: "cross", y1: TOP, y2: height - BOTTOM, visibility: "hidden" });
  svg.append(cross);
  const tip = Object.assign(document.createElement("div"), { className: "tip", hidden: true });
  const main = drawn.find((one) => !one.faint);
  let index = main.points.length - 1;
  const show = () => {
    const x = main.points[index][0];
    cross.setAttribute("x1", px(x));
    cross.setAttribute("x2", px(x));
    cross.setAttribute("visibility", "visible");
    const said = drawn.filter((one) => !one.faint).map((one) => `${one.name} ${short(nearest(one.points, x))}`);
    tip.textContent = `step ${short(x)} · ${said.join(" · ")}`;
    tip.hidden = false;
    const scale = svg.clientWidth / width;
    const left = px(x) * scale + 18;
    tip.style.top = "8px";
    tip.style.left = `${left + 14 + tip.clientWidth > place.clientWidth ? left - tip.clientWidth - 14 : left + 14}px`;
  };
  const hide = () => { tip.hidden = true; cross.setAttribute("visibility", "hidden"); };
  svg.addEventListener("pointermove", (event) => {
    const x = x0 + ((event.offsetX * (width / svg.clientWidth) - LEFT) / (width - LEFT - RIGHT)) * (x1 - x0);
    index = nearestIndex(main.points, x);
    show();
  });
  svg.addEventListener("pointerleave", hide);
  svg.addEventListener("blur", hide);
  svg.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20, Home: -1e9, End: 1e9 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    index = Math.min(Math.max(index + by, 0), main.points.length - 1);
    show();
    document.getElementById("say").textContent = tip.textContent;
  });
  const focused = place.querySelector("svg") === document.activeElement && document.activeElement !== null;
  place.replaceChildren(svg, tip);
  if (focused) svg.focus({ preventScroll: true });
}

/** A small line without numbers. */
export function spark(points, style) {
  const width = 260, height = 34;
  const svg = element("svg", { class: "plot", viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  if (points.length < 2) return svg;
  const ys = points.map((one) => one[1]), low = Math.min(...ys), high = Math.max(...ys);
  const px = (at) => (at / (points.length - 1)) * width, py = (y) => 3 + (1 - (y - low) / (high - low || 1)) * (height - 6);
  svg.append(element("path", { class: `line ${style}`, d: points.map(([, y], at) => `${at ? "L" : "M"}${px(at).toFixed(1)} ${py(y).toFixed(1)}`).join("") }));
  return svg;
}

function nearestIndex(points, x) {
  let low = 0, high = points.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle][0] < x) low = middle + 1; else high = middle;
  }
  return low > 0 && x - points[low - 1][0] < points[low][0] - x ? low - 1 : low;
}

const nearest = (points, x) => points[nearestIndex(points, x)][1];
