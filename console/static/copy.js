// Copies a text at the press of a button. Without this script the button stays hidden, and the text can be selected.
(() => {
  "use strict";
  for (const button of document.querySelectorAll("button[data-copies]")) {
    const text = document.getElementById(button.dataset.copies);
    const said = document.getElementById(button.getAttribute("aria-describedby"));
    if (!text) continue;
    const copy = async () => {
      try {
        await navigator.clipboard.writeText(text.value);
        return true;
      } catch { /* not allowed, or no secure page: as of old */ }
      text.select();
      return document.execCommand("copy");
    };
    button.addEventListener("click", async () => {
      const done = await copy();
      if (said) said.textContent = done ? button.dataset.done : button.dataset.failed;
      button.focus();
    });
    button.hidden = false;
  }
})();
