// Sends an announcement in steps, and shows how far it has come.
"use strict";
for (const root of document.querySelectorAll("[data-announcement]")) {
  const status = root.querySelector("[role=status]");
  const token = root.querySelector("[name=csrfmiddlewaretoken]").value;
  const go = async () => {
    let is_over = false;
    while (!is_over) {
      const answer = await fetch(root.dataset.announcement, {
        method: "POST",
        headers: { "X-CSRFToken": token },
      });
      if (!answer.ok) throw new Error(String(answer.status));
      const told = await answer.json();
      status.textContent = told.text;
      is_over = told.is_over;
    }
  };
  const button = root.querySelector("button");
  const start = () => {
    button.disabled = true;
    go().catch(() => { status.textContent = root.dataset.failed; button.disabled = false; });
  };
  button.addEventListener("click", start);
  if ("begin" in root.dataset) start();
}
