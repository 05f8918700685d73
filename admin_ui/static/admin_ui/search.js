// Drives a search: asks for step after step until the page is full, the end is reached, or one
// cancels.  The server keeps nothing between steps; "position" says where to go on.
"use strict";
{
  const root = document.getElementById("search");
  const held = root.dataset;
  const more = document.getElementById("search-more");
  const cancel = document.getElementById("search-cancel");
  let position = held.position;
  let found = Number(held.count);
  let onPage = found;
  let searched = Number(held.searched);
  let total = Number(held.total);
  let seconds = Number(held.seconds);
  let running = false;

  const say = (text, ...values) => {
    document.getElementById("search-status").textContent =
      values.reduce((left, value) => left.replace("%s", value), text);
  };
  const number = (value) => value.toLocaleString(document.documentElement.lang || undefined);
  const show = (text, withTime) => {
    const bar = document.getElementById("search-progress");
    bar.max = Math.max(total, 1);
    bar.value = position ? searched : bar.max;
    const times = withTime ? [seconds.toFixed(1)] : [];
    say(text, number(searched), number(total), ...times, number(found));
    more.hidden = running || !position;
    cancel.hidden = !running;
  };
  const step = async () => {
    const query = new URLSearchParams({ grant: held.grant, position, have: String(onPage) });
    const answer = await fetch(`${held.url}?${query}`);
    if (!answer.ok) throw new Error(String(answer.status));
    const told = await answer.json();
    document.getElementById("search-rows").insertAdjacentHTML("beforeend", told.html);
    position = told.position;
    found += told.count;
    onPage += told.count;
    searched = told.searched;
    total = told.total;
    seconds += told.seconds;
  };
  const go = async () => {
    running = true;
    try {
      while (running && position && onPage < Number(held.page)) {
        show(held.textRunning, false);
        await step();
      }
      const cancelled = !running;
      running = false;
      show(cancelled ? held.textCancelled : held.textDone, !cancelled);
    } catch {
      running = false;
      show(held.textDone, true);
      say(held.textFailed);
    }
  };
  cancel.addEventListener("click", () => { running = false; });
  more.addEventListener("click", () => { onPage = 0; go(); });
  go();
}
