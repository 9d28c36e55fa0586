// The script editor: a text field with a painted layer under it; all that is known of the text comes from the server.

import { call, make, say, themeButton } from "./common.js";

const at = (id) => document.getElementById(id);
const area = at("text");
const LINE = 22, PAD = 16;
let token = new URLSearchParams(location.hash.slice(1)).get("token") ?? sessionStorage.getItem("editor-token");
let version = "";
let saved = "";
let named = false;
let found = { diagnostics: [], words: [], outline: [] };
let analyzedText = "";
let asked = 0;
let timer = 0;
let meaningTimer = 0;
let choices = [];
let chosen = 0;
let replacing = false; // nobody is typing, then
let mayLeave = false; // after Escape, Tab leaves the field

const ask = async (path, body, method = "POST") => (await call(path, { method, body, key: token })).json();

async function begin() {
  document.querySelector(".bar").append(themeButton());
  sessionStorage.setItem("editor-token", token ?? "");
  history.replaceState(null, "", "/"); // the token is not left in the address
  const file = await (await call("/api/file", { key: token })).json();
  named = file.name !== null;
  at("name").textContent = file.name ?? "not saved";
  document.title = file.name ?? "Editor";
  at("save").hidden = !named;
  version = file.version;
  saved = area.value = file.text.replaceAll("\r\n", "\n");
  await analyze();
  area.focus();
  area.setSelectionRange(0, 0);
}

function changed() {
  paint();
  at("save").disabled = area.value === saved;
  clearTimeout(timer);
  timer = setTimeout(analyze, 160);
}

async function analyze() {
  const number = ++asked, text = area.value;
  try {
    const told = await ask("/api/analyze", { text });
    if (number !== asked) return; // a newer text is on its way
    found = told;
    analyzedText = text;
  } catch (error) { state("bad", error.message); return; }
  paint();
  listProblems();
  listOutline();
  meaning();
}

/* the painted layer */

const lexical = /#[^\n]*|\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"?|-?\b\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\b/g;

function paint() {
  const text = area.value;
  const lines = text.split("\n");
  const fresh = text === analyzedText ? lines.length : sameLines(lines, analyzedText.split("\n"));
  const words = new Map(), faults = new Map();
  for (const [line, column, length, kind] of found.words) if (line < fresh) push(words, line, [column, column + length, `k-${kind}`]);
  for (const one of found.diagnostics) {
    const [l0, c0, l1, c1] = one.range;
    for (let line = l0; line <= l1 && line < fresh; line++) {
      const start = line === l0 ? c0 : 0, end = line === l1 ? c1 : lines[line]?.length ?? 0;
      push(faults, line, [start, Math.max(end, start + 1), `f-${one.severity}`]);
    }
  }
  const holder = document.createDocumentFragment();
  lines.forEach((line, number) => {
    const marks = [...(words.get(number) ?? [])];
    for (const match of line.matchAll(lexical)) {
      const kind = /^(#|\/\/)/.test(match[0]) ? "comment" : match[0].startsWith('"') ? "string" : "number";
      if (kind !== "number" || !marks.some(([a, b]) => a <= match.index && match.index < b)) marks.push([match.index, match.index + match[0].length, `k-${kind}`]);
    }
    holder.append(...pieces(line, marks, faults.get(number) ?? []), "\n");
  });
  at("paint").replaceChildren(holder);
  paintGutter(lines.length);
}

function sameLines(left, right) {
  let count = 0;
  while (count < left.length && left[count] === right[count]) count++;
  return count;
}

const push = (map, key, value) => map.has(key) ? map.get(key).push(value) : map.set(key, [value]);

/** A line in pieces, each with the classes that hold for it. */
function pieces(line, marks, faults) {
  const cuts = new Set([0, line.length]);
  for (const [start, end] of [...marks, ...faults]) { cuts.add(Math.min(start, line.length)); cuts.add(Math.min(end, line.length)); }
  const places = [...cuts].sort((a, b) => a - b);
  const made = [];
  for (let number = 0; number + 1 < places.length; number++) {
    const start = places[number], text = line.slice(start, places[number + 1]);
    const classes = [marks.find(([a, b]) => a <= start && start < b)?.[2], faults.find(([a, b]) => a <= start && start < b)?.[2]].filter(Boolean);
    made.push(classes.length ? make("span", { class: classes.join(" ") }, text) : text);
  }
  if (faults.some(([start]) => start >= line.length)) made.push(make("span", { class: faults.at(-1)[2] }, " "));
  return made;
}

function paintGutter(count) {
  const worst = new Map();
  for (const one of found.diagnostics) {
    const line = one.range[0];
    if (one.severity === "error" || (one.severity === "warning" && worst.get(line) !== "error")) worst.set(line, one.severity);
  }
  const here = placeOf(area.selectionStart)[0];
  at("gutter").replaceChildren(...Array.from({ length: count }, (_, line) => make("b", { class: [worst.get(line), line === here && "here"].filter(Boolean).join(" ") }, String(line + 1))));
}

/* places */

function placeOf(offset) {
  const before = area.value.slice(0, offset);
  const line = before.split("\n").length - 1;
  return [line, offset - (before.lastIndexOf("\n") + 1)];
}

function offsetOf(line, column) {
  const lines = area.value.split("\n");
  let offset = 0;
  for (let number = 0; number < line && number < lines.length; number++) offset += lines[number].length + 1;
  return Math.min(offset + column, area.value.length);
}

function goTo(line, column, end) {
  const start = offsetOf(line, column);
  area.focus();
  area.setSelectionRange(start, end ?? start);
  const paper = at("paper"), top = PAD + line * LINE;
  if (top < paper.scrollTop + 40 || top > paper.scrollTop + paper.clientHeight - 60) paper.scrollTop = Math.max(0, top - paper.clientHeight / 3);
  moved();
}

/** Replace a range in a way that undo knows. */
function replace(start, end, text) {
  area.focus();
  area.setSelectionRange(start, end);
  replacing = true;
  if (!document.execCommand("insertText", false, text)) area.setRangeText(text, start, end, "end");
  replacing = false;
  close();
  changed();
}

/* the side */

function state(kind, text) {
  at("state").className = `badge ${kind}`;
  at("state").textContent = text;
}

function listProblems() {
  const shown = found.diagnostics;
  const errors = shown.filter((one) => one.severity === "error").length, warnings = shown.filter((one) => one.severity === "warning").length;
  const parts = [errors && `${errors} error${errors > 1 ? "s" : ""}`, warnings && `${warnings} warning${warnings > 1 ? "s" : ""}`].filter(Boolean);
  state(errors ? "bad" : warnings ? "warn" : "good", parts.join(", ") || "no faults");
  at("count").textContent = shown.length ? String(shown.length) : "";
  if (!shown.length) { at("problems").replaceChildren(make("li", { class: "empty" }, "No faults")); return; }
  const rank = { error: 0, warning: 1, info: 2 };
  const ordered = [...shown].sort((a, b) => rank[a.severity] - rank[b.severity] || a.range[0] - b.range[0]);
  at("problems").replaceChildren(...ordered.slice(0, 100).map((one) => make("li", {},
    make("button", { class: "at", type: "button", onclick: () => goTo(one.range[0], one.range[1]) },
      make("span", { class: "head" }, make("b", { class: one.severity }, one.code), `line ${one.range[0] + 1}`),
      make("span", {}, one.message), one.help && make("div", { class: "help" }, one.help)),
    one.edits.length > 0 && make("button", { class: "button fix", type: "button", onclick: () => cure(one) }, "Fix"))));
}

function cure(one) {
  if (area.value !== analyzedText) return;
  for (const edit of [...one.edits].sort((a, b) => b.range[0] - a.range[0] || b.range[1] - a.range[1])) {
    const [l0, c0, l1, c1] = edit.range;
    replace(offsetOf(l0, c0), offsetOf(l1, c1), edit.text);
  }
  say("Fixed.");
}

function listOutline() {
  const here = found.outline;
  at("outline").replaceChildren(...(here.length ? here.map((one) => make("li", {}, make("button", { type: "button", onclick: () => goTo(one.line, 0) }, one.name, make("span", {}, one.detail ?? "")))) : [make("li", { class: "empty" }, "No blocks yet")]));
}

function moved() {
  paintGutter(area.value.split("\n").length);
  clearTimeout(meaningTimer);
  meaningTimer = setTimeout(meaning, 200);
}

async function meaning() {
  const [line, character] = placeOf(area.selectionStart);
  const told = await ask("/api/hover", { text: area.value, line, character }).catch(() => ({ card: null }));
  at("meaning").replaceChildren(...(told.card ? markdown(told.card) : [make("p", { class: "soft" }, "Put the cursor on a block, a field or a value.")]));
}

/** The little Markdown that cards are written in: bold, code, lists, fences, rules. */
function markdown(text) {
  const made = [];
  let list = null;
  const blocks = text.split(/```\w*\n([\s\S]*?)```/);
  blocks.forEach((block, number) => {
    if (number % 2) { list = null; made.push(make("pre", {}, make("code", {}, block.trimEnd()))); return; }
    for (const line of block.split("\n")) {
      if (line.startsWith("- ")) {
        if (!list) made.push(list = make("ul"));
        list.append(make("li", {}, ...inline(line.slice(2))));
        continue;
      }
      list = null;
      if (line.trim() && line.trim() !== "---") made.push(make("p", {}, ...inline(line)));
    }
  });
  return made;
}

function inline(text) {
  return text.split(/(\*\*[^*]+\*\*|`[^`]+`)/).map((part) => part.startsWith("**") ? make("strong", {}, part.slice(2, -2)) : part.startsWith("`") ? make("code", {}, part.slice(1, -1)) : part);
}

/* completion */

async function complete(wanted = true) {
  const [line, character] = placeOf(area.selectionStart), text = area.value;
  const told = await ask("/api/complete", { text, line, character }).catch(() => ({ items: [] }));
  if (area.value !== text) return;
  const typed = typedBefore().toLowerCase();
  choices = told.items.filter((one) => one.label.toLowerCase().startsWith(typed)).sort((a, b) => (a.sort < b.sort ? -1 : 1));
  if (!choices.length || (choices.length === 1 && choices[0].label.toLowerCase() === typed)) { close(); if (wanted && !choices.length) say("No choices here."); return; }
  chosen = 0;
  showChoices(line, character - typed.length);
}

const typedBefore = () => /[\w.-]*$/.exec(area.value.slice(0, area.selectionStart))[0];

function showChoices(line, column) {
  const box = at("choices");
  box.replaceChildren(...choices.slice(0, 80).map((one, number) => make("li", { role: "option", id: `choice-${number}`, "aria-selected": String(number === chosen), onmousedown: (event) => { event.preventDefault(); chosen = number; pick(); } }, one.label, make("span", {}, one.detail ?? ""))));
  box.hidden = false;
  const width = measure();
  box.style.left = `${16 + Math.max(0, column) * width}px`;
  const below = PAD + (line + 1) * LINE + 2, paper = at("paper");
  const room = paper.scrollTop + paper.clientHeight - below;
  box.style.top = room < Math.min(box.offsetHeight, 250) && below > box.offsetHeight + LINE ? `${below - LINE - box.offsetHeight - 4}px` : `${below}px`;
  mark();
}

let letter = 0;
function measure() {
  if (!letter) {
    const probe = make("span", {}, "m".repeat(50));
    at("paint").append(probe);
    letter = probe.getBoundingClientRect().width / 50;
    probe.remove();
  }
  return letter;
}

function mark() {
  const box = at("choices");
  [...box.children].forEach((one, number) => one.setAttribute("aria-selected", String(number === chosen)));
  box.children[chosen]?.scrollIntoView({ block: "nearest" });
  area.setAttribute("aria-activedescendant", `choice-${chosen}`);
  const one = choices[chosen];
  say(`${one.label}${one.detail ? `, ${one.detail}` : ""}, ${chosen + 1} of ${choices.length}`);
  if (one.card) at("meaning").replaceChildren(...markdown(one.card));
}

function close() {
  at("choices").hidden = true;
  area.removeAttribute("aria-activedescendant");
}

function pick() {
  const one = choices[chosen];
  close();
  const range = one.range;
  const start = range ? offsetOf(range[0], range[1]) : area.selectionStart - typedBefore().length;
  const end = range ? Math.max(offsetOf(range[2], range[3]), area.selectionStart) : area.selectionStart;
  replace(start, end, one.text);
}

/* keys */

area.addEventListener("input", (event) => {
  if (replacing) return;
  changed();
  if (event.inputType === "insertText" && /[\w"]/.test(event.data ?? "")) complete(false);
  else if (!at("choices").hidden) complete(false);
});
area.addEventListener("keydown", (event) => {
  const open = !at("choices").hidden;
  if (open && ["ArrowDown", "ArrowUp"].includes(event.key)) {
    event.preventDefault();
    chosen = (chosen + (event.key === "ArrowDown" ? 1 : -1) + choices.length) % choices.length;
    mark();
  } else if (open && (event.key === "Enter" || event.key === "Tab")) { event.preventDefault(); pick(); }
  else if (event.key === "Escape") { mayLeave = !open; close(); }
  else if (event.key === " " && event.ctrlKey) { event.preventDefault(); complete(); }
  else if (event.key === "Tab" && !event.shiftKey && !mayLeave) { event.preventDefault(); replace(area.selectionStart, area.selectionEnd, "  "); }
  else if (event.key === "Enter") {
    const line = area.value.slice(0, area.selectionStart).split("\n").at(-1);
    const indent = /^\s*/.exec(line)[0] + (/[{[]\s*$/.test(line) ? "  " : "");
    event.preventDefault();
    replace(area.selectionStart, area.selectionEnd, `\n${indent}`);
  } else if (event.key === "F8") { event.preventDefault(); nextFault(event.shiftKey ? -1 : 1); }
  if (event.key !== "Escape" && event.key !== "Tab") mayLeave = false;
});
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") { event.preventDefault(); save(); }
});
document.addEventListener("selectionchange", () => { if (document.activeElement === area) moved(); });
area.addEventListener("blur", close);
area.addEventListener("pointerdown", close);

function nextFault(by) {
  const list = [...found.diagnostics].filter((one) => one.severity !== "info").sort((a, b) => a.range[0] - b.range[0] || a.range[1] - b.range[1]);
  if (!list.length) { say("No faults."); return; }
  const [line, column] = placeOf(area.selectionStart);
  const after = list.findIndex((one) => one.range[0] > line || (one.range[0] === line && one.range[1] > column));
  const before = list.findLastIndex((one) => one.range[0] < line || (one.range[0] === line && one.range[1] < column));
  const one = by > 0 ? list[after < 0 ? 0 : after] : list[before < 0 ? list.length - 1 : before];
  goTo(one.range[0], one.range[1]);
  say(`${one.severity}, line ${one.range[0] + 1}: ${one.message}`);
}

async function save() {
  if (!named || area.value === saved) return;
  const text = area.value;
  try {
    version = (await ask("/api/file", { text, version }, "PUT")).version;
    saved = text;
    at("save").disabled = area.value === saved;
    say("Saved.");
  } catch (error) { state("bad", error.message); say(error.message); }
}

at("save").addEventListener("click", save);
at("format").addEventListener("click", async () => {
  const told = await ask("/api/format", { text: area.value }).catch(() => ({ text: null }));
  if (told.text === null) { say("It can't be laid out: mend the faults first."); return; }
  if (told.text !== area.value) {
    const [line] = placeOf(area.selectionStart);
    replace(0, area.value.length, told.text);
    goTo(Math.min(line, told.text.split("\n").length - 1), 0);
  }
});
window.addEventListener("beforeunload", (event) => { if (named && area.value !== saved) event.preventDefault(); });
begin().catch((error) => state("bad", error.status === 401 ? "open it at the address that the command printed" : error.message));
