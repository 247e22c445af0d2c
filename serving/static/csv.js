// Reads and writes CSV (RFC 4180): quoted fields, any line end, comma, semicolon or tab.

import { problem } from "./notices.js";

/** The text of a file. Only UTF-8 is read: of any other encoding accents would be guessed. */
export function decode(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw problem("csv.encoding");
  }
}

/** The separator that stands most often in the header. */
function separatorOf(text) {
  const [header] = text.split(/[\r\n]/, 1);
  const times = (separator) => header.split(separator).length;
  return [",", ";", "\t"].reduce((best, each) => (times(each) > times(best) ? each : best));
}

/** Lists of fields, one for each line that is not empty. */
function parse(text, separator = separatorOf(text)) {
  const rows = [];
  let row = [];
  let place = 0;
  const end = text.length;
  while (place < end) {
    let field = "";
    if (text[place] === '"') {
      const opened = rows.length + 1;
      for (place += 1; ; place += 2) {
        const close = text.indexOf('"', place);
        if (close < 0) throw problem("csv.open", { row: opened });
        field += text.slice(place, close);
        place = close;
        if (text[close + 1] !== '"') break;
        field += '"';
      }
      place += 1;
    }
    let stop = place;
    while (stop < end && text[stop] !== separator && text[stop] !== "\n" && text[stop] !== "\r") stop += 1;
    row.push(field + text.slice(place, stop));
    place = stop + 1;
    if (text[stop] === separator && place < end) continue;
    if (text[stop] === separator) row.push("");
    if (text[stop] === "\r" && text[place] === "\n") place += 1;
    if (row.length > 1 || row[0] !== "") rows.push(row);
    row = [];
  }
  return rows;
}

/** CSV as Python's csv.writer makes it. Fields are written as they are, whatever they begin with. */
export function write(rows) {
  const written = (field) => (/[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field);
  return rows.map((row) => `${row.map((field) => written(String(field ?? ""))).join(",")}\n`).join("");
}

const COLUMNS = {
  id: ["", "id", "unnamed: 0"],
  designation: ["designation"],
  description: ["description"],
  imageid: ["imageid"],
  productid: ["productid", "product_identifier", "product_id"],
};

/** The products of a table: what the service reads of each row, under the pipeline's names. */
export function products(text) {
  const [header, ...rows] = parse(text);
  if (!header) throw problem("csv.empty");
  const names = header.map((name) => name.trim().toLowerCase());
  const places = Object.fromEntries(Object.entries(COLUMNS).map(([name, called]) =>
    [name, names.findIndex((each) => called.includes(each))]));
  if (places.designation < 0 && places.description < 0) throw problem("csv.columns", { found: header.join(", ") });
  return rows.map((row, number) => {
    const product = Object.fromEntries(Object.entries(places).map(([name, place]) => [name, row[place] ?? ""]));
    return { ...product, id: places.id < 0 ? String(number) : product.id, number: number + 1 };
  });
}
