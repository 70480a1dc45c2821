// Asks the browser for a passkey and sends its answer with the form. Without JavaScript a sentence stands in its place.
"use strict";
const toBytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0));
const toText = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const PARTS = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
const ERRORS = {
  InvalidStateError: "There is a passkey for your account on this device already.",
  NotAllowedError: "No passkey was used. You can try again.",
  SecurityError: "Passkeys cannot be used at this address.",
};

function decoded(options) {
  const withBytes = (list) => (list ?? []).map((credential) => ({ ...credential, id: toBytes(credential.id) }));
  const user = options.user && { ...options.user, id: toBytes(options.user.id) };
  return {
    ...options,
    ...(user && { user, excludeCredentials: withBytes(options.excludeCredentials) }),
    ...(options.allowCredentials && { allowCredentials: withBytes(options.allowCredentials) }),
    challenge: toBytes(options.challenge),
  };
}

function encoded(credential) {
  const response = Object.fromEntries(
    PARTS.filter((part) => credential.response[part]).map((part) => [part, toText(credential.response[part])]),
  );
  const transports = credential.response.getTransports?.();
  const { id, type, authenticatorAttachment } = credential;
  return JSON.stringify({
    id, type, authenticatorAttachment,
    rawId: toText(credential.rawId),
    response: transports ? { ...response, transports } : response,
  });
}

async function answer(button) {
  const form = button.form;
  const error = form.querySelector(".passkey-error");
  const options = JSON.parse(document.getElementById(button.dataset.options).textContent);
  button.disabled = true;
  error.hidden = true;
  try {
    const credential = await navigator.credentials[button.dataset.passkey]({ publicKey: decoded(options) });
    form.elements.passkey.value = encoded(credential);
    form.submit();
  } catch (problem) {
    error.textContent = ERRORS[problem.name] ?? "The passkey did not work in this browser.";
    error.hidden = false;
    button.disabled = false;
    button.focus();
  }
}

for (const button of document.querySelectorAll("button[data-passkey]")) {
  if (!window.PublicKeyCredential) break;
  button.hidden = button.disabled = false;
  button.form.querySelector(".passkey-missing").hidden = true;
  button.form.addEventListener("submit", (event) => {
    // Enter in the field of a code sends the code.
    if (event.submitter !== button || button.form.elements.code?.value) return;
    event.preventDefault();
    answer(button);
  });
  button.form.querySelector("input:not([type=hidden]), button[data-passkey]").focus();
}
