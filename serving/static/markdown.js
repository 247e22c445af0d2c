// Shows the small part of Markdown that the model card uses, as elements; pictures are left out.

import { framed, make } from "./dom.js";

const INLINE = /\\([\\`*_{}[\]()#+\-.!|<>~])|`([^`]+)`|\*\*(.+?)\*\*|!\[[^\]]*\]\([^)]*\)|\[([^\]]*)\]\([^)]*\)/g;

/** A line's pieces: text, code, strong; of a link its words, for it leads into the repository. */
function inline(text) {
  const pieces = [];
  let done = 0;
  for (const found of text.matchAll(INLINE)) {
    const [whole, escaped, code, strong, words] = found;
    pieces.push(text.slice(done, found.index));
    if (escaped) pieces.push(escaped);
    else if (code) pieces.push(make("code", { textContent: code }));
    else if (strong) pieces.push(make("strong", {}, ...inline(strong)));
    else if (words) pieces.push(...inline(words));
    done = found.index + whole.length;
  }
  return [...pieces, text.slice(done)].filter((piece) => piece !== "");
}

const cells = (line) => line.trim().replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map((cell) => cell.trim());

function table(lines) {
  const [head, rule, ...body] = lines.map(cells);
  const right = rule.map((cell) => (cell.endsWith(":") ? "number" : ""));
  const row = (tag, texts) => make("tr", {}, ...texts.map((text, place) =>
    make(text ? tag : "td", { className: right[place] ?? "", ...(tag === "th" && text ? { scope: "col" } : {}) }, ...inline(text))));
  const made = make("table", {}, make("thead", {}, row("th", head)), make("tbody", {}, ...body.map((texts) => row("td", texts))));
  return framed(made, "model.card");
}

const KINDS = [
  [/^\|/, table],
  [/^[-*] /, (lines) => make("ul", {}, ...lines.map((line) => make("li", {}, ...inline(line.slice(2)))))],
];

/** The elements of a text, which stands below a heading of the second level. */
export function markdown(text) {
  const made = [];
  const lines = text.split(/\r?\n/);
  for (let place = 0; place < lines.length; ) {
    const line = lines[place];
    const until = (goesOn) => {
      const start = place;
      while (place < lines.length && goesOn(lines[place])) place += 1;
      return lines.slice(start, place);
    };
    const heading = /^(#{1,6}) (.*)$/.exec(line);
    const [first, build] = KINDS.find(([kind]) => kind.test(line)) ?? [];
    if (line.startsWith("```")) {
      place += 1;
      made.push(make("pre", {}, make("code", { textContent: until((each) => !each.startsWith("```")).join("\n") })));
      place += 1;
    } else if (heading) {
      made.push(make(`h${Math.min(6, heading[1].length + 2)}`, {}, ...inline(heading[2])));
      place += 1;
    } else if (build) made.push(build(until((each) => first.test(each))));
    else if (!line.trim()) place += 1;
    else {
      const plain = (each) => each.trim() && !/^(#{1,6} |```)/.test(each) && !KINDS.some(([kind]) => kind.test(each));
      const words = inline(until(plain).join(" "));
      if (words.length) made.push(make("p", {}, ...words));
    }
  }
  return made;
}
