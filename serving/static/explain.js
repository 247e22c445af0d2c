// Shows what moved an answer: words marked in place, regions drawn over the picture.

import { make } from "./dom.js";
import { folded } from "./listing.js";
import { sayAs } from "./texts.js";

const signed = (effect) => `${effect < 0 ? "−" : "+"}${Math.abs(effect).toFixed(1)}`;

const at = (share) => `${share * 100}%`;

const LEAST = 0.05; // an effect that is shown: less is rounded to 0

/** Where a word stands among the characters: at its offset, else where it is found next to it. */
function place(characters, { start, end, word }) {
  if (characters.slice(start, end).join("") === word) return [start, end];
  const letters = [...word];
  let best = null;
  for (let at = 0; at + letters.length <= characters.length; at += 1) {
    if (!letters.every((letter, step) => characters[at + step] === letter)) continue;
    if (best === null || Math.abs(at - start) < Math.abs(best - start)) best = at;
  }
  return best === null ? null : [best, best + letters.length];
}

/** A field with its words marked; a word that cannot be found is left unmarked. */
function marked(field, raw, words) {
  const characters = [...folded(raw)]; // offsets count code points
  const places = words.filter((word) => word.field === field && Math.abs(word.effect) >= LEAST)
    .map((word) => ({ word, at: place(characters, word) })).filter(({ at }) => at)
    .sort((one, other) => one.at[0] - other.at[0]);
  const line = make("p", { className: "text" });
  let done = 0;
  for (const { word, at: [start, end] } of places) {
    if (start < done) continue;
    const side = word.effect < 0 ? "against" : "for";
    const mark = make("mark", { className: side, textContent: characters.slice(start, end).join("") });
    const effect = make("small", { textContent: ` ${signed(word.effect)}` });
    line.append(characters.slice(done, start).join(""), mark, effect);
    done = end;
  }
  line.append(characters.slice(done).join(""));
  return line;
}

/** The picture with its regions; how strong one is, its border and its number tell. */
function drawn(picture, regions) {
  const image = make("img", { src: picture });
  sayAs(image, "alt", "why.picture");
  const most = Math.max(...regions.map((region) => Math.abs(region.effect)), 1e-9);
  const boxes = regions.map((region) => {
    const box = make("span", { className: `region ${region.effect < 0 ? "against" : "for"}` }, make("b", { textContent: signed(region.effect) }));
    const { left, top, right, bottom } = region;
    Object.assign(box.style, { left: at(left), top: at(top), width: at(right - left), height: at(bottom - top) });
    box.style.setProperty("--strength", String(Math.abs(region.effect) / most));
    return box;
  });
  return make("div", { className: "framed" }, image, ...boxes);
}

/** What there is to see of an explanation. `picture` is the address of a Blob, or null. */
export function explained(explanation, { designation, description }, picture) {
  const root = make("section", { className: "why" }, make("h3", { says: "why.title" }), make("p", { says: "why.about", className: "faint" }));
  const { words, regions } = explanation;
  if (!words.length && !regions.length) root.append(make("p", { says: "why.nothing" }));
  for (const [field, raw] of [["designation", designation], ["description", description]]) {
    if (raw) root.append(make("h4", { says: field }), marked(field, raw, words));
  }
  if (picture && regions.length) root.append(make("h4", { says: "why.picture" }), drawn(picture, regions));
  return root;
}
