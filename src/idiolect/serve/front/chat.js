// The page to ask at: requests, answers as they are written, verdicts with faults, context, feedback.

import { call, copy, events, icon, make, say, themeButton } from "./common.js";

const at = (id) => document.getElementById(id);
const turns = at("turns");
const history = []; // what was said, for the next request
let server = {};
let running = null; // of the request that is being answered

const key = () => sessionStorage.getItem("key") ?? "";

async function begin() {
  document.querySelector(".bar").append(themeButton());
  at("send").append(icon("send"));
  server = await (await call("/about")).json();
  document.title = server.name;
  at("name").textContent = server.name;
  at("about").textContent = server.language ? `writes ${server.language}` : "";
  if (!server.language) at("promise").textContent = "Answers are written freely: this server has no language to check them by.";
  at("key").hidden = !server.needs_key;
  if (server.example) {
    at("example").textContent = server.example;
    at("example").hidden = false;
  }
  if (server.needs_key && !key()) await askKey();
  at("question").focus();
}

async function askKey() {
  const dialog = at("ask-key");
  at("key-text").value = "";
  dialog.showModal();
  await new Promise((done) => dialog.addEventListener("close", done, { once: true }));
  if (dialog.returnValue === "ok") sessionStorage.setItem("key", at("key-text").value.trim());
}

/** One request with the place of its answer. */
class Turn {
  constructor(asked) {
    this.asked = asked;
    this.text = "";
    this.badge = make("span", { class: "badge busy" }, "writing");
    this.told = make("span", {});
    this.code = make("pre", { class: "caret", tabindex: "0", "aria-label": "Answer" });
    this.card = make("article", { class: "card answer" }, make("header", {}, this.badge, this.told), this.code);
    this.place = make("section", { class: "turn" }, make("div", { class: "asked" }, asked), this.card);
    turns.append(this.place);
    this.place.scrollIntoView({ block: "end", behavior: "smooth" });
  }

  draft({ start, text }) {
    this.text = this.text.slice(0, start) + text;
    this.code.textContent = this.text;
    if (nearEnd()) window.scrollTo(0, document.body.scrollHeight);
  }

  settle(answer) {
    this.answer = answer;
    this.text = answer.text;
    this.code.classList.remove("caret");
    this.code.replaceChildren(...marked(answer.text, answer.faults));
    const [kind, word] = verdictOf(answer);
    this.badge.className = `badge ${kind}`;
    this.badge.textContent = word;
    const facts = [`${answer.tokens} tokens`];
    if (answer.forced) facts.push(`${answer.forced} by the grammar`);
    if (answer.candidates > 1) facts.push(`best of ${answer.candidates}`);
    this.told.textContent = facts.join(" · ");
    if (answer.faults.length) this.card.append(faultList(answer.faults));
    const lines = [...answer.actions.map((one) => `${one.what}: ${one.why}`), ...answer.notes];
    if (lines.length) this.card.append(folded("How it came about", make("div", { class: "lines" }, ...lines.map((line) => make("p", {}, line)))));
    if (answer.context) this.card.append(folded("Context it was given", make("pre", { tabindex: "0" }, answer.context)));
    this.card.append(this.foot());
    say(`${word}. ${answer.faults.length ? `${answer.faults.length} faults.` : ""}`);
  }

  fail(error) {
    this.code.classList.remove("caret");
    const stopped = error.name === "AbortError";
    this.badge.className = `badge ${stopped ? "" : "bad"}`;
    this.badge.textContent = stopped ? "stopped" : "not answered";
    const wait = error.wait ? ` Try again in ${error.wait} s.` : "";
    if (!stopped) this.code.textContent = `${error.message}${wait}`;
    say(stopped ? "Stopped." : error.message);
  }

  foot() {
    const copied = make("button", { class: "button plain", type: "button", onclick: async () => {
      await copy(this.text);
      label.textContent = "Copied";
      setTimeout(() => { label.textContent = "Copy"; }, 1500);
    } }, icon("copy"));
    const label = make("span", { "aria-live": "polite" }, "Copy");
    copied.append(label);
    const foot = make("footer", {}, copied, make("span", { class: "grow" }));
    if (!server.feedback) return foot;
    const up = this.thumb("up", 1, "Good answer");
    const down = this.thumb("down", -1, "Bad answer");
    const pen = make("button", { class: "button plain", type: "button", "aria-expanded": "false", onclick: () => this.correct(pen) }, icon("pen"), "Correct");
    foot.append(up, down, pen);
    return foot;
  }

  thumb(name, rating, label) {
    const button = make("button", { class: "button plain", type: "button", "aria-label": label, title: label, "aria-pressed": "false", onclick: async () => {
      if (!(await this.send({ rating }))) return;
      for (const one of button.parentElement.querySelectorAll("[aria-pressed]")) one.setAttribute("aria-pressed", String(one === button));
      say("Thank you.");
    } }, icon(name));
    return button;
  }

  correct(pen) {
    if (this.form) {
      this.form.remove();
      this.form = null;
      pen.setAttribute("aria-expanded", "false");
      return;
    }
    const area = make("textarea", { class: "code", rows: "6", spellcheck: "false", "aria-label": "What the answer should have been" });
    area.value = this.text;
    const told = make("span", { class: "small soft", role: "status" });
    const check = async () => {
      const response = await call("/check", { method: "POST", key: key(), body: { text: area.value, context: this.answer.context || null } });
      const found = await response.json();
      return found.valid ? "" : found.faults[0]?.message ?? found.verdict.not_judged ?? "not valid";
    };
    const keep = make("button", { class: "button main", type: "button", onclick: async () => {
      try {
        const wrong = server.language ? await check() : "";
        if (wrong) { told.textContent = `It does not verify: ${wrong}`; return; }
      } catch (error) { told.textContent = error.message; return; }
      if (await this.send({ correction: area.value })) { this.correct(pen); say("The correction is kept."); pen.lastChild.textContent = "Corrected"; }
    } }, "Keep the correction");
    this.form = make("div", { class: "correct" }, area, make("div", { class: "row" }, keep, told));
    this.card.append(this.form);
    pen.setAttribute("aria-expanded", "true");
    area.focus();
  }

  async send(what) {
    try {
      await call("/feedback", { method: "POST", key: key(), body: { id: this.answer.id, ...what } });
      return true;
    } catch (error) { say(error.message); this.told.textContent = error.message; return false; }
  }
}

function verdictOf(answer) {
  if (answer.actions.some((one) => ["withheld", "GUARD STOP", "GUARD REPLACE"].includes(one.what))) return ["warn", "withheld"];
  if (answer.verdict === null) return ["", "not checked"];
  if (answer.verdict.not_judged !== null) return ["warn", "could not be judged"];
  return answer.valid ? ["good", "valid"] : ["bad", "not valid"];
}

/** The text with its faults underlined. Spans count characters, which may be two units here. */
function marked(text, faults) {
  const characters = Array.from(text);
  const spans = faults.filter((one) => one.start !== null && one.severity !== "note").sort((a, b) => a.start - b.start);
  const parts = [];
  let done = 0;
  for (const one of spans) {
    if (one.start < done) continue;
    const end = Math.max(one.end, one.start + 1);
    parts.push(characters.slice(done, one.start).join(""), make("mark", { class: one.severity, title: one.message }, characters.slice(one.start, end).join("") || " "));
    done = end;
  }
  return [...parts, characters.slice(done).join("")];
}

function faultList(faults) {
  return make("ul", { class: "faults", "aria-label": "Faults" }, ...faults.slice(0, 20).map((one) => make("li", {},
    make("span", { class: "where" }, one.line === null ? "–" : `${one.line}:${one.column}`),
    make("span", {}, one.message, " ", make("code", {}, one.code)),
    one.hint && make("span", { class: "hint" }, one.hint))));
}

function folded(title, content) {
  return make("details", {}, make("summary", {}, title), content);
}

const nearEnd = () => window.innerHeight + window.scrollY > document.body.scrollHeight - 160;

async function ask(text) {
  at("welcome").hidden = true;
  at("fresh").hidden = false;
  const turn = new Turn(text);
  running = new AbortController();
  at("send").replaceChildren(icon("stop"));
  at("send").setAttribute("aria-label", "Stop");
  const context = at("context").value.trim();
  const body = { instruction: text, stream: true, candidates: Number(at("candidates").value), history: history.slice(-20) };
  if (context) body.context = context;
  if (body.candidates > 1) body.temperature = 0.4;
  try {
    const response = await call("/generate", { method: "POST", body, key: key(), signal: running.signal });
    for await (const { name, data } of events(response)) {
      if (name === "draft") turn.draft(data);
      else if (name === "answer") turn.settle(data);
      else if (name === "error") throw Object.assign(new Error(data.error.message), { code: data.error.code });
    }
    if (turn.answer) history.push({ role: "user", content: text }, { role: "assistant", content: turn.answer.text });
    else throw new Error("The connection ended before the answer did.");
  } catch (error) {
    turn.fail(error);
    if (error.code === "L810") await askKey();
  } finally {
    running = null;
    at("send").replaceChildren(icon("send"));
    at("send").setAttribute("aria-label", "Send");
    if (nearEnd()) window.scrollTo(0, document.body.scrollHeight);
  }
}

function grow() {
  const area = at("question");
  area.style.height = "auto";
  area.style.height = `${Math.min(area.scrollHeight, 220)}px`;
}

at("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (running) { running.abort(); return; }
  const text = at("question").value.trim();
  if (!text) return;
  at("question").value = "";
  grow();
  ask(text);
});
at("question").addEventListener("input", grow);
at("question").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    if (!running) at("form").requestSubmit();
  }
});
at("toggle").addEventListener("click", () => {
  at("more").hidden = !at("more").hidden;
  at("toggle").setAttribute("aria-expanded", String(!at("more").hidden));
  if (!at("more").hidden) at("context").focus();
});
at("example").addEventListener("click", () => { if (!running) ask(at("example").textContent); });
at("key").addEventListener("click", askKey);
const welcome = at("welcome");
at("fresh").addEventListener("click", () => {
  running?.abort();
  history.length = 0;
  turns.replaceChildren(welcome);
  welcome.hidden = false;
  at("fresh").hidden = true;
  at("question").focus();
});
begin().catch((error) => { at("promise").textContent = error.message; });
