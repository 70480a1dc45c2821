// A worker: solves one challenge of ALTCHA (PBKDF2/SHA-256) by trying one counter after the other.
"use strict";

const fromHex = (text) => Uint8Array.from(text.match(/../g), (byte) => parseInt(byte, 16));
const toHex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

async function solve(challenge) {
  const { nonce, salt, cost, keyLength, keyPrefix } = challenge.parameters;
  const algorithm = { name: "PBKDF2", hash: "SHA-256", salt: fromHex(salt), iterations: cost };
  const password = fromHex(`${nonce}00000000`); // with room for the counter
  const counterView = new DataView(password.buffer, password.length - 4);
  for (let counter = 0; ; counter++) {
    counterView.setUint32(0, counter);
    const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
    const derivedKey = toHex(await crypto.subtle.deriveBits(algorithm, key, keyLength * 8));
    if (derivedKey.startsWith(keyPrefix)) return btoa(JSON.stringify({ challenge, solution: { counter, derivedKey } }));
  }
}

onmessage = async (event) => postMessage(await solve(event.data).catch(() => "")); // "": this browser cannot
