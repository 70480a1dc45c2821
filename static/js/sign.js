// How long the form was open. A machine needs no time: less than three seconds sends a signature to review.
// Without script nothing is said, and that alone is held against nobody.
"use strict";
const form = document.querySelector("form.sign");
if (form) {
  const before = Number(form.elements.seconds.value) || 0;
  form.addEventListener("submit", () => {
    form.elements.seconds.value = before + Math.round(performance.now() / 1000);
  });
}
