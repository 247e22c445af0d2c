// A listing's text as the service reads it (serving/listing/text.py).

const TAG = /<[/!?a-zA-Z][^<>]*>/g;
const CONTROL = /[\x00-\x08\x0e-\x1b\x7f\u200b-\u200f\u2060\ufeff\u00ad]/g;

/** The character that an entity names; it alone is parsed, so it makes no element. */
function character(entity) {
  return new DOMParser().parseFromString(`-${entity}`, "text/html").body.textContent.slice(1);
}

/** A field without its markup, its white space folded. */
export function folded(raw) {
  let text = raw.replace(CONTROL, "").replace(TAG, " ");
  for (let pass = 0; pass < 2; pass += 1) {
    text = text.replace(/&(#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});?/g, character);
    text = text.replace(CONTROL, "").replace(TAG, " ");
  }
  return text.normalize("NFC").replace(/\s+/g, " ").trim();
}
