// A search box over codes and names (the combobox of ARIA's authoring practices).

import { make } from "./dom.js";
import { warn } from "./notices.js";
import { call } from "./session.js";
import { say } from "./texts.js";

const SHOWN = 12;
let known = null; // the loaded model's codes, asked for once
let boxes = 0;

document.addEventListener("session", () => {
  known = null;
});

/** Lower case without accents, as the service folds titles. */
const fold = (text) => text.toLowerCase().normalize("NFD").replace(/\p{Mn}/gu, "");

function codes() {
  known ??= call("GET", "/codes").then((all) => all.map((each) => ({
    ...each,
    folded: fold(`${each.code} ${each.label} ${each.path.join(" ")}`),
    start: fold(each.label),
  })));
  known.catch(() => {
    known = null;
  });
  return known;
}

/** Codes that have every word of the text: those that begin with it first. */
function matching(all, text) {
  const folded = fold(text).trim();
  const words = folded.split(/\s+/);
  const rank = (each) => (String(each.code).startsWith(folded) ? 0 : each.start.startsWith(folded) ? 1 : 2);
  return all.filter((each) => words.every((word) => each.folded.includes(word)))
    .sort((one, other) => rank(one) - rank(other)).slice(0, SHOWN);
}

/** The box; `choose` gets the code that is chosen, `leave` is called by Escape. */
export function searchBox(choose, { leave = () => {}, label = "search" } = {}) {
  const id = `search-${(boxes += 1)}`;
  const input = make("input", {
    id, type: "text", autocomplete: "off", spellcheck: false,
    attributes: { role: "combobox", "aria-expanded": "false", "aria-controls": `${id}-list`, "aria-autocomplete": "list" },
  });
  const name = make("label", { id: `${id}-label`, htmlFor: id, says: label });
  const list = make("ul", { id: `${id}-list`, hidden: true, attributes: { role: "listbox", "aria-labelledby": name.id } });
  const count = make("span", { className: "unseen", attributes: { role: "status" } });
  let found = [];
  let active = -1;

  const point = (to) => {
    active = (to + found.length) % found.length;
    [...list.children].forEach((option, place) => option.setAttribute("aria-selected", String(place === active)));
    input.setAttribute("aria-activedescendant", `${id}-${active}`);
    list.children[active].scrollIntoView({ block: "nearest" });
  };
  const show = () => {
    list.replaceChildren(...found.map(option));
    list.hidden = !found.length;
    input.setAttribute("aria-expanded", String(found.length > 0));
    if (found.length) point(0);
    else input.removeAttribute("aria-activedescendant");
  };
  const close = () => {
    found = [];
    show();
    say(count, null);
  };
  const clear = () => {
    input.value = "";
    close();
  };
  const take = (code) => {
    clear();
    choose(code);
  };
  const option = (each, place) => {
    const made = make("li", { id: `${id}-${place}`, attributes: { role: "option" } },
      make("b", { textContent: String(each.code) }), ` ${each.label} `, make("small", { textContent: each.path.join(" › ") }));
    made.addEventListener("pointerdown", (event) => event.preventDefault()); // the box keeps the focus
    made.addEventListener("click", () => take(each));
    return made;
  };
  const look = async () => {
    const text = input.value;
    try {
      const all = await codes();
      if (text !== input.value || document.activeElement !== input) return; // no longer asked
      found = text.trim() ? matching(all, text) : [];
      show();
      say(count, text.trim() && "search.found", { count: found.length });
    } catch (error) {
      warn(error, look);
    }
  };

  input.addEventListener("input", look);
  input.addEventListener("blur", close);
  input.addEventListener("focus", look);
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Escape") {
      clear();
      leave();
    } else if (["ArrowDown", "ArrowUp"].includes(event.key) && found.length) point(active + (event.key === "ArrowDown" ? 1 : -1));
    else if (event.key === "Enter" && found.length) take(found[active]);
    else if (event.key !== "Enter") return;
    event.preventDefault(); // Enter sends no form around the box
    event.stopPropagation();
  });
  return { root: make("div", { className: "search" }, name, input, list, count), focus: () => input.focus(), clear };
}
