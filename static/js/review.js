// Keys for the queue. Each presses a button that is on the page anyway: without script all works by hand.
"use strict";
const rows = [...document.querySelectorAll("#result_list tbody tr")];
const reason = document.querySelector("#changelist-form select[name=reason]");
const help = document.querySelector("dialog.keys-help");
document.querySelector("p.keys")?.removeAttribute("hidden");
let at = -1;

function go(to) {
  if (!rows.length) return;
  rows[at]?.classList.remove("current");
  at = Math.max(0, Math.min(rows.length - 1, to));
  rows[at].classList.add("current");
  rows[at].querySelector("th a, td a")?.focus({ preventScroll: true });
  rows[at].scrollIntoView({ block: "nearest" });
}

function press(act) {
  rows[at]?.querySelector(`[data-act=${act}]`)?.click();
}

const keys = {
  j: () => go(at + 1),
  k: () => go(at - 1),
  a: () => press("approve"),
  h: () => press("hold"),
  s: () => press("beside"),
  r: () => (reason?.value ? press("reject") : reason?.focus()),
  u: () => document.querySelector("button[data-act=undo]:not(:disabled)")?.click(),
  "?": () => help?.showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || help?.open) return;
  const typing = event.target.closest("input:not([type=checkbox]), select, textarea");
  if (event.target === reason && event.key === "Enter" && reason.value) {
    event.preventDefault();
    press("reject");
  }
  if (typing || !(event.key in keys)) return;
  event.preventDefault();
  keys[event.key]();
});
// After a look at those beside it, go on with the same one.
const chosen = document.querySelector("aside.beside")?.dataset.row;
go(Math.max(0, rows.findIndex((row) => row.querySelector("input.action-select")?.value === chosen)));
