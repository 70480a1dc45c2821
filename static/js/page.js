// Conveniences on the public pages. Every page works without this script, all texts come from the page, and no other
// host is contacted.
"use strict";

// Seconds for which the form was open. Less than three sends a signature to review, because people need longer.
// Without JavaScript nothing is reported, which has no consequence.
const form = document.querySelector("form[data-draft]");
if (form) {
  const earlierSeconds = Number(form.elements.seconds.value) || 0;
  form.addEventListener("submit", (event) => {
    form.elements.seconds.value = earlierSeconds + Math.round(performance.now() / 1000);
    window.name = `sent:${JSON.stringify([...new FormData(form, event.submitter)])}`; // for check_mail.js
  });
}
if (window.name.startsWith("sent:") && !document.querySelector("[data-typed]")) window.name = ""; // it was not sent

// A draft of the form is kept in this tab until it is sent, so that it survives a reload and a change of language.
// The consent is never kept.

function withStorage(use) {
  try {
    return use(window.sessionStorage);
  } catch {
    return null; // the browser refuses storage: no draft is kept
  }
}

function saveDraft() {
  const fields = form.dataset.draftFields.split(" ");
  const entries = [...new FormData(form)].filter(([name, value]) => fields.includes(name) && value);
  const draft = JSON.stringify(Object.fromEntries(entries));
  withStorage((storage) => storage.setItem(`sign:${form.dataset.draft}`, draft));
}

function restoreDraft() {
  const draft = withStorage((storage) => JSON.parse(storage.getItem(`sign:${form.dataset.draft}`))) || {};
  let isChanged = false;
  for (const [name, value] of Object.entries(draft)) {
    const field = form.elements[name];
    if (!field) continue;
    if (field.type === "checkbox") field.checked = true;
    else field.value = value;
    isChanged ||= name !== "kind" || value !== "person";
  }
  for (const details of form.querySelectorAll("details")) {
    details.open ||= [...details.querySelectorAll("input, select, textarea")].some((field) => field.value);
  }
  document.querySelector("[data-draft-notice]").hidden = !isChanged;
}

function emptyForm() {
  form.reset();
  for (const field of form.querySelectorAll("[data-required-message]")) showError(field, "");
}

function clearForm() {
  withStorage((storage) => storage.removeItem(`sign:${form.dataset.draft}`));
  emptyForm();
  document.querySelector("[data-draft-notice]").hidden = true;
  form.querySelector("input").focus();
}

// Back shows what the draft holds, and not what the browser remembers: nothing once the form was sent, so that the
// next person at this computer does not read it.
function showDraftOnReturn(event) {
  const [visit] = performance.getEntriesByType("navigation");
  if (!event.persisted && visit?.type !== "back_forward") return;
  emptyForm();
  restoreDraft();
}

// `maxlength` counts UTF-16 units as they are typed. The server counts characters, composed.
function countCharacters(field) {
  const limit = field.maxLength;
  field.addEventListener("beforeinput", (event) => {
    const text = field.value + (event.data ?? event.dataTransfer?.getData("text/plain") ?? "");
    field.maxLength = limit + text.length - [...text.normalize("NFC")].length;
  });
}

if (form) {
  form.addEventListener("input", saveDraft);
  form.querySelectorAll("[maxlength]").forEach(countCharacters);
  if (document.getElementById("problems")) saveDraft(); // the server returned what was typed
  else {
    restoreDraft();
    addEventListener("pageshow", showDraftOnReturn);
  }
  document.querySelector("[data-draft-notice] button").addEventListener("click", clearForm);
}

// The answer to a form has no place in the history: returning to it, a browser asks for the page instead of showing
// that it has no copy to show.
if ("answersForm" in document.body.dataset) history.replaceState(null, "", location.href);
const sentDraft = document.querySelector("[data-clear-draft]")?.dataset.clearDraft;
if (sentDraft) withStorage((storage) => storage.removeItem(`sign:${sentDraft}`));

// Errors are shown when a field is left, in the words of the server. The form can be sent in spite of them.
const EMAIL_ADDRESS = /^[^@]+@[^@]+\.[^@]+$/u;

// What keyboards and mail programs put around an address, taken off as the server takes it off.
function bareAddress(typed) {
  let text = typed.normalize("NFKC").replaceAll("。", ".").replace(/\p{Cf}/gu, "").trim();
  text = text.replace(/(?:\s|[^\P{P}"'“”’»)\]}」』])+$/u, "");
  text = text.match(/^[^<]*<([^<>]*)>$/u)?.[1].trim() ?? text;
  text = text.replace(/^mailto:([^?]*).*$/iu, "$1").replace(/^["'“‘„«([{「『](.*)["'”’“»)\]}」』]$/u, "$1");
  return text.replace(/[\p{P}\s<>]+$/u, "").replace(/\s*([.@])\s*/gu, "$1");
}

const editedFields = new WeakSet();

function errorMessage(field) {
  const { requiredMessage, invalidMessage } = field.dataset;
  if (field.type === "checkbox") return field.checked ? "" : requiredMessage;
  const value = field.value.trim();
  const isCountedOnly = field.form.elements.visibility?.value === "counted";
  if (!value) return field.name === "name" && isCountedOnly ? "" : requiredMessage;
  return invalidMessage && !EMAIL_ADDRESS.test(bareAddress(value)) ? invalidMessage : "";
}

function showError(field, message) {
  const id = `${field.id}_wrong`;
  document.getElementById(id)?.remove();
  document.getElementById(`${field.id}_error`)?.remove(); // the server's error is corrected, or shown again
  const ids = (field.getAttribute("aria-describedby") || "").split(" ").filter((each) => document.getElementById(each));
  field.classList.toggle("is-invalid", Boolean(message));
  if (message) {
    const note = Object.assign(document.createElement("span"), { id, className: "invalid-feedback", textContent: message });
    field.parentElement.append(note);
    field.setAttribute("aria-invalid", "true");
    ids.push(id);
  } else field.removeAttribute("aria-invalid");
  if (ids.length) field.setAttribute("aria-describedby", ids.join(" "));
  else field.removeAttribute("aria-describedby");
}

// A choice that was made is no error any more.
function clearChoice(group) {
  const notes = [...group.querySelectorAll(".invalid-feedback")].map((note) => (note.remove(), note.id));
  for (const each of [group, ...group.querySelectorAll("[aria-invalid]")]) {
    each.removeAttribute("aria-invalid");
    each.classList.remove("is-invalid");
    const ids = (each.getAttribute("aria-describedby") || "").split(" ").filter((id) => id && !notes.includes(id));
    if (ids.length) each.setAttribute("aria-describedby", ids.join(" "));
    else each.removeAttribute("aria-describedby");
  }
}

// An error that appears while the mouse is pressed would move the button away from the pointer, so it waits.
let isPressed = false;
let waitingField = null;
addEventListener("mousedown", () => (isPressed = true), true);
addEventListener("mouseup", () => setTimeout(() => {
  isPressed = false;
  if (waitingField) checkField(waitingField);
}), true);

function checkField(field) {
  waitingField = isPressed ? field : null;
  if (isPressed || !editedFields.has(field)) return;
  if (errorMessage(field) || field.ariaInvalid) showError(field, errorMessage(field));
}

const checkedFields = [...document.querySelectorAll("[data-required-message]")];
for (const field of checkedFields) {
  field.addEventListener("input", () => editedFields.add(field));
  field.addEventListener("blur", () => checkField(field));
}
document.addEventListener("input", ({ target }) => {
  if (target.type === "radio" && target.closest("[aria-invalid]")) clearChoice(target.closest("fieldset"));
  // All fields: choosing "counted only" makes the name optional.
  for (const field of checkedFields) if (field.ariaInvalid && !errorMessage(field)) showError(field, "");
});

// The bar that leads to the form is hidden while the form is in sight.
const bar = document.querySelector(".sticky-bar");
if (bar) new IntersectionObserver(([seen]) => bar.classList.toggle("idle", seen.isIntersecting)).observe(form);

// Buttons that copy the address of the letter or the code of the embed.
for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue; // missing on pages without TLS
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = button.dataset.copiedLabel;
    } catch {} // refused: the label of the button stays
  });
}

// While the page is visible, the count and the newest names are updated.
const letterLayout = document.querySelector("[data-api]");
const countElement = document.querySelector("[data-count]");
const INTERVAL = 20000; // milliseconds
let pause = INTERVAL;

async function get(address) {
  const response = await fetch(address, { cache: "no-cache" }); // the browser's copy may be older than the page
  if (!response.ok) throw new Error(response.status);
  return response;
}

async function update() {
  // Both numbers: an approval changes only `named`, and so does a signer who no longer wants to be named here.
  const { count, named } = await (await get(letterLayout.dataset.api)).json();
  if (`${count} ${named}` === `${countElement.dataset.count} ${countElement.dataset.named}`) return;
  const page = new DOMParser().parseFromString(await (await get(letterLayout.dataset.page)).text(), "text/html");
  let isComplete = true;
  for (const current of document.querySelectorAll("[data-live]")) {
    const next = page.querySelector(`[data-live="${current.dataset.live}"]`);
    if (!next) continue;
    if (current.contains(document.activeElement)) isComplete = false; // it has the focus: update it next time
    else replaceContent(current, next);
  }
  const nextCount = page.querySelector("[data-count]"); // missing while the database is unavailable: ask again
  if (isComplete && nextCount) Object.assign(countElement.dataset, nextCount.dataset);
}

function replaceContent(current, next) {
  const [currentEntries, nextEntries] = [current, next].map((part) => [...part.querySelectorAll("li")]);
  const known = new Set(currentEntries.map((entry) => entry.textContent));
  for (const entry of nextEntries) entry.classList.toggle("new-entry", !known.has(entry.textContent));
  current.hidden = next.hidden;
  current.replaceChildren(...next.childNodes);
}

async function updateRegularly() {
  if (document.visibilityState === "visible") {
    try {
      await update();
      pause = INTERVAL;
    } catch {
      pause = Math.min(pause * 2, 16 * INTERVAL); // unavailable, or under load: ask less often
    }
  }
  setTimeout(updateRegularly, pause);
}

if (letterLayout && countElement) setTimeout(updateRegularly, INTERVAL);
