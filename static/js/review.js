// The review queue without page loads: keys, decisions, and their undoing. Each presses a button of the page, which works
// without JavaScript, too; the same view answers.
"use strict";
const list = document.getElementById("changelist-form");
const rows = [...document.querySelectorAll("#result_list tbody tr")].filter((row) => row.querySelector("[name=decide]"));
const help = document.querySelector("dialog.shortcuts-help");
const why = document.querySelector("dialog.why");
const panel = document.getElementById("side-panel");
const undoLast = document.querySelector(".tools [data-act=undo]");
const pageDone = document.querySelector(".page-done");
const DONE = { approve: "Approved", reject: "Rejected", hold: "Held", ask: "Asked" };
const LOST = "Not saved: the site could not be reached, or you are signed out. Please load the page again.";
let current = -1;
let waiting = 0; // decisions that the server has not answered yet
let turn = Promise.resolve(); // one after the other, so that the newest one is the one to undo
list?.classList.add("scripted");

const idOf = (row) => row.querySelector("[name=decide]").value.split(":")[1];
const rowOf = (id) => rows.find((row) => idOf(row) === String(id));

function select(index) {
  if (!rows.length) return;
  rows[current]?.classList.remove("current");
  current = Math.max(0, Math.min(rows.length - 1, index));
  rows[current].classList.add("current");
  rows[current].querySelector("td a")?.focus({ preventScroll: true });
  rows[current].scrollIntoView({ block: "nearest" });
  showWhatIsLeft();
}

const isOpen = (row) => !row.classList.contains("decided");

function selectNext() {
  const next = rows.findIndex((row, index) => index > current && isOpen(row));
  if (next >= 0) select(next);
  else {
    showWhatIsLeft();
    pageDone.querySelector("a").focus({ preventScroll: true }); // so that Enter leads on
  }
}

// Behind the last row of the page a link leads on.
function showWhatIsLeft() {
  const left = rows.filter(isOpen).length;
  pageDone.hidden = rows.some((row, index) => isOpen(row) && (index > current || row === rows[current]));
  pageDone.querySelector("span").textContent = left ? `${left} above ${left === 1 ? "is" : "are"} left.` : "This page is done.";
}

// Decisions

function mark(row, action, undo, number = 1) {
  row.classList.add("decided");
  const outcome = document.createElement("span");
  outcome.className = "outcome";
  outcome.append(DONE[action]);
  if (undo) {
    const button = Object.assign(document.createElement("button"), { name: "undo_mine", value: undo, className: "button" });
    button.append(number === 1 ? "Undo" : `Undo all ${number}`);
    outcome.append(" ", button);
    row.dataset.saved = "yes";
    showResults();
  }
  row.querySelector(".outcome")?.remove();
  row.querySelector(".field-decision_buttons").append(outcome);
  const tick = row.querySelector("input.action-select");
  if (tick?.checked) tick.click();
}

function unmark(row) {
  row?.classList.remove("decided");
  row?.querySelector(".outcome")?.remove();
  delete row?.dataset.saved;
  showResults();
  showWhatIsLeft();
}

function say(cell, messages) {
  cell.querySelector(".said")?.remove();
  const said = document.createElement("div");
  said.className = "said";
  said.setAttribute("role", "status");
  said.innerHTML = messages.map((message) => message.html).join("<br>"); // escaped by the server
  cell.append(said);
}

function showCounts(said) {
  document.getElementById("undo-history").innerHTML = said.history;
  document.querySelector(".progress").innerHTML = said.progress;
  for (const count of document.querySelectorAll("[data-count]")) count.textContent = `(${said.put_aside[count.dataset.count]})`;
}

function showResults() {
  for (const shown of document.querySelectorAll("[data-results]")) {
    const number = shown.dataset.results - rows.filter((row) => row.dataset.saved).length;
    shown.textContent = `${number} ${number === 1 ? "result" : "results"}`;
  }
}

async function post(fields) {
  const body = new FormData();
  for (const name of ["csrfmiddlewaretoken", "as_of"]) body.set(name, list.elements[name].value);
  for (const [name, value] of Object.entries(fields)) for (const each of [value].flat()) body.append(name, each);
  waiting += 1;
  try {
    const answer = await fetch(location.href, { method: "POST", body, headers: { Accept: "application/json" }, keepalive: true });
    const said = await answer.json();
    showCounts(said);
    undoLast.disabled = !said.undo;
    return said;
  } catch {
    return { changed: [], messages: [{ html: LOST }] };
  } finally {
    waiting -= 1;
  }
}

function inTurn(work) {
  turn = turn.then(work);
}

function decide(row, action, fields) {
  decideAll([row], action, { decide: `${action}:${idOf(row)}`, ...fields });
}

// The row of the cursor, or those that are ticked. What was not changed is open again, with what the server says.
function decideAll(chosen, action, fields) {
  const tools = document.querySelector(".tools");
  for (const said of [...chosen, tools]) said.querySelector(".said")?.remove();
  for (const row of chosen) mark(row, action);
  const before = current;
  if (chosen.includes(rows[current])) selectNext();
  const left = current;
  inTurn(async () => {
    const said = await post(fields);
    const isChanged = (row) => said.changed.map(String).includes(idOf(row));
    for (const row of chosen.filter(isChanged)) {
      mark(row, action, action !== "ask" && said.undo, said.changed.length);
      row.dataset.saved = "yes";
    }
    showResults();
    const refused = chosen.filter((row) => !isChanged(row));
    refused.forEach(unmark);
    if (chosen.length > 1 || action === "ask") say(tools, said.messages);
    else if (refused.length) say(refused[0].querySelector(".field-decision_buttons"), said.messages);
    const isAtPlace = current === left && !why.open; // unless the moderator has moved on
    if (isAtPlace && refused.includes(rows[before])) select(before);
  });
}

// The bar of bulk actions: decisions about what is ticked on this page. All that was found loads the page.
function decideTicked() {
  const value = (name) => list.querySelector(`.actions [name=${name}]`).value;
  const chosen = rows.filter((row) => row.querySelector("input.action-select")?.checked && isOpen(row));
  const action = value("action");
  const isOfPage = list.querySelector(".actions [name=select_across]")?.value !== "1";
  if (!(action in DONE) || !chosen.length || !isOfPage) return false;
  const isMissing = (action === "ask" && !value("question")) || (action === "reject" && !value("reason") && !value("own_words").trim());
  if (isMissing) list.querySelector(`.actions [name=${action === "ask" ? "question" : "reason"}]`).focus();
  else decideAll(chosen, action, { action, _selected_action: chosen.map(idOf), ...Object.fromEntries(["reason", "question", "own_words"].map((name) => [name, value(name)])) });
  return true;
}

function undo(key) {
  inTurn(async () => {
    const said = await post({ undo_mine: key });
    const restored = said.changed.map(rowOf).filter(Boolean);
    restored.forEach(unmark);
    if (restored.length) select(rows.indexOf(restored[0]));
    say(document.querySelector(".tools"), said.messages);
  });
}

function ask(row, action) {
  const [choice, words] = [why.querySelector("select"), why.querySelector("input")];
  const reasons = list.querySelector("select[name=reason]");
  if (choice.options.length === 1 && reasons) choice.innerHTML = reasons.innerHTML;
  const isRejection = action === "reject";
  why.querySelector("#why-title").textContent = isRejection ? "Reject: why?" : "Hold: a note for your colleagues";
  why.querySelector(".why-reason").hidden = !isRejection;
  why.querySelector(".why-words").textContent = isRejection ? "or in own words" : "Note (may be blank)";
  why.querySelector("[value=go]").textContent = isRejection ? "Reject" : "Hold";
  words.value = "";
  why.onclose = () => rows[current]?.querySelector("td a")?.focus({ preventScroll: true });
  why.onsubmit = (event) => {
    if (event.submitter.value !== "go") return;
    event.preventDefault();
    if (isRejection && !choice.value && !words.value.trim()) return choice.focus(); // a rejection needs a reason
    why.close();
    // Not when the dialog says that it is closed: a key that is pressed before that would decide this row again.
    decide(row, action, { own_words: words.value, ...(isRejection && { reason: choice.value }) });
  };
  why.showModal();
  (isRejection ? choice : words).focus();
}

why?.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches("select")) return;
  event.preventDefault();
  why.querySelector("[value=go]").click();
});

document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (button?.name === "index" && event.target === list) {
    if (decideTicked()) event.preventDefault();
    return;
  }
  if (!list || !["decide", "undo_mine"].includes(button?.name)) return;
  event.preventDefault();
  if (button.name === "undo_mine") return undo(button.value);
  const action = button.value.split(":")[0];
  const row = button.closest("tr");
  if (action === "approve") decide(row, action, {});
  else ask(row, action);
});

window.addEventListener("beforeunload", (event) => {
  if (waiting) event.preventDefault();
});

// The side panel

async function openPanel(row) {
  const url = new URL(location.href);
  url.searchParams.set("beside", idOf(row));
  const answer = await fetch(url);
  const found = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("side-panel");
  if (found) panel.replaceChildren(...found.childNodes);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-act=beside], [data-act=close], [data-act=help]");
  if (!link) return;
  event.preventDefault();
  if (link.dataset.act === "help") help.showModal();
  else if (link.dataset.act === "close") panel.replaceChildren();
  else openPanel(link.closest("tr"));
});

// Keys

function press(action) {
  const row = rows[current];
  if (row && !row.classList.contains("decided")) row.querySelector(`[data-act=${action}]`)?.click();
}

function askSigner() {
  const row = rows[current];
  const question = list.querySelector(".actions select[name=question]");
  if (!row || !question || row.classList.contains("decided")) return;
  const ticks = [...list.querySelectorAll("input.action-select")];
  for (const tick of ticks) if (tick.checked !== row.contains(tick)) tick.click();
  list.querySelector(".actions select[name=action]").value = "ask";
  question.focus();
}

const shortcuts = {
  j: () => select(current + 1),
  k: () => select(current - 1),
  a: () => press("approve"),
  h: () => press("hold"),
  r: () => press("reject"),
  s: () => rows[current] && openPanel(rows[current]),
  q: askSigner,
  x: () => rows[current]?.querySelector("input.action-select")?.click(),
  u: () => undoLast.disabled || undoLast.click(),
  "?": () => help.showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || help?.open || why?.open) return;
  const typing = event.target.closest("input:not([type=checkbox]), select, textarea");
  if (typing || !rows.length || !Object.hasOwn(shortcuts, event.key)) return;
  event.preventDefault();
  shortcuts[event.key]();
});

if (rows.length) {
  document.querySelector("[data-act=help]").hidden = false;
  // With an open side panel, select its row.
  const chosen = document.querySelector("aside.side-panel")?.dataset.row;
  select(Math.max(0, rows.findIndex((row) => idOf(row) === chosen)));
}
