// What a page can do only with a script: copy a line, and notice that it is old.
// Everything else is links and forms.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const line = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(line.textContent);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(line);
    button.textContent = "Selected: copy it";
  }
});
document.documentElement.classList.add("has-script");

// A page that refreshes itself must say when it no longer can.
const stale = (isStale) => () => { document.querySelector(".stale").hidden = !isStale; };
for (const name of ["htmx:error", "htmx:response:error"]) document.addEventListener(name, stale(true));
document.addEventListener("htmx:after:swap", (event) => {
  // A refusal is "swapped" too, with nothing: that makes no page new.
  if (event.detail.ctx.response?.status < 400) stale(false)();
});
