// While the site asks every browser for some seconds of work, the page with the form loads this script. It has the work
// done while the form is being filled in. The form can be sent without it.

const MAX_WAIT = 6000; // milliseconds that the form waits for the work once its button was pressed
const RENEW_AFTER = 60 * 60 * 1000; // milliseconds; a challenge expires after twice as long

const status = document.querySelector("[data-challenge]");
const form = status.closest("form");
// Made here, because a browser would fill in a field of the page again with a solution that has been used.
const proof = Object.assign(document.createElement("input"), { type: "hidden", name: "proof" });
form.append(proof);
let work = null; // a promise; null until the form is used
let isPressed = false;
let isWaitOver = false;

async function solve() {
  const response = await fetch(status.dataset.challenge, { cache: "no-store" });
  if (!response.ok) throw new Error(response.status); // switched off meanwhile
  const challenge = await response.json();
  const worker = new Worker(status.dataset.worker);
  try {
    return await new Promise((resolve, reject) => {
      worker.onmessage = (event) => resolve(event.data);
      worker.onerror = reject;
      worker.postMessage(challenge);
    });
  } finally {
    worker.terminate();
  }
}

async function begin() {
  proof.value = "";
  try {
    proof.value = await solve();
    setTimeout(() => (work = begin()), RENEW_AFTER);
  } catch {} // the form is sent without it
}

form.addEventListener("focusin", () => (work ||= begin()));

form.addEventListener("submit", async (event) => {
  if (isWaitOver || proof.value || !form.requestSubmit) return;
  event.preventDefault();
  if (isPressed) return;
  isPressed = true;
  status.textContent = status.dataset.message;
  work ||= begin();
  await Promise.race([work, new Promise((resolve) => setTimeout(resolve, MAX_WAIT))]);
  isWaitOver = true;
  form.requestSubmit(event.submitter);
});

// Back leads to the page as it was left, with a solution that has been used.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  isPressed = isWaitOver = false;
  status.textContent = "";
  work = begin();
});
