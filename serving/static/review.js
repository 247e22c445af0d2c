// The view of reviewers: one product at a time, decided by a key or a button.

import { coded, weighed } from "./codes.js";
import { byId, button, make } from "./dom.js";
import { showConflicts } from "./conflicts.js";
import { folded } from "./listing.js";
import { clear, tell, warn } from "./notices.js";
import { searchBox } from "./search.js";
import { call } from "./session.js";
import { remembered } from "./memory.js";
import { say, share } from "./texts.js";

const TYPING = "input:not([type=checkbox]), textarea, select";

let item = null; // what is shown
let decided = []; // what was decided in this session, the latest last
let busy = false;
let search = null;

/** Do one thing at a time: a key that is pressed twice decides once. */
async function once(act) {
  if (busy) return;
  busy = true;
  try {
    await act();
  } catch (error) {
    warn(error, () => once(act));
  } finally {
    busy = false;
  }
}

async function count() {
  const { waiting, mine, conflicts } = await call("GET", "/review");
  say(byId("review-count"), "review.count", { waiting, mine });
  showConflicts(conflicts, () => count().catch(warn));
}

async function takeNext() {
  show(await call("POST", "/review/next"));
  count().catch(warn); // the next decision does not wait for it
}

function show(next) {
  item = next;
  byId("review-item").hidden = !item;
  byId("review-empty").hidden = Boolean(item);
  byId("review-skip").disabled = !item;
  byId("review-note").value = "";
  search.clear();
  if (!item) {
    byId("review-title").focus();
    return;
  }
  say(byId("review-designation"), item.designation ? "plain" : "review.untitled", { text: item.designation });
  say(byId("review-reason"), `reason.${item.reason}`, { share: share(item.confidence) });
  byId("review-description").textContent = folded(item.description ?? "");
  byId("review-frame").hidden = !item.picture;
  byId("review-picture").src = item.picture ? `/review/${item.id}/picture` : "data:,";
  const confirm = make("span", { says: ["review.confirm", coded(item.predicted, item.label)] });
  byId("review-confirm").replaceChildren(confirm, " ", make("kbd", { textContent: "Enter" }));
  byId("review-best").replaceChildren(...item.predictions.slice(0, 5).map((each, place) => {
    const choice = button(null, () => decide(each.prediction), { className: "choice" });
    choice.setAttribute("aria-keyshortcuts", String(place + 1));
    choice.append(make("kbd", { textContent: String(place + 1) }), " ", ...weighed(each));
    return make("li", {}, choice);
  }));
  byId("review-product").focus();
}

/** Send what is decided about the product shown, and go on to the next one. */
function finish(send) {
  if (!item || busy) return;
  const about = item;
  once(async () => {
    if (item === about) {
      clear();
      await send(about);
      item = null; // a second try after a lost connection only asks for the next one
    }
    await takeNext();
  });
}

function decide(code) {
  const note = byId("review-note").value;
  finish(async (about) => {
    const kept = await call("POST", "/corrections", { body: { answer: about.id, code, note } });
    decided.push(about);
    tell("review.decided", coded(kept.code, kept.label));
  });
}

function skip() {
  finish(async ({ id }) => {
    await call("POST", `/review/${id}/skip`);
    tell("review.skipped");
  });
}

function undo() {
  if (busy) return;
  if (!decided.length) {
    tell("review.nothing");
    return;
  }
  const about = decided.at(-1);
  once(async () => {
    clear();
    await call("POST", "/corrections", { body: { answer: about.id, code: null } });
    decided = decided.filter((each) => each !== about);
    show(about);
    tell("review.undone");
    count().catch(warn);
  });
}

function pressed(event) {
  if (byId("view-review").hidden || !byId("keys-on").checked || document.querySelector("dialog[open]")) return;
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || event.repeat) return;
  if (event.target.closest(TYPING)) return;
  const choice = item?.predictions[Number(event.key) - 1];
  if (/^[1-5]$/.test(event.key) && choice) decide(choice.prediction);
  else if (event.key === "c") confirm();
  // Enter on a button or a link is theirs.
  else if (event.key === "Enter" && !event.target.closest("button, a, summary, input")) confirm();
  else if (event.key === "/") search.focus();
  else if (event.key === "s") skip();
  else if (event.key === "u") undo();
  else return;
  event.preventDefault();
}

const confirm = () => item && decide(item.predicted);

/** Called when the view is opened. */
export function openReview() {
  return once(async () => {
    // Who is not logged in is asked for it by the first call.
    await count();
    if (!item) await takeNext();
  });
}

/** Set up the view. */
export function startReview() {
  search = searchBox(({ code }) => decide(code), { leave: () => byId("review-product").focus() });
  byId("review-search").append(search.root);
  byId("review-confirm").addEventListener("click", confirm);
  byId("review-skip").addEventListener("click", skip);
  byId("review-undo").addEventListener("click", undo);
  byId("review-reload").addEventListener("click", () => once(takeNext));
  byId("keys-on").checked = remembered.get("keys") !== "off";
  byId("keys-on").addEventListener("change", (event) => remembered.set("keys", event.target.checked ? "on" : "off"));
  document.addEventListener("keydown", pressed);
}
