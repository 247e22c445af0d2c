// Begins the page, and shows the view that the address names.

import { startAsk } from "./ask.js";
import { byId } from "./dom.js";
import { openModel } from "./model.js";
import { clear, warn } from "./notices.js";
import { openReview, startReview } from "./review.js";
import { start } from "./session.js";
import { startTable } from "./table.js";
import { startTexts } from "./texts.js";

const VIEWS = { ask: () => {}, table: () => {}, review: openReview, model: openModel };

function route(event) {
  const asked = location.hash.slice(1);
  if (asked === "main") return; // the link that skips the navigation
  const name = asked in VIEWS ? asked : "ask";
  clear();
  for (const view of Object.keys(VIEWS)) byId(`view-${view}`).hidden = view !== name;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (event) byId(`${name}-title`).focus(); // a new view is read from its heading
  VIEWS[name]();
}

async function begin() {
  startTexts(byId("language"));
  startAsk();
  startTable();
  startReview();
  window.addEventListener("hashchange", route);
  try {
    await start();
  } catch (error) {
    warn(error);
  }
  route();
}

begin();
