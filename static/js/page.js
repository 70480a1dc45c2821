// Comfort on the public pages. Each works without it, every word comes from the page, and no other host is asked.
"use strict";

// How long the form was open. Less than three seconds sends a signature to review: no person is so fast.
// Without script the server does not know the time, and that alone raises no flag.
const form = document.querySelector("form[data-keep]");
if (form) {
  const before = Number(form.elements.seconds.value) || 0;
  form.addEventListener("submit", () => {
    form.elements.seconds.value = before + Math.round(performance.now() / 1000);
  });
}

// What was typed is kept in this tab until it is sent, over a reload and a change of language. Never the consent.

function stored(use) {
  try {
    return use(window.sessionStorage);
  } catch {
    return null; // storage is refused: nothing is kept
  }
}

function keep() {
  const kept = form.dataset.keptFields.split(" ");
  const typed = Object.fromEntries([...new FormData(form)].filter(([name, value]) => kept.includes(name) && value));
  stored((storage) => storage.setItem(`sign:${form.dataset.keep}`, JSON.stringify(typed)));
}

function bringBack() {
  const typed = stored((storage) => JSON.parse(storage.getItem(`sign:${form.dataset.keep}`))) || {};
  let differs = false;
  for (const [name, value] of Object.entries(typed)) {
    const field = form.elements[name];
    if (!field) continue;
    if (field.type === "checkbox") field.checked = true;
    else field.value = value;
    differs ||= name !== "kind" || value !== "person";
  }
  for (const optional of form.querySelectorAll("details")) {
    optional.open ||= [...optional.querySelectorAll("input, select, textarea")].some((field) => field.value);
  }
  document.querySelector("[data-kept]").hidden = !differs;
}

function empty() {
  stored((storage) => storage.removeItem(`sign:${form.dataset.keep}`));
  form.reset();
  for (const field of form.querySelectorAll("[data-missing]")) say(field, "");
  document.querySelector("[data-kept]").hidden = true;
  form.querySelector("input").focus();
}

if (form) {
  form.addEventListener("input", keep);
  if (document.getElementById("problems")) keep(); // the server gave back what was typed
  else bringBack();
  document.querySelector("[data-kept] button").addEventListener("click", empty);
}
const sent = document.querySelector("[data-sent]")?.dataset.sent;
if (sent) stored((storage) => storage.removeItem(`sign:${sent}`));

// An error is shown once its field is left, in the words of the server. Sending is never prevented.
const ADDRESS = /^[^\s@]+@[^\s@]+[.。．｡][^\s@]+$/u;
const typedIn = new WeakSet();

function wrong(field) {
  if (field.type === "checkbox") return field.checked ? "" : field.dataset.missing;
  const value = field.value.trim();
  const isCounted = field.form.elements.visibility?.value === "counted";
  if (!value) return field.name === "name" && isCounted ? "" : field.dataset.missing;
  return field.dataset.odd && !ADDRESS.test(value) ? field.dataset.odd : "";
}

function say(field, words) {
  const id = `${field.id}_wrong`;
  document.getElementById(id)?.remove();
  document.getElementById(`${field.id}_error`)?.remove(); // the error of the server is out of date
  const about = (field.getAttribute("aria-describedby") || "").split(" ").filter((one) => document.getElementById(one));
  field.classList.toggle("is-invalid", Boolean(words));
  if (words) {
    const note = Object.assign(document.createElement("span"), { id, className: "invalid-feedback", textContent: words });
    field.parentElement.append(note);
    field.setAttribute("aria-invalid", "true");
    about.push(id);
  } else field.removeAttribute("aria-invalid");
  if (about.length) field.setAttribute("aria-describedby", about.join(" "));
  else field.removeAttribute("aria-describedby");
}

// An error shown between press and release would move the button away from under the finger, so it waits.
let pressed = false;
let left = null;
addEventListener("mousedown", () => (pressed = true), true);
addEventListener("mouseup", () => setTimeout(() => {
  pressed = false;
  if (left) check(left);
}), true);

function check(field) {
  left = pressed ? field : null;
  if (!pressed && typedIn.has(field) && (wrong(field) || field.ariaInvalid)) say(field, wrong(field));
}

const checked = [...document.querySelectorAll("[data-missing]")];
for (const field of checked) {
  field.addEventListener("input", () => typedIn.add(field));
  field.addEventListener("blur", () => check(field));
}
document.addEventListener("input", () => {
  for (const field of checked) if (field.ariaInvalid && !wrong(field)) say(field, ""); // also when another field makes it optional
});

// The address of the letter, to paste elsewhere.
for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue; // pages without TLS have none
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = button.dataset.done;
    } catch {} // refused: the words of the button stay
  });
}

// The count and the newest names as they come in, for as long as somebody looks.
const desk = document.querySelector("[data-figures]");
const shown = document.querySelector("[data-count]");
const EVERY = 20000;
let pause = EVERY;

async function ask(address) {
  const answer = await fetch(address, { cache: "no-cache" }); // a copy that is a little old would be shown as news
  if (!answer.ok) throw new Error(answer.status);
  return answer;
}

async function look() {
  // Both: who is approved was counted before, and who asks not to be named here any more still is.
  const { count, named } = await (await ask(desk.dataset.figures)).json();
  if (`${count} ${named}` === `${shown.dataset.count} ${shown.dataset.named}`) return;
  const page = new DOMParser().parseFromString(await (await ask(desk.dataset.letter)).text(), "text/html");
  let all = true;
  for (const now of document.querySelectorAll("[data-live]")) {
    const then = page.querySelector(`[data-live="${now.dataset.live}"]`);
    if (!then) continue;
    if (now.contains(document.activeElement)) all = false; // somebody stands there: next time
    else renew(now, then);
  }
  const told = page.querySelector("[data-count]"); // none while the database is away: then it is asked for again
  if (all && told) Object.assign(shown.dataset, told.dataset);
}

function renew(now, then) {
  const names = [now, then].map((part) => [...part.querySelectorAll("li")]);
  const known = new Set(names[0].map((name) => name.textContent));
  for (const name of names[1]) name.classList.toggle("fresh", !known.has(name.textContent));
  now.hidden = then.hidden;
  now.replaceChildren(...then.childNodes);
}

async function lookAgain() {
  if (document.visibilityState === "visible") {
    try {
      await look();
      pause = EVERY;
    } catch {
      pause = Math.min(pause * 2, 16 * EVERY); // away, or under load: ask less
    }
  }
  setTimeout(lookAgain, pause);
}

if (desk && shown) setTimeout(lookAgain, EVERY);
