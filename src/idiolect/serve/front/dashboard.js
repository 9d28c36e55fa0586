// The page of a run: what its live file says as it grows, and what its other files hold.

import { call, events, make, say, themeButton } from "./common.js";
import { plot, short, smooth, spark } from "./plot.js";

const at = (id) => document.getElementById(id);
const MOST = 20000;
const series = {}; // name: [[step, value], ...]
const load = {}; // of the machine, over the samples
const decisions = [];
const checkpoints = [];
let facts = {};
let begun = null;
let ended = null;
let step = 0;
let epoch = 0;
let lastTime = null;
let samples = 0;
let due = false;

function point(name, x, y) {
  if (typeof y !== "number" || !Number.isFinite(y)) return;
  const points = (series[name] ??= []);
  if (points.length && points.at(-1)[0] >= x) while (points.length && points.at(-1)[0] >= x) points.pop(); // a run that went on
  points.push([x, y]);
  if (points.length > MOST) series[name] = points.filter((_, number) => number % 2 === 0);
}

function take(line) {
  lastTime = line.time ?? lastTime;
  const { kind } = line;
  if (kind === "begin") {
    begun = line;
    ended = null;
    const from = line.from_step ?? 0;
    if (!from) for (const name of Object.keys(series)) delete series[name];
    if (!from) { decisions.length = 0; checkpoints.length = 0; }
    step = from;
  } else if (kind === "step" || kind === "validation") {
    step = Math.max(line.step ?? step, 0);
    epoch = line.epoch ?? epoch;
    for (const [name, value] of Object.entries(line)) {
      if (["time", "kind", "step", "epoch"].includes(name)) continue;
      point(kind === "validation" ? validationName(name) : name, line.step, value);
    }
  } else if (kind === "sample") {
    samples += 1;
    for (const [name, value] of Object.entries(line)) {
      if (["time", "kind", "step", "epoch"].includes(name) || typeof value !== "number") continue;
      const points = (load[name] ??= []);
      points.push([samples, value]);
      if (points.length > 240) points.shift();
    }
  } else if (kind === "decision" || kind === "notification" || kind === "hook") decisions.push(line);
  else if (kind === "checkpoint") checkpoints.push(line);
  else if (kind === "end") ended = line;
}

const validationName = (name) => `val_${name.replace(/^(eval|val)_/, "")}`;

function drawSoon() {
  if (due) return;
  due = true;
  requestAnimationFrame(() => { due = false; draw(); });
}

function draw() {
  drawProgress();
  drawTiles();
  const loss = series.loss ?? [];
  const lines = [];
  if (loss.length > 30) lines.push({ name: "each step", points: loss, faint: true });
  lines.push({ name: "training", points: loss.length > 30 ? smooth(loss, 0.9) : loss });
  const validation = series.val_loss ?? [];
  lines.push({ name: "validation", points: validation, style: "two", dots: true });
  const marks = decisions.filter((one) => typeof one.step === "number").slice(-40).map((one) => ({ x: one.step, title: decided(one) }));
  plot(at("loss"), { lines, events: marks, label: "Loss" });
  legend("loss-legend", [["training", ""], ...(validation.length ? [["validation", "two"]] : []), ...(marks.length ? [["decision", "event"]] : [])]);
  plot(at("rate"), { lines: [{ name: "rate", points: series.learning_rate ?? [], style: "three" }], label: "Learning rate", height: 270, zero: true });
  const speed = series.tokens_per_second ?? series.samples_per_second ?? series.steps_per_second ?? [];
  const unit = series.tokens_per_second ? "tokens/s" : series.samples_per_second ? "examples/s" : "steps/s";
  plot(at("speed"), { lines: [{ name: unit, points: smooth(speed, 0.6), style: "four" }], label: "Speed", height: 270, zero: true });
  legend("speed-legend", speed.length ? [[unit, "four"]] : []);
  drawDecisions();
  drawLoad();
  drawMetrics();
  drawCheckpoints();
}

function drawProgress() {
  const total = begun?.total_steps ?? facts.facts?.total_steps ?? 0;
  at("progress").max = Math.max(total, 1);
  at("progress").value = Math.min(step, Math.max(total, 1));
  if (step) {
    const left = (facts.state ?? "").startsWith("running") ? timeLeft(total) : "";
    at("progress-told").textContent = `Step ${step.toLocaleString("en")}${total ? ` of ${total.toLocaleString("en")}` : ""}, epoch ${short(epoch)}${left ? `, about ${left} left` : ""}`;
  }
  const state = facts.state ?? "";
  const running = state.startsWith("running") && !ended;
  const how = ended ? `training ${ended.ended ?? ended.how ?? "ended"}` : running ? "running" : state || "no run";
  at("state").textContent = how;
  at("state").className = `badge ${running ? "busy" : /fail|damag|died|nan|diverg/i.test(how) ? "bad" : /^done|finish|complete/i.test(how) ? "good" : ""}`;
  at("when").textContent = lastTime ? `last word ${new Date(lastTime).toLocaleTimeString()}` : "";
}

function timeLeft(total) {
  if (!begun || ended || !total || !lastTime) return "";
  const done = step - (begun.from_step ?? 0);
  const seconds = ((new Date(lastTime) - new Date(begun.time)) / 1000 / done) * (total - step);
  if (!Number.isFinite(seconds) || seconds <= 0 || done < 1) return "";
  if (seconds < 60) return `${Math.round(seconds)} s`;
  return seconds < 3600 ? `${Math.round(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}

function drawTiles() {
  const last = (name) => series[name]?.at(-1)?.[1];
  const best = series.val_loss?.length ? Math.min(...series.val_loss.map((one) => one[1])) : undefined;
  const tiles = [
    ["Loss", short(last("loss"))],
    ["Validation loss", short(last("val_loss")), best !== undefined ? `best ${short(best)}` : ""],
    ["Learning rate", short(last("learning_rate"))],
    ["Speed", short(last("tokens_per_second") ?? last("samples_per_second")), last("tokens_per_second") !== undefined ? "tokens/s" : ""],
    ["Gradient", short(last("grad_norm"))],
    ["Decisions", String(decisions.length)],
  ].filter(([, value], number) => value !== "–" || number < 2);
  at("tiles").replaceChildren(...tiles.map(([name, value, note]) => make("div", { class: "card tile" }, make("dt", {}, name), make("dd", {}, value, " ", make("small", {}, note ?? "")))));
}

function legend(id, parts) {
  at(id).replaceChildren(...parts.map(([name, style]) => make("span", { class: style }, name)));
}

function decided(one) {
  return String(one.action ?? one.message ?? one.hook ?? one.name ?? one.kind);
}

function drawDecisions() {
  at("decisions-count").textContent = decisions.length ? String(decisions.length) : "";
  if (!decisions.length) { at("decisions").replaceChildren(make("li", { class: "empty" }, "None so far: no rule of CONTROL has fired")); return; }
  at("decisions").replaceChildren(...decisions.slice(-80).reverse().map((one) => {
    const why = [one.condition ?? one.rule ?? one.event, one.result ?? one.outcome ?? one.detail].filter(Boolean).map(String).join(" → ");
    const seen = one.values && typeof one.values === "object" ? Object.entries(one.values).map(([name, value]) => `${name} ${typeof value === "number" ? short(value) : value}`).join(", ") : "";
    return make("li", {}, make("span", { class: "step" }, one.step === undefined ? one.kind : `step ${one.step}`), make("span", {}, decided(one)), (why || seen) && make("span", { class: "why" }, [why, seen && `(${seen})`].filter(Boolean).join(" ")));
  }));
}

const LOADS = ["gpu_usage", "gpu_memory", "gpu_temperature", "cpu_usage", "ram_used", "ram_usage", "memory_usage", "disk_io", "power"];

function drawLoad() {
  const names = Object.keys(load).sort((a, b) => (LOADS.indexOf(a) + 1 || 99) - (LOADS.indexOf(b) + 1 || 99)).slice(0, 5);
  if (!names.length) { at("load").replaceChildren(make("p", { class: "empty" }, "No samples: MONITOR.log_system takes them")); return; }
  at("load").replaceChildren(...names.map((name, number) => make("div", {},
    make("div", { class: "head" }, make("span", { class: "soft" }, name.replaceAll("_", " ")), make("b", {}, short(load[name].at(-1)[1]))),
    spark(load[name], ["", "two", "three", "four", ""][number]))));
}

function drawMetrics() {
  const rows = Object.entries(series).filter(([name]) => name.startsWith("val_")).map(([name, points]) => [name, points[0][1], points.at(-1)[1]]);
  const finals = Object.entries(facts.metrics ?? {});
  if (!rows.length && !finals.length) { at("metrics").replaceChildren(make("p", { class: "empty" }, "No validation so far")); return; }
  const table = make("table", {}, make("thead", {}, make("tr", {}, ...["Metric", "First", "Now", "Final"].map((one) => make("th", { scope: "col" }, one)))));
  const body = make("tbody");
  const told = new Map(rows.map(([name, first, now]) => [name, [first, now, null]]));
  for (const [name, value] of finals) told.set(name, [...(told.get(name) ?? [null, null]).slice(0, 2), value]);
  for (const [name, values] of told) body.append(make("tr", {}, make("td", {}, name), ...values.map((one) => make("td", { class: "number" }, one === null ? "" : short(one)))));
  table.append(body);
  at("metrics").replaceChildren(table);
}

function drawCheckpoints() {
  const kind = { done: "good", "gate failed": "bad", failed: "bad" };
  at("stages").replaceChildren(...(facts.stages ?? []).map((one) => make("span", { class: `badge ${kind[one.ending] ?? ""}` }, `${one.name} ${one.ending}`)));
  at("checkpoints").replaceChildren(...checkpoints.slice(-6).reverse().map((one) => make("li", {}, make("span", { class: "step" }, `step ${one.step}`), make("span", {}, String(one.path ?? "checkpoint").split("/").at(-1)))));
}

function drawAnswers() {
  const answers = facts.answers ?? [];
  at("answers-count").textContent = answers.length ? `${answers.length} of the newest evaluation, wrong ones first` : "";
  if (!answers.length) { at("answers").replaceChildren(make("p", { class: "empty" }, "The evaluation has judged no answers yet")); return; }
  const head = make("tr", {}, ...["Verdict", "Suite", "Answer", "Expected"].map((one) => make("th", { scope: "col" }, one)));
  const rows = answers.map((one) => {
    const [kind, word] = one.valid === null ? ["warn", "not judged"] : !one.valid ? ["bad", "not valid"] : one.right ? ["good", "right"] : one.right === null ? ["good", "valid"] : ["warn", "valid, not right"];
    return make("tr", {}, make("td", {}, make("span", { class: `badge ${kind}` }, word), make("div", { class: "small soft" }, one.errors.join(", "))), make("td", {}, one.suite), make("td", {}, make("pre", { tabindex: "0" }, one.answer)), make("td", {}, make("pre", { tabindex: "0" }, one.expected)));
  });
  at("answers").replaceChildren(make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows)));
}

async function renew() {
  facts = await (await call("/run")).json();
  document.title = `${facts.name} · run`;
  at("name").textContent = facts.name;
  if (!facts.live) { // a run of before there was a live file: what its other files say
    for (const [name, one] of Object.entries(facts.series)) series[name] = one.steps.map((x, number) => [x, one.values[number]]);
    decisions.splice(0, decisions.length, ...facts.decisions);
    step = Math.max(0, ...Object.values(facts.series).map((one) => one.steps.at(-1) ?? 0));
  }
  drawAnswers();
  drawSoon();
}

async function follow() {
  for (;;) {
    try {
      for await (const { name, data } of events(await call("/events"))) {
        if (name !== "lines") continue;
        const before = decisions.length;
        data.forEach(take);
        if (decisions.length > before && before) say(`New decision: ${decided(decisions.at(-1))}`);
        if (data.some((one) => ["end", "checkpoint", "begin"].includes(one.kind))) renew().catch(() => {});
        drawSoon();
      }
    } catch { /* the server has gone: it is asked again */ }
    at("state").textContent = "connection lost";
    at("state").className = "badge warn";
    await new Promise((done) => setTimeout(done, 2000));
    for (const name of Object.keys(series)) delete series[name];
    decisions.length = 0;
    checkpoints.length = 0;
    await renew().catch(() => {});
  }
}

document.querySelector(".bar").append(themeButton());
new ResizeObserver(drawSoon).observe(at("loss"));
setInterval(() => renew().catch(() => {}), 10000);
renew().then(follow, follow);
