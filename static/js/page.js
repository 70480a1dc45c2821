// Comfort on the public pages. Each works without it, every word comes from the page, and no other host is asked.
"use strict";

// How long the form was open. A machine needs no time: less than three seconds sends a signature to review.
// Without script nothing is said, and that alone is held against nobody.
const form = document.querySelector("form[data-keep]");
if (form) {
  const before = Number(form.elements.seconds.value) || 0;
  form.addEventListener("submit", () => {
    form.elements.seconds.value = before + Math.round(performance.now() / 1000);
  });
}

// What was typed is kept in this tab, over a reload and a change of language, until it is sent. Never the consent.
const KEPT = ["kind", "visibility", "name", "speaker", "role", "organisation", "country", "comment", "email", "updates"];

function stored(change) {
  try {
    return change(window.sessionStorage);
  } catch {
    return null; // storage is refused: nothing is kept
  }
}

function keep() {
  const typed = Object.fromEntries([...new FormData(form)].filter(([name, value]) => KEPT.includes(name) && value));
  stored((storage) => storage.setItem(`sign:${form.dataset.keep}`, JSON.stringify(typed)));
}

function bringBack() {
  const typed = JSON.parse(stored((storage) => storage.getItem(`sign:${form.dataset.keep}`)) || "{}");
  let differs = false;
  for (const [name, value] of Object.entries(typed)) {
    const field = form.elements[name];
    if (!field) continue;
    if (field.type === "checkbox") field.checked = true;
    else field.value = value;
    differs ||= name !== "kind";
  }
  for (const folded of form.querySelectorAll("details")) {
    folded.open ||= [...folded.querySelectorAll("input, select, textarea")].some((field) => field.value);
  }
  document.querySelector("[data-kept]").hidden = !differs;
}

if (form) {
  form.addEventListener("input", keep);
  if (document.getElementById("problems")) keep(); // the server gave back what was typed
  else bringBack();
  document.querySelector("[data-kept] button").addEventListener("click", () => {
    stored((storage) => storage.removeItem(`sign:${form.dataset.keep}`));
    form.reset();
    document.querySelector("[data-kept]").hidden = true;
    form.querySelector("input").focus();
  });
}
const sent = document.querySelector("[data-sent]")?.dataset.sent;
if (sent) stored((storage) => storage.removeItem(`sign:${sent}`));

// A field says what is wrong once it is left, as the server would say it. Sending is never held up.
const ADDRESS = /^[^\s@]+@[^\s@]+\.[^\s@]{2,}$/u;
const typedIn = new WeakSet();

function wrong(field) {
  if (field.type === "checkbox") return field.checked ? "" : field.dataset.missing;
  const value = field.value.trim();
  const isCounted = field.form.elements.visibility?.value === "counted";
  if (!value) return field.name === "name" && isCounted ? "" : field.dataset.missing || "";
  return field.dataset.odd && !ADDRESS.test(value) ? field.dataset.odd : "";
}

function tell(field) {
  const said = wrong(field);
  const id = `${field.id}_wrong`;
  const others = (field.getAttribute("aria-describedby") || "").split(" ").filter((other) => other && other !== id);
  document.getElementById(id)?.remove();
  field.classList.toggle("is-invalid", Boolean(said));
  field.toggleAttribute("aria-invalid", Boolean(said));
  if (said) {
    field.setAttribute("aria-invalid", "true");
    const note = document.createElement("span");
    note.id = id;
    note.className = "invalid-feedback";
    note.textContent = said;
    field.parentElement.append(note);
    others.push(id);
  }
  if (others.length) field.setAttribute("aria-describedby", others.join(" "));
  else field.removeAttribute("aria-describedby");
}

for (const field of document.querySelectorAll("[data-missing]")) {
  field.addEventListener("input", () => {
    typedIn.add(field);
    const told = document.getElementById(`${field.id}_error`);
    if (told && !wrong(field)) told.remove(); // what the server found is mended
    if (field.classList.contains("is-invalid") && !wrong(field)) tell(field);
  });
  field.addEventListener("blur", () => {
    if (typedIn.has(field) && !document.getElementById(`${field.id}_error`)) tell(field);
  });
}

// The address of the letter, to paste elsewhere.
for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue; // pages without TLS have none
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = button.dataset.done;
  });
}

// The count and the newest names as they come in, for as long as somebody looks.
const desk = document.querySelector("[data-figures]");
const shown = document.querySelector("[data-count]");
const EVERY = 20000;
let pause = EVERY;

async function look() {
  const { count } = await (await fetch(desk.dataset.figures)).json();
  if (String(count) === shown.dataset.count) return;
  const answer = await fetch(desk.dataset.letter);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const now of document.querySelectorAll("[data-live]")) {
    const then = page.querySelector(`[data-live="${now.dataset.live}"]`);
    if (!then || now.contains(document.activeElement)) continue;
    const known = new Set([...now.children].map((child) => child.textContent));
    if (now.dataset.live === "newest") {
      for (const child of then.children) child.classList.toggle("fresh", !known.has(child.textContent));
    }
    now.replaceChildren(...then.childNodes);
  }
  shown.dataset.count = page.querySelector("[data-count]")?.dataset.count ?? count;
}

async function lookAgain() {
  if (document.visibilityState === "visible") {
    try {
      await look();
      pause = EVERY;
    } catch {
      pause = Math.min(pause * 2, 320000); // away, or under load: ask less
    }
  }
  setTimeout(lookAgain, pause);
}

if (desk && shown && window.fetch) setTimeout(lookAgain, EVERY);
