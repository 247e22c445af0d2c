// Who is logged in, and the dialog that asks for it; a session that ends in the middle goes on.

import { request, ServiceError } from "./api.js";
import { byId } from "./dom.js";
import { warn } from "./notices.js";
import { say } from "./texts.js";

const RENEWED_BEFORE = 300; // seconds before its end, by the next request
let session = null;
let person = null; // who was logged in last
let asking = null; // the dialog that is open: what waits for it waits together

export const may = (scope) => Boolean(session?.scopes.includes(scope));

function became(now) {
  session = now;
  byId("who").textContent = now ? now.full_name || now.username : "";
  byId("who").hidden = byId("log-out").hidden = !now;
  byId("log-in").hidden = Boolean(now);
  byId("nav-review").hidden = Boolean(now) && !may("review");
  document.dispatchEvent(new Event("session"));
  if (now && person && now.username !== person) location.reload(); // nothing is left to another
  person = now?.username ?? person;
}

/** The session of the cookie, if there is one. */
async function refresh() {
  try {
    became(await request("GET", "/session"));
  } catch (error) {
    if (error.status !== 401) throw error;
    if (session) became(null);
  }
}

/** Ask for name and password until they are right; false when the person gives up. */
export function logIn(why = null) {
  asking ??= new Promise((resolve) => {
    const dialog = byId("login");
    say(byId("login-why"), why);
    say(byId("login-error"), null);
    byId("password").value = "";
    dialog.addEventListener("close", () => {
      asking = null;
      byId("password").value = "";
      resolve(Boolean(session));
    }, { once: true });
    dialog.showModal();
    byId(byId("username").value ? "password" : "username").focus();
  });
  return asking;
}

async function send(event) {
  event.preventDefault();
  const body = { username: byId("username").value, password: byId("password").value };
  const why = byId("login-error");
  say(why, null);
  try {
    became(await request("POST", "/login", { body }));
    byId("login").close();
  } catch (error) {
    const key = { 0: "error.away", 401: "login.wrong", 429: "login.limited" }[error.status] ?? "login.failed";
    say(why, key, { seconds: error.retryAfter ?? 60, detail: error.message });
    byId("password").select();
    byId("password").focus();
  }
}

async function logOut() {
  try {
    await request("POST", "/logout", { csrf: session.csrf });
  } catch (error) {
    if (error.status !== 401) {
      warn(error, logOut);
      return;
    }
  }
  location.reload(); // nothing is left for whoever comes next
}

/** `request` as the person who is logged in; asks who that is where nobody is any longer. */
export async function call(method, path, options = {}) {
  if (session && session.expires - Date.now() / 1000 < RENEWED_BEFORE) await refresh();
  for (let renewed = false; ; ) {
    const known = session;
    try {
      return await request(method, path, { ...options, csrf: known?.csrf });
    } catch (error) {
      if (error.status === 403 && !renewed) {
        // Another tab may have logged in anew: then the cookie goes with another CSRF token.
        renewed = true;
        await refresh();
        if (session && session.csrf !== known?.csrf) continue;
      }
      if (error.status !== 401) throw error;
      const why = known ? "login.ended" : null;
      if (session === known && known) became(null);
      if (!session && !(await logIn(why))) throw new ServiceError(401);
    }
  }
}

/** Set up the dialog and the buttons, and find the session that there is already. */
export async function start() {
  byId("login-form").addEventListener("submit", send);
  byId("login-cancel").addEventListener("click", () => byId("login").close());
  byId("log-in").addEventListener("click", () => logIn());
  byId("log-out").addEventListener("click", logOut);
  await refresh();
}
