// Says what happened: results politely, errors at once, with a way to try again.

import { button, byId, make } from "./dom.js";
import { say } from "./texts.js";

const TOLD = [401, 403, 404, 408, 413, 429, 503]; // statuses that have a text of their own

/** A message for who looks and who listens; an empty key takes it away. */
export function tell(key, values) {
  say(byId("status"), key, values);
}

export function clear() {
  byId("alert").replaceChildren();
  tell(null);
}

/** Show why something did not work; `retry` is called by the button beside it. */
export function warn(error, retry = null) {
  if (error.name === "AbortError") return;
  tell(null);
  const { status } = error;
  const kind = error.away ? "away" : TOLD.includes(status) ? status : status < 500 ? "refused" : status ? "failed" : "page";
  const key = error.key ?? `error.${kind}`;
  const message = make("p", { says: [key, error.values ?? { seconds: error.retryAfter ?? 60 }] });
  // The service's own words say what exactly; they are English.
  const told = [error.message, ...(error.errors ?? []).map((each) => `${each.field}: ${each.reason}`)];
  const exact = error.key || error.away || status === 401 ? null : make("p", { lang: "en", className: "faint", textContent: told.join(" ") });
  const again = retry && button("retry", () => {
    clear();
    retry();
  });
  byId("alert").replaceChildren(make("div", { className: "warning" }, message, exact, again));
}

/** An error of the page itself that has a text. */
export function problem(key, values = {}) {
  return Object.assign(new Error(key), { key, values });
}
