// The view of the model: what it is, how good it is, by code and lately.

import { named } from "./codes.js";
import { button, byId, framed, make } from "./dom.js";
import { markdown } from "./markdown.js";
import { warn } from "./notices.js";
import { call } from "./session.js";
import { say, share, time } from "./texts.js";

const cell = (...content) => make("td", {}, ...content);
const number = (value) => make("td", { className: "number", says: ["plain", { text: value ?? "–" }] });

// Columns: a key of texts.js, and the cell of a row; with a value, the heading sorts by it.
const CODES = [
  ["code", (row) => cell(String(row.code)), (row) => row.code],
  ["name", (row) => cell(row.label), (row) => row.label],
  ...["f1", "precision", "recall", "support"].map((score) => [`model.${score}`, (row) => number(row[score]), (row) => row[score]]),
];
const CONFUSED = [
  ["model.actual", (row) => cell(...named(row.actual, row.actual_label))],
  ["model.predicted", (row) => cell(...named(row.predicted, row.predicted_label))],
  ["model.count", (row) => number(row.count)],
  ["model.examples", (row) => cell(make("ul", { className: "plain-list" }, ...row.examples.map((title) => make("li", { className: "text", textContent: title }))))],
];
const DRIFT = [
  ["model.feature", (row) => cell(make("code", { textContent: row.feature }))],
  ...["products", "distance", "threshold"].map((name) => [`model.${name}`, (row) => number(row[name])]),
  ["model.verdict", (row) => cell(make("span", row.drifted ? { className: "bad", says: "model.drifted" } : { className: "good", says: "model.steady" }))],
];

function table(label, columns, rows) {
  if (!rows?.length) return make("p", { className: "faint", says: "model.none" });
  const body = make("tbody");
  const heads = columns.map(([key, , value]) => make("th", { scope: "col", says: value ? null : key },
    value && button(key, ({ currentTarget }) => sort(currentTarget.parentNode, value), { className: "plain" })));
  const fill = (sorted) => body.replaceChildren(...sorted.map((row) => make("tr", {}, ...columns.map(([, made]) => made(row)))));
  const sort = (head, value) => {
    const rising = head.getAttribute("aria-sort") !== "ascending";
    heads.forEach((each) => each.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", rising ? "ascending" : "descending");
    const order = (one, other) => (typeof one === "string" ? one.localeCompare(other) : one - other);
    fill([...rows].sort((one, other) => order(value(one), value(other)) * (rising ? 1 : -1)));
  };
  fill(rows);
  heads.forEach((head, place) => Object.assign(head, { className: body.rows[0].cells[place].className }));
  return framed(make("table", {}, make("thead", {}, make("tr", {}, ...heads)), body), label);
}

function show({ model, since, reviewed, drift, codes, confused, card }) {
  byId("model-about").hidden = false;
  say(byId("model-since"), "model.which", { time: time(since) });
  byId("model-hash").textContent = model;
  if (reviewed) {
    const { right, products, low, high, promised } = reviewed;
    const shares = { share: share(right / products), low: share(low), high: share(high), promised: share(promised) };
    say(byId("model-reviewed"), "model.reviewed-about", { right, products, ...shares });
  } else say(byId("model-reviewed"), "model.reviewed-none");
  byId("model-drift").replaceChildren(table("model.drift", DRIFT, drift));
  byId("model-codes").replaceChildren(table("model.codes", CODES, codes));
  byId("model-confused").replaceChildren(table("model.confused", CONFUSED, confused));
  byId("model-card").replaceChildren(...(card ? markdown(card) : [make("p", { says: "model.none" })]));
}

/** Called when the view is opened. */
export async function openModel() {
  try {
    show(await call("GET", "/model/quality"));
  } catch (error) {
    warn(error, openModel);
  }
}
