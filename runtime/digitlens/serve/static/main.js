// Which view is shown, and what all views need: the model's contract.

import { askJson, Refusal } from "./ask.js";
import { Draw } from "./draw.js";
import { Live } from "./live.js";
import { Network } from "./network.js";
import { Photo } from "./photo.js";

const KINDS = { live: Live, draw: Draw, photo: Photo, network: Network };

function forgetToken() {
  const url = new URL(location.href);
  if (!url.searchParams.has("token")) return;
  url.searchParams.delete("token");
  history.replaceState(null, "", url);
}

async function contract() {
  for (;;) {
    try {
      return await askJson("/api/model");
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const status = document.getElementById("live-status");
      document.getElementById("live").hidden = false;
      status.textContent = error.message;
      status.classList.add("bad");
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }
}

function show(views) {
  const asked = location.hash.slice(1);
  const name = Object.hasOwn(KINDS, asked) ? asked : "live";
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  for (const [each, view] of Object.entries(views)) {
    document.getElementById(each).hidden = each !== name;
    const isFollowed = each === "live" && name === "network" && views.network.follows;
    view.show((each === name || isFollowed) && !document.hidden);
  }
  document.title = `${name[0].toUpperCase()}${name.slice(1)} – Digitlens`;
}

forgetToken();
const model = await contract();
const views = Object.fromEntries(Object.entries(KINDS).map(([name, Kind]) => [name, new Kind(model)]));
show(views);
window.addEventListener("hashchange", () => {
  if (location.hash === "#main") return;
  show(views);
  window.scrollTo(0, 0);
});
document.addEventListener("visibilitychange", () => show(views));
views.network.addEventListener("follow", () => show(views));
