// Computes the SHA-256 of a file in the browser and looks for it on the page. The file is not uploaded. A page can be older
// than the newest files, so it never says no: the server does, when the button is pressed.
"use strict";
const MAX_FILE_BYTES = 2 ** 30; // the file is read into memory
const MAX_RECEIPT_BYTES = 200000;
const drop = document.getElementById("drop");
if (drop && window.crypto?.subtle) {
  const output = drop.querySelector("output");
  const input = drop.querySelector("input");
  const names = new Map(); // by digest
  for (const code of document.querySelectorAll("code[data-digest]")) names.set(code.dataset.digest, code.dataset.name);

  const show = (text, kind = "") => {
    output.textContent = text;
    output.className = kind;
  };

  const ask = (proof, text) => {
    document.getElementById("id_proof").value = proof;
    show(text);
  };

  let latest; // what was chosen meanwhile is answered in its place
  const check = async (file) => {
    latest = file;
    if (file.size > MAX_FILE_BYTES) return show(drop.dataset.large, "failure");
    show("…");
    const bytes = await file.arrayBuffer();
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    if (file !== latest) return;
    const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
    if (names.has(hex)) return show(`${drop.dataset.yes} ${names.get(hex)}`, "success");
    const text = file.size < MAX_RECEIPT_BYTES ? new TextDecoder().decode(bytes).trim() : "";
    const isReceipt = text.startsWith("{") && text.replace(/\s/g, "").includes('"path"'); // an email program may have cut it
    if (isReceipt) ask(text, drop.dataset.receipt);
    else ask(hex, drop.dataset.other);
  };

  drop.hidden = false;
  input.addEventListener("change", () => input.files[0] && check(input.files[0]));
  for (const name of ["dragenter", "dragover"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.add("drag-over");
    });
  }
  drop.addEventListener("dragleave", () => drop.classList.remove("drag-over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("drag-over");
    if (event.dataTransfer.files[0]) check(event.dataTransfer.files[0]);
  });
}
