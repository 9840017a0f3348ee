// Looks every two seconds whether a page that waits for a worker says something else by now; without it, its link does the same.
(() => {
  const shown = document.getElementById("follow");
  if (!shown) return;
  const look = async () => {
    try {
      const answer = await fetch(location.href, { redirect: "manual", cache: "no-store" });
      if (answer.type === "opaqueredirect") return location.reload();
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const now = page.getElementById("follow");
      if (!now) return location.reload();
      if (now.innerHTML !== shown.innerHTML) shown.innerHTML = now.innerHTML;
    } catch { /* the network is away: try again */ }
    setTimeout(look, 2000);
  };
  setTimeout(look, 1000);
})();
