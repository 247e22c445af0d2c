// The products that reviewers disagree about, and who settles them.

import { coded } from "./codes.js";
import { button, byId, make } from "./dom.js";
import { folded } from "./listing.js";
import { tell, warn } from "./notices.js";
import { searchBox } from "./search.js";
import { call } from "./session.js";
import { time } from "./texts.js";

const SHORT = 300; // characters of a description

/** Show them; `settled` is called after each decision. */
export function showConflicts(conflicts, settled) {
  byId("no-conflicts").hidden = conflicts.length > 0;
  const list = byId("conflicts");
  // A list that is the same stays as it is: somebody may be at one of its buttons.
  const same = JSON.stringify(conflicts);
  if (list.shown === same) return;
  list.shown = same;
  list.replaceChildren(...conflicts.map((conflict) => one(conflict, settled)));
}

function one(conflict, settled) {
  const settle = async (code) => {
    try {
      // A product and the answer about it have one id.
      const body = { answer: conflict.product, code, settles: true };
      const kept = await call("POST", "/corrections", { body });
      tell("conflicts.settled", coded(kept.code, kept.label));
      byId("review-title").focus();
      settled();
    } catch (error) {
      warn(error.status === 404 ? Object.assign(error, { key: "conflicts.forgotten" }) : error, () => settle(code));
    }
  };
  const codes = new Map(conflict.entries.map((entry) => [String(entry.code), entry]));
  return make("li", {},
    make("h3", conflict.designation ? { textContent: conflict.designation } : { says: "review.untitled" }),
    conflict.description && make("p", { className: "text faint", textContent: folded(conflict.description).slice(0, SHORT) }),
    make("ul", {}, ...conflict.entries.map((entry) => make("li", {},
      make("span", { says: ["conflicts.said", { ...coded(entry.code, entry.label), who: entry.reviewer, time: time(entry.time) }] }),
      entry.note && " ", entry.note && make("q", { textContent: entry.note })))),
    make("p", { className: "row" }, ...[...codes.values()].map((entry) =>
      button(["conflicts.settle", coded(entry.code, entry.label)], () => settle(entry.code)))),
    searchBox(({ code }) => settle(code), { label: "conflicts.other" }).root);
}
