// The view of a table: a CSV and its pictures in, progress, answers to look through, a CSV out.

import { answerAll } from "./batch.js";
import { named, percent } from "./codes.js";
import { decode, products, write } from "./csv.js";
import { byId, make } from "./dom.js";
import { clear, problem, tell, warn } from "./notices.js";
import { say } from "./texts.js";
import { open } from "./zip.js";

const PAGE = 100;
const SHORT = 200; // characters of a title
const COLUMNS = ["id", "productid", "imageid", "prdtypecode", "label", "confidence", "accepted"];
const LEVELS = ["path", "accepted_as"];

let rows = null;
let archive = null;
let running = null; // AbortController of the work in progress
let shown = PAGE; // rows of the table at most

const done = () => rows.filter((row) => row.answer || row.error).length;

const FILTERS = {
  all: (row) => row.answer || row.error,
  review: (row) => row.answer && !row.answer.accepted,
  error: (row) => row.error,
};

async function chooseTable(file) {
  clear();
  rows = null;
  byId("table-result").hidden = byId("table-progress").hidden = true;
  say(byId("table-start"), "table.start");
  say(byId("csv-found"), null);
  if (!file) return;
  try {
    rows = products(decode(await file.arrayBuffer()));
    say(byId("csv-found"), "table.found", { count: rows.length });
  } catch (error) {
    warn(error);
  }
}

async function choosePictures(file) {
  clear();
  archive = null;
  say(byId("zip-found"), null);
  if (!file) return;
  try {
    archive = await open(file);
    say(byId("zip-found"), "table.pictures", { count: archive.names.size });
  } catch (error) {
    warn(error);
  }
}

async function start() {
  if (running) return;
  if (!rows) {
    warn(problem("table.choose"));
    return;
  }
  clear();
  if (done() === rows.length) rows.forEach((row) => Object.assign(row, { answer: null, error: null, note: null }));
  running = new AbortController();
  byId("table-start").setAttribute("aria-disabled", "true");
  byId("table-cancel").hidden = false;
  for (const id of ["csv", "zip"]) byId(id).disabled = true;
  byId("table-progress").hidden = byId("table-result").hidden = false;
  shown = PAGE;
  show();
  try {
    await answerAll(rows, archive, {
      signal: running.signal,
      answered: () => {
        tell(null);
        show();
      },
      waits: (seconds) => {
        // Said once aloud; the seconds that pass are for who looks.
        if (!byId("status").textContent) tell("table.paused", { seconds });
        say(byId("progress-text"), "table.waiting", { seconds, done: done(), total: rows.length });
      },
    });
    const count = (name) => rows.filter(FILTERS[name]).length;
    tell("table.finished", { accepted: count("all") - count("review") - count("error"), review: count("review"), error: count("error") });
  } catch (error) {
    if (error.name === "AbortError") tell("table.stopped", { done: done(), total: rows.length });
    else warn(error, start);
  } finally {
    running = null;
    say(byId("table-start"), done() > 0 && done() < rows.length ? "table.resume" : "table.start");
    byId("table-start").removeAttribute("aria-disabled");
    byId("table-cancel").hidden = true;
    for (const id of ["csv", "zip"]) byId(id).disabled = false;
    show();
  }
}

function show() {
  const total = rows.length;
  byId("progress").max = Math.max(1, total);
  byId("progress").value = done();
  say(byId("progress-text"), "table.done-of", { done: done(), total });
  const chosen = rows.filter(FILTERS[byId("filter").value]);
  byId("answers").replaceChildren(...chosen.slice(0, shown).map(line));
  say(byId("shown"), "table.shown", { shown: Math.min(shown, chosen.length), total: chosen.length });
  byId("more").hidden = chosen.length <= shown;
}

function line({ number, designation, description, answer, error, note }) {
  const verdict = error ? { className: "bad", lang: "en", textContent: error }
    : { className: answer.accepted ? "good" : "doubt", says: answer.accepted ? "accepted" : "to-review" };
  const wrong = answer?.image_error ? ["ask.image-error", { reason: answer.image_error }] : note;
  return make("tr", {},
    make("td", { textContent: String(number) }),
    make("td", { className: "text", textContent: (designation || description).slice(0, SHORT) }),
    make("td", {}, ...(answer ? named(answer.predicted, answer.label) : [])),
    make("td", { className: "number" }, answer && percent(answer.confidence)),
    make("td", {}, make("span", verdict), wrong && make("p", { className: "faint", says: wrong })));
}

/** A probability as Python writes one that is rounded to four places. */
function decimal(value) {
  const text = String(Number(value.toFixed(4)));
  return text.includes(".") ? text : `${text}.0`;
}

/** The answers as data/predictions/predictions.csv has them; a row without one has empty fields. */
function table() {
  const answered = rows.filter(FILTERS.all);
  const levels = answered.some((row) => row.answer?.path.length > 1);
  const values = ({ answer }) => (answer
    ? [answer.predicted, answer.label, decimal(answer.confidence), answer.accepted ? "True" : "False",
      ...(levels ? [answer.path.map((level) => level.label).join(" > "), answer.accepted_as] : [])]
    : ["", "", "", "", ...(levels ? ["", ""] : [])]);
  return write([[...COLUMNS, ...(levels ? LEVELS : [])], ...answered.map((row) => [row.id, row.productid, row.imageid, ...values(row)])]);
}

function download() {
  const address = URL.createObjectURL(new Blob([table()], { type: "text/csv" }));
  make("a", { href: address, download: "predictions.csv" }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000); // the browser has begun to save it by then
}

/** Set up the view. */
export function startTable() {
  byId("csv").addEventListener("change", (event) => chooseTable(event.target.files[0]));
  byId("zip").addEventListener("change", (event) => choosePictures(event.target.files[0]));
  byId("table-form").addEventListener("submit", (event) => {
    event.preventDefault();
    start();
  });
  byId("table-cancel").addEventListener("click", () => {
    running?.abort();
    byId("table-start").focus();
  });
  byId("download").addEventListener("click", download);
  byId("filter").addEventListener("change", () => {
    shown = PAGE;
    show();
  });
  byId("more").addEventListener("click", () => {
    shown += PAGE;
    show();
  });
}
