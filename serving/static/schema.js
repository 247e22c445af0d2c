// Shows the OpenAPI document as a page and lets a person try its routes.
"use strict";

let token = null; // kept in this page alone, gone when it is closed

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function resolved(api, schema) {
  return schema?.$ref ? schema.$ref.split("/").slice(1).reduce((part, key) => part[key], api) : schema;
}

function typeOf(api, schema) {
  const of = resolved(api, schema);
  if (!of) return "";
  const choices = of.oneOf ?? of.anyOf;
  if (choices) return choices.map((choice) => typeOf(api, choice)).join(" or ");
  if (of.type === "array") return `list of ${typeOf(api, of.items)}`;
  return of.title ?? [of.type ?? "bytes"].flat().join(" or ");
}

function fields(api, schema) {
  const of = resolved(api, schema);
  const target = of?.type === "array" ? resolved(api, of.items) : of;
  const rows = Object.entries(target?.properties ?? {}).map(([name, field]) =>
    element("tr", {}, element("td", {}, element("code", { textContent: name })),
      element("td", { textContent: typeOf(api, field) }),
      element("td", { textContent: resolved(api, field)?.description ?? "" })));
  return rows.length ? element("table", {}, ...rows) : element("p", { textContent: typeOf(api, schema) });
}

function example(media) {
  const value = Object.values(media.examples ?? {})[0]?.value ?? "";
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

// A form's example is JSON in the text box; the browser encodes it as the route wants it.
function encoded(kind, text) {
  if (kind === "multipart/form-data") {
    const form = new FormData();
    Object.entries(JSON.parse(text)).forEach(([name, value]) => form.append(name, value));
    return [form, {}];
  }
  if (kind === "application/x-www-form-urlencoded") return [new URLSearchParams(JSON.parse(text)), {}];
  return [text, { "Content-Type": kind }];
}

async function answer(method, path, kind, text, picture) {
  const [body, headers] = kind ? encoded(kind, text) : [undefined, {}];
  if (picture) body.append("image", picture);
  if (token) headers.Authorization = `Bearer ${token}`;
  const response = await fetch(path, { method, body, headers });
  return `${response.status} ${response.statusText}\n\n${await response.text()}`;
}

function trial(method, path, operation) {
  const content = operation.requestBody?.content ?? {};
  const kinds = element("select", {}, ...Object.keys(content).map((kind) => element("option", { textContent: kind })));
  const text = element("textarea", { spellcheck: false });
  const picture = element("input", { type: "file", accept: "image/jpeg,image/png,image/webp,image/gif,image/bmp,image/tiff,image/avif" });
  const output = element("pre", { hidden: true });
  const button = element("button", { textContent: "Send" });
  const show = () => {
    text.value = kinds.value ? example(content[kinds.value]) : "";
    picture.hidden = kinds.value !== "multipart/form-data";
  };
  kinds.addEventListener("change", show);
  button.addEventListener("click", async () => {
    output.hidden = false;
    output.textContent = await answer(
      method.toUpperCase(), path, kinds.value, text.value, picture.hidden ? null : picture.files[0],
    ).catch((error) => String(error));
  });
  show();
  return kinds.value ? [kinds, text, picture, button, output] : [button, output];
}

function route(api, path, method, operation) {
  const needsToken = (operation.security ?? api.security).some((need) => "bearer" in need);
  const title = element("summary", {}, element("b", { textContent: method.toUpperCase() }),
    element("code", { textContent: path }), ` ${operation.description ?? ""} `);
  if (needsToken) title.append(element("span", { className: "lock", textContent: "bearer" }));
  const made = element("details", {}, title);
  for (const [kind, media] of Object.entries(operation.requestBody?.content ?? {})) {
    made.append(element("h4", { textContent: `Body: ${kind}` }), fields(api, media.schema));
  }
  for (const [status, response] of Object.entries(operation.responses ?? {})) {
    made.append(element("h4", { textContent: `${status}: ${response.description}` }));
    const [media] = Object.values(response.content ?? {});
    if (media && Number(status) < 300) made.append(fields(api, media.schema));
  }
  made.append(element("h4", { textContent: "Try it" }), ...trial(method, path, operation));
  return made;
}

async function logIn(event) {
  event.preventDefault();
  const response = await fetch("/token", { method: "POST", body: new URLSearchParams(new FormData(event.target)) });
  const body = await response.json();
  token = body.access_token ?? null;
  event.target.querySelector("output").textContent = token ? "logged in" : (body.error_description ?? body.detail);
}

async function show() {
  const api = await (await fetch("/schema/openapi.json")).json();
  document.getElementById("title").textContent = `${api.info.title} ${api.info.version}`;
  document.getElementById("description").textContent = api.info.description;
  document.querySelector("#login form").addEventListener("submit", logIn);
  for (const [path, operations] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      document.getElementById("routes").append(route(api, path, method, operation));
    }
  }
}

show();
