// Keyboard shortcuts of the review queue. Each presses a button of the page, which works without JavaScript.
"use strict";
const rows = [...document.querySelectorAll("#result_list tbody tr")];
const reason = document.querySelector("#changelist-form select[name=reason]");
const help = document.querySelector("dialog.shortcuts-help");
document.querySelector("p.shortcuts")?.removeAttribute("hidden");
let current = -1;

function select(index) {
  if (!rows.length) return;
  rows[current]?.classList.remove("current");
  current = Math.max(0, Math.min(rows.length - 1, index));
  rows[current].classList.add("current");
  rows[current].querySelector("th a, td a")?.focus({ preventScroll: true });
  rows[current].scrollIntoView({ block: "nearest" });
}

function press(action) {
  rows[current]?.querySelector(`[data-act=${action}]`)?.click();
}

const shortcuts = {
  j: () => select(current + 1),
  k: () => select(current - 1),
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
  if (typing || !(event.key in shortcuts)) return;
  event.preventDefault();
  shortcuts[event.key]();
});
// With an open side panel, select its row.
const chosen = document.querySelector("aside.side-panel")?.dataset.row;
select(Math.max(0, rows.findIndex((row) => row.querySelector("input.action-select")?.value === chosen)));
