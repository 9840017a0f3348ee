// Keeps a page about work under way up to date: the line, the bar, and now and then a word for screen readers. When it has ended, the
// page is loaded once more. Without this script the page has a link for that.
(() => {
  "use strict";
  const box = document.querySelector("[data-progress]");
  if (!box) return;
  const line = box.querySelector("[data-line]");
  const bar = box.querySelector("progress");
  const aloud = box.querySelector("[role=status]");
  const begun = Date.now();
  let pause = 300; // what is quick is seen to move, what is slow is not asked all the time
  let spoken = begun;

  const show = (now) => {
    if (line.textContent !== now.line) line.textContent = now.line;
    if (now.total && now.count) {
      bar.max = Math.max(now.total, now.count);
      bar.value = now.count;
    } else {
      bar.removeAttribute("value");
    }
    if (Date.now() - spoken > 15000) {
      spoken = Date.now();
      aloud.textContent = now.line;
    }
  };

  const look = async () => {
    try {
      const answer = await fetch(box.dataset.progress, { headers: { Accept: "application/json" }, cache: "no-store" });
      if (answer.status === 401) return location.reload(); // signed out: that leads to the login
      if (answer.ok) {
        const now = await answer.json();
        if (now.at) return location.replace(now.at);
        if (now.done) return location.reload();
        show(now);
      }
    } catch {
      // the server is away for a moment; the next look will tell
    }
    if (Date.now() - begun > 20 * 60 * 1000) return; // somebody left the page open: let the session end
    pause = Math.min(pause * (pause < 2000 ? 1.1 : 1.03), 15000);
    setTimeout(look, pause);
  };
  setTimeout(look, pause);
})();
