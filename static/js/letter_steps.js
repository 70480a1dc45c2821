// Comfort on the pages on which a letter is made: rows that move, a preview and a contrast while typing. All of it works
// without this script, by buttons that post the form.
"use strict";

(() => {
  function setUpRows(box) {
    const name = box.dataset.rows;
    const empty = document.getElementById(`${name}-empty`);
    const rows = () => [...box.querySelectorAll(":scope > .row")].filter((row) => row !== empty);

    function renumber() {
      rows().forEach((row, number) => {
        for (const element of [row, ...row.querySelectorAll("*")]) {
          for (const attribute of ["id", "name", "for"]) {
            const value = element.getAttribute(attribute);
            if (value) {
              element.setAttribute(attribute, value.replace(/-(\d+|__prefix__|empty)(?=-|$)/, `-${number}`));
            }
          }
          if (element.matches("button")) {
            element.value = element.value.replace(/\S+$/, String(number));
          }
        }
      });
      box.querySelector(`[name="${name}-TOTAL_FORMS"]`).value = String(rows().length);
    }

    box.addEventListener("click", (event) => {
      const button = event.target.closest("button[name=_continue]");
      if (!button) {
        return;
      }
      event.preventDefault();
      const row = button.closest(".row");
      const what = button.value.slice(name.length + 1).split(" ")[0];
      const list = rows();
      const at = list.indexOf(row);
      let focused = button;
      if (what === "add") {
        const added = empty.cloneNode(true);
        added.classList.remove("empty-form");
        empty.before(added);
        focused = added.querySelector("input");
      } else if (what === "remove") {
        const other = list[at + 1] || list[at - 1];
        focused = other ? other.querySelector("input") : box.querySelector(":scope > button");
        row.remove();
      } else if (what === "up" && at > 0) {
        list[at - 1].before(row);
      } else if (what === "down" && at < list.length - 1) {
        list[at + 1].after(row);
      }
      renumber();
      focused.focus();
    });
  }

  function setUpPreview(preview) {
    const typed = document.getElementById(preview.dataset.of);
    let timer = 0;
    let asked = 0;

    async function show() {
      const number = ++asked;
      const body = new FormData();
      body.append("body", typed.value);
      body.append("csrfmiddlewaretoken", typed.form.elements.csrfmiddlewaretoken.value);
      const answer = await fetch(preview.dataset.preview, { method: "POST", body, redirect: "error" });
      if (answer.ok && number === asked) {
        preview.innerHTML = await answer.text();
      }
    }

    typed.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => show().catch(() => {}), 300);
    });
    preview.closest(".previewed").querySelector("button").hidden = true;
  }

  function luminance(color) {
    const parts = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16) / 255);
    const [red, green, blue] = parts.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }

  function contrast(one, other) {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  }

  function setUpContrast(input) {
    const output = document.createElement("output");
    const swatch = document.createElement("span");
    const said = document.createElement("span");
    output.className = "contrast";
    swatch.className = "swatch";
    output.htmlFor = input.id;
    output.append(swatch, said);
    input.after(output);

    function show() {
      const color = input.value.trim();
      const isColor = /^#[0-9a-f]{6}$/i.test(color);
      swatch.hidden = !isColor;
      swatch.style.backgroundColor = isColor ? color : "";
      if (!isColor) {
        said.textContent = "";
        return;
      }
      const ratio = Math.min(...input.dataset.contrastWith.split(" ").map((ground) => contrast(color, ground)));
      const needed = Number(input.dataset.needed);
      const verdict = ratio < needed ? `too pale: it needs ${needed} to 1` : "can be read well";
      said.textContent = `${(Math.floor(ratio * 10) / 10).toFixed(1)} to 1: ${verdict}`;
    }

    input.addEventListener("input", show);
    show();
  }

  function setUpZone(select) {
    select.addEventListener("change", () => {
      for (const label of document.querySelectorAll("label[for=id_opens_at], label[for=id_closes_at]")) {
        label.textContent = label.textContent.replace(/\([^)]*\)/, `(${select.value})`);
      }
    });
  }

  document.querySelectorAll("[data-rows]").forEach(setUpRows);
  document.querySelectorAll("[data-preview]").forEach(setUpPreview);
  document.querySelectorAll("[data-contrast-with]").forEach(setUpContrast);
  document.querySelectorAll("select[name=time_zone]").forEach(setUpZone);
})();
