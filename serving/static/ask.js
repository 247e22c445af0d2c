// The view of one product: what is typed and dropped, its answer, why, and its correction.

import { base64 } from "./api.js";
import { coded, named, percent, weighed } from "./codes.js";
import { button, byId, make } from "./dom.js";
import { explained } from "./explain.js";
import { clear, problem, tell, warn } from "./notices.js";
import { searchBox } from "./search.js";
import { call, may } from "./session.js";
import { say, share } from "./texts.js";

const BEST = 5; // codes that are shown

let picture = null; // the chosen file, and the address of its preview
let address = null;
let asked = null; // the product that the answer shown is about
let answer = null;

function choose(file) {
  clear();
  if (file?.type && !file.type.startsWith("image/")) {
    warn(problem("ask.not-picture"));
    return;
  }
  picture = file;
  address = file && URL.createObjectURL(file); // kept: an answer that is shown may need it yet
  byId("preview").hidden = !file;
  byId("preview-name").textContent = file?.name ?? "";
  byId("preview-picture").hidden = false;
  byId("preview-picture").src = address ?? "data:,";
}

/** The product as the routes take it. */
function form({ designation, description, picture: file }) {
  const made = new FormData();
  if (designation) made.append("designation", designation);
  if (description) made.append("description", description);
  if (file) made.append("image", file);
  return made;
}

async function ask() {
  const product = { designation: byId("designation").value, description: byId("description").value, picture, address };
  const send = byId("ask-button");
  if (send.getAttribute("aria-disabled") === "true") return;
  clear();
  if (!product.designation.trim() && !product.description.trim() && !picture) {
    warn(problem("ask.empty"));
    return;
  }
  send.setAttribute("aria-disabled", "true");
  tell("ask.busy");
  try {
    answer = await call("POST", "/predict", { body: form(product) });
    asked = product;
    show();
  } catch (error) {
    warn(error, ask);
  } finally {
    send.removeAttribute("aria-disabled");
  }
}

function show() {
  byId("ask-result").hidden = false;
  byId("ask-answer").replaceChildren(...named(answer.predicted, answer.label));
  byId("ask-verdict").className = `badge ${answer.accepted ? "good" : "doubt"}`;
  say(byId("ask-verdict"), answer.accepted ? "accepted" : "to-review");
  say(byId("ask-evidence"), `evidence.${answer.evidence}`);
  say(byId("ask-image-error"), answer.image_error && "ask.image-error", { reason: answer.image_error });
  byId("ask-path").hidden = answer.path.length < 2;
  byId("ask-path").replaceChildren(...answer.path.map((level) =>
    make("li", {}, make("span", { className: level.accepted ? "good" : "doubt", textContent: level.label }), " ", percent(level.confidence))));
  byId("ask-best").replaceChildren(...answer.predictions.slice(0, BEST).map((each) => make("li", {}, ...weighed(each))));
  byId("ask-why").replaceChildren();
  byId("correct").hidden = !may("review");
  byId("correct-note").value = "";
  byId("correct-saved").replaceChildren();
  tell("ask.done", { ...coded(answer.predicted, answer.label), share: share(answer.confidence) });
  byId("ask-answer").focus();
}

async function explain() {
  const product = asked;
  try {
    const { explanation } = await call("POST", "/explain", { body: form(product) });
    if (product === asked) byId("ask-why").replaceChildren(explained(explanation, product, product.address));
  } catch (error) {
    warn(error, explain);
  }
}

/** Keep a correction, of the answer or, where it was not kept, of the product; null withdraws it. */
async function correct(code) {
  const { designation, description, picture: file } = asked;
  const said = { code, note: byId("correct-note").value };
  try {
    const kept = await call("POST", "/corrections", { body: { answer: answer.id, ...said } }).catch(async (error) => {
      if (error.status !== 404) throw error;
      const image = file && (await base64(file));
      return call("POST", "/corrections", { body: { designation, description, image, ...said } });
    });
    byId("correct-saved").replaceChildren(...(code === null ? [make("span", { says: "correct.undone" })]
      : [make("span", { says: ["correct.saved", coded(kept.code, kept.label)] }), " ", button("correct.undo", () => correct(null))]));
  } catch (error) {
    warn(error, () => correct(code));
  }
}

/** Set up the view. */
export function startAsk() {
  const drop = byId("drop");
  byId("ask-form").addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
  byId("picture").addEventListener("change", ({ target }) => {
    if (target.files.length) choose(target.files[0]);
    target.value = ""; // the same file may be chosen again
  });
  byId("remove-picture").addEventListener("click", () => {
    choose(null);
    byId("picture").focus();
  });
  // TIFF, for one, is shown by few browsers; the service reads it all the same.
  byId("preview-picture").addEventListener("error", ({ target }) => {
    target.hidden = true;
  });
  for (const kind of ["dragover", "dragleave", "drop"]) {
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", kind === "dragover");
      if (event.dataTransfer.files.length && kind === "drop") choose(event.dataTransfer.files[0]);
    });
  }
  document.addEventListener("paste", (event) => {
    if (!event.clipboardData.files.length || byId("view-ask").hidden) return;
    event.preventDefault();
    choose(event.clipboardData.files[0]);
  });
  byId("ask-explain").addEventListener("click", explain);
  byId("correct-right").addEventListener("click", () => correct(answer.predicted));
  byId("correct-search").append(searchBox(({ code }) => correct(code)).root);
}
