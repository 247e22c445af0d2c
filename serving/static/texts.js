// Has elements say the words of page.html in French or English, and switches between them.

import { remembered } from "./memory.js";

const LANGUAGES = { fr: "Français", en: "English" };
const words = new Map([...document.getElementById("texts").content.querySelectorAll("[data-key]")].map((entry) =>
  [entry.dataset.key, Object.fromEntries([...entry.children].map((each) => [each.lang, each.textContent]))]));
const said = new WeakMap(); // element: { "": [key, values], attribute: [key, values] }

let current = remembered.get("language");
if (!(current in LANGUAGES)) current = navigator.language?.toLowerCase().startsWith("fr") ? "fr" : "en";

/** A share of 1 as per cent, and a time (ISO-8601 or seconds since 1970), in the words of `t`. */
export const share = (value) => ({ share: value });
export const time = (value) => ({ time: typeof value === "number" ? value * 1000 : Date.parse(value) });

function written(value) {
  if (typeof value === "number") return new Intl.NumberFormat(current, { maximumFractionDigits: 3 }).format(value);
  if (value?.share !== undefined) {
    return new Intl.NumberFormat(current, { style: "percent", maximumFractionDigits: 1 }).format(value.share);
  }
  if (value?.time !== undefined) {
    return new Date(value.time).toLocaleString(current, { dateStyle: "medium", timeStyle: "short" });
  }
  return String(value ?? "");
}

/** The text of a key in the language of the page. Codes are given as texts, or they get commas. */
function t(key, values = {}) {
  if (key === "plain") return written(values.text);
  let text = words.get(key)[current];
  if (current === "fr") text = text.replace(/ ([:;?!»])/g, "\u00a0$1").replace(/« /g, "«\u00a0");
  return text.replace(/\{(\w+)\}/g, (_, name) => written(values[name]));
}

/** Have an element say the text of a key, also once the language changes; without a key, nothing. */
export function say(element, key, values = {}) {
  sayAs(element, "", key, values);
}

/** The same for an attribute of it. */
export function sayAs(element, attribute, key, values = {}) {
  const parts = said.get(element) ?? {};
  if (key) parts[attribute] = [key, values];
  else delete parts[attribute];
  said.set(element, parts);
  element.toggleAttribute("data-said", Object.keys(parts).length > 0);
  put(element, attribute, key ? t(key, values) : "");
}

function put(element, attribute, text) {
  if (attribute) element.setAttribute(attribute, text);
  else element.textContent = text;
}

function translate() {
  document.documentElement.lang = current;
  document.title = t("title");
  for (const element of document.querySelectorAll("[data-said]")) {
    Object.entries(said.get(element) ?? {}).forEach(([attribute, [key, values]]) => put(element, attribute, t(key, values)));
  }
}

/** Give the elements of page.html their texts, and the button its work. */
export function startTexts(switcher) {
  for (const [name, attribute] of [["text", ""], ["label", "aria-label"], ["alt", "alt"]]) {
    for (const element of document.querySelectorAll(`[data-${name}]`)) sayAs(element, attribute, element.dataset[name]);
  }
  const show = () => {
    translate();
    // The button is named in the language that it leads to.
    const other = Object.keys(LANGUAGES).find((each) => each !== current);
    switcher.lang = other;
    switcher.textContent = LANGUAGES[other];
  };
  switcher.addEventListener("click", () => {
    current = switcher.lang;
    remembered.set("language", current);
    show();
  });
  show();
}
