// Answers products in batches: as large as the service takes them, waiting where it says so.

import { base64 } from "./api.js";
import { call } from "./session.js";

const MOST = 64; // products; SERVING_MAX_BATCH_PRODUCTS as it is by default
const BYTES = 8 * 1024 * 1024; // of a batch, pictures in base64 included
const PICTURE_BYTES = 10 * 1024 * 1024;
const BUSY_SECONDS = 5;

const pictureName = ({ imageid, productid }) => `image_${imageid}_product_${productid}.jpg`;

/** A product as /predict/batch takes it. A picture that cannot be had is noted at the row. */
async function body(row, archive) {
  const made = {};
  for (const name of ["designation", "description", "imageid"]) if (row[name]) made[name] = row[name];
  if (row.productid) made.product_id = row.productid;
  const name = pictureName(row);
  if (!archive || !row.imageid) return made;
  if (!archive.names.has(name)) {
    row.note = "table.no-picture";
    return made;
  }
  const picture = await archive.read(name, PICTURE_BYTES);
  if (picture) made.image = await base64(picture);
  else row.note = "table.bad-picture";
  return made;
}

/** Until the seconds are over; `tick` hears how many are left. Raises AbortError. */
async function wait(seconds, tick, signal) {
  for (let left = seconds; left > 0; left -= 1) {
    tick(left);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    signal.throwIfAborted();
  }
}

/**
 * Answer the rows that have neither `answer` nor `error` yet, and put these there.
 *
 * `answered` is called after each batch, `waits` with the seconds that are left. What the service
 * refuses as too large is halved until a single product is at fault, which then has the error.
 * Raises ServiceError where the service is gone: calling it again goes on from there.
 */
export async function answerAll(rows, archive, { signal, answered, waits }) {
  let most = MOST;
  let from = 0;
  while (from < rows.length) {
    if (rows[from].answer || rows[from].error) {
      from += 1;
      continue;
    }
    const products = [];
    for (let bytes = 0; products.length < most && from + products.length < rows.length; ) {
      signal.throwIfAborted();
      const made = await body(rows[from + products.length], archive);
      bytes += (made.image?.length ?? 0) + 3 * (made.designation?.length ?? 0) + 3 * (made.description?.length ?? 0) + 100;
      if (products.length && bytes > BYTES) break;
      products.push(made);
    }
    const batch = rows.slice(from, from + products.length);
    try {
      const answers = await call("POST", "/predict/batch", { body: products, signal });
      batch.forEach((row, place) => {
        const { error } = answers[place];
        if (error) row.error = [error.detail, ...(error.errors ?? []).map((each) => `${each.field}: ${each.reason}`)].join(" ");
        else row.answer = answers[place];
      });
      from += batch.length;
      answered();
    } catch (error) {
      if (error.status === 429 || error.status === 503) {
        const split = error.quota && batch.length > error.quota;
        if (split) most = error.quota;
        if (!split || error.remaining < most) await wait(error.retryAfter ?? BUSY_SECONDS, waits, signal);
      } else if ([400, 413, 422].includes(error.status) && batch.length > 1) most = Math.ceil(batch.length / 2);
      else if ([400, 413, 422].includes(error.status)) {
        batch[0].error = error.message;
        answered();
      } else throw error;
    }
  }
}
