// Dragging departments in the list: a name dropped on a row moves there, on the line above to the top.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const top = document.getElementById("tree-top");
  if (!top) return;
  let dragged = null;

  const accept = (target, parent) => {
    target.addEventListener("dragover", (event) => {
      if (dragged && dragged.dataset.department !== parent) {
        event.preventDefault();
        target.classList.add("drop-here");
      }
    });
    target.addEventListener("dragleave", () => target.classList.remove("drop-here"));
    target.addEventListener("drop", (event) => {
      event.preventDefault();
      target.classList.remove("drop-here");
      move(parent);
    });
  };

  const move = async (parent) => {
    const fields = new URLSearchParams({
      csrfmiddlewaretoken: top.dataset.token,
      department: dragged.dataset.department,
      seen: dragged.dataset.seen,
      parent,
    });
    const response = await fetch(top.dataset.drop, { method: "POST", body: fields });
    if (response.ok) {
      location.reload();
      return;
    }
    const answer = await response.json().catch(() => ({}));
    document.getElementById("tree-error").textContent = answer.error || response.statusText;
  };

  for (const name of document.querySelectorAll("[data-department]")) {
    const handle = name.closest("a") || name;
    handle.draggable = true;
    handle.addEventListener("dragstart", (event) => {
      dragged = name;
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/plain", name.textContent);
    });
    handle.addEventListener("dragend", () => { dragged = null; });
    accept(name.closest("tr"), name.dataset.department);
  }
  accept(top, "");
});
