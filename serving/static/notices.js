// Says what happened: results politely, errors at once, with a way to try again.

import { button, byId, make } from "./dom.js";
import { say } from "./texts.js";

const KEYS = {
  0: "error.away", 401: "error.login", 403: "error.forbidden", 404: "error.gone", 408: "error.slow",
  409: "error.refused", 413: "error.large", 415: "error.refused", 422: "error.refused",
  429: "error.limit", 502: "error.away", 503: "error.busy", 504: "error.away",
};

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
  const key = error.key ?? (error.status === undefined ? "error.page" : KEYS[error.status] ?? "error.failed");
  const message = make("p", { says: [key, error.values ?? { seconds: error.retryAfter ?? 60 }] });
  // The service's own words say what exactly; they are English.
  const told = [error.message, ...(error.errors ?? []).map((each) => `${each.field}: ${each.reason}`)];
  const exact = error.key || error.away || error.status === 401 ? null : make("p", { lang: "en", className: "faint", textContent: told.join(" ") });
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
