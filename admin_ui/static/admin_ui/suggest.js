// Offers names while one types: fields with data-suggest fill the datalist they name.
"use strict";
for (const field of document.querySelectorAll("[data-suggest]")) {
  let asked = 0;
  field.addEventListener("input", async () => {
    const number = ++asked;
    await new Promise((resolve) => setTimeout(resolve, 150));
    if (number !== asked || !field.value) return;
    const answer = await fetch(`${field.dataset.suggest}&q=${encodeURIComponent(field.value)}`);
    if (!answer.ok || number !== asked) return;
    const { offered } = await answer.json();
    field.list.replaceChildren(...offered.map(([value, label]) => {
      const option = document.createElement("option");
      option.value = value;
      option.label = label;
      return option;
    }));
  });
}
