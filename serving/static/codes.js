// Shows a code with its name, and how probable it is.

import { make } from "./dom.js";
import { share } from "./texts.js";

/** The values that texts about a code have. */
export const coded = (code, label) => ({ code: String(code), label });

/** Name and code. */
export const named = (code, label) => [`${label} `, make("span", { className: "code", textContent: String(code) })];

/** A share of 1 in per cent. */
export const percent = (value) => make("span", { className: "share", says: ["plain", { text: share(value) }] });

/** One of the most probable codes, with a bar. */
export function weighed({ prediction, label, confidence }) {
  const bar = make("span", { className: "bar" });
  bar.style.width = `${confidence * 100}%`;
  return [make("span", {}, ...named(prediction, label)), " ", percent(confidence), make("span", { className: "track" }, bar)];
}
