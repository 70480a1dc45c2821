// The page after the form was sent, with what was typed: page.js left it in `window.name`, which lives in the memory of
// this tab alone and which browsers empty before another site is shown. It is taken from there at once, and leaves the
// page when the reader does.
"use strict";

const INBOXES = {
  "mail.google.com": ["gmail.com", "googlemail.com"],
  "outlook.live.com": ["outlook.com", "hotmail.com", "live.com", "msn.com", "outlook.kr", "hotmail.co.uk", "hotmail.fr"],
  "mail.yahoo.com": ["yahoo.com", "ymail.com", "yahoo.co.uk", "yahoo.fr", "yahoo.de", "yahoo.ca", "aol.com"],
  "mail.yahoo.co.jp": ["yahoo.co.jp"],
  "www.icloud.com/mail": ["icloud.com", "me.com", "mac.com"],
  "mail.proton.me": ["proton.me", "protonmail.com", "pm.me"],
  "mail.naver.com": ["naver.com"],
  "mail.daum.net": ["daum.net", "hanmail.net", "kakao.com"],
  "mail.qq.com": ["qq.com", "foxmail.com"],
  "mail.163.com": ["163.com"],
  "mail.126.com": ["126.com"],
  "www.gmx.net": ["gmx.de", "gmx.net", "gmx.at", "gmx.ch"],
  "web.de": ["web.de"],
  "mail.yandex.com": ["yandex.com", "yandex.ru", "ya.ru"],
  "e.mail.ru": ["mail.ru", "bk.ru", "list.ru", "inbox.ru"],
};
const AGAIN_AFTER = 60000; // milliseconds
const NOT_AGAIN = ["email", "email_is_right", "proof"]; // belong to one address, or to one sending

function takeTyped() {
  if (!window.name.startsWith("sent:")) return [];
  const typed = window.name.slice("sent:".length);
  window.name = "";
  return JSON.parse(typed);
}

function showTyped(isShown) {
  for (const part of document.querySelectorAll("[data-if-typed]")) part.hidden = !isShown;
  for (const part of document.querySelectorAll("[data-if-not-typed]")) part.hidden = isShown;
}

function showInbox(address) {
  const domain = address.slice(address.lastIndexOf("@") + 1).toLowerCase();
  const inbox = Object.keys(INBOXES).find((host) => INBOXES[host].includes(domain));
  if (!inbox) return;
  const block = document.querySelector("[data-inbox]");
  Object.assign(block.querySelector("a"), { href: `https://${inbox}`, rel: "noopener noreferrer external" });
  block.querySelector("bdi").textContent = inbox.split("/")[0];
  block.hidden = false;
}

function fillIn(entries, address) {
  const [again, correct] = [document.querySelector("[data-again]"), document.querySelector("[data-correct]")];
  document.querySelector("[data-address]").textContent = address;
  again.elements.email.value = address;
  correct.elements.email.value = address;
  for (const [name, value] of entries) {
    if (!NOT_AGAIN.includes(name)) correct.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  }
  correct.addEventListener("submit", () => {
    window.name = `sent:${JSON.stringify([...new FormData(correct)])}`;
  });
  setTimeout(() => {
    again.querySelector("button").disabled = false;
    again.querySelector(".hint").hidden = true;
  }, AGAIN_AFTER);
}

function forget() {
  showTyped(false);
  document.querySelector("[data-inbox]").hidden = true;
  document.querySelector("[data-address]").textContent = "";
  document.querySelector("[data-again]").reset();
  for (const field of document.querySelectorAll("[data-again] input, [data-correct] input")) field.value = "";
}

const entries = takeTyped();
const address = bareAddress(new Map(entries).get("email_meant") || new Map(entries).get("email") || "");
if (address) {
  fillIn(entries.filter(([name]) => name !== "email_meant"), address);
  showInbox(address);
  showTyped(true);
  addEventListener("pagehide", forget); // the browser may keep the page, and show it to the next person
}
