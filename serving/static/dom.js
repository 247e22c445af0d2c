// Makes and finds elements. Whatever comes from outside becomes text, never markup.

import { say, sayAs } from "./texts.js";

export const byId = (id) => document.getElementById(id);

/** An element with properties and children; `says` is a key of texts.js, or [key, values]. */
export function make(tag, { says, attributes = {}, ...properties } = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
  if (says) say(made, ...[says].flat());
  made.append(...children.filter(Boolean));
  return made;
}

/** A button of the page that calls `act`. */
export function button(says, act, properties = {}) {
  const made = make("button", { type: "button", says, ...properties });
  made.addEventListener("click", act);
  return made;
}

/** A table in a frame that scrolls by itself on a narrow screen, and by keyboard. */
export function framed(table, label) {
  const frame = make("div", { className: "wide", tabIndex: 0, attributes: { role: "region" } }, table);
  sayAs(frame, "aria-label", label);
  return frame;
}
