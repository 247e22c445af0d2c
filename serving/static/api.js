// Asks the service: JSON and forms in, JSON out, problem details and lost connections as errors.

/** Why there is no answer. `status` 0: the service could not be reached. */
export class ServiceError extends Error {
  constructor(status, problem = {}, headers = new Headers()) {
    super(problem.detail ?? `HTTP ${status}`);
    this.status = status;
    this.errors = problem.errors ?? [];
    this.retryAfter = Number(headers.get("Retry-After")) || null;
    this.quota = Number(/;q=(\d+)/.exec(headers.get("RateLimit-Policy") ?? "")?.[1]) || null;
    this.remaining = Number(/;r=(\d+)/.exec(headers.get("RateLimit") ?? "")?.[1] ?? NaN);
  }

  /** Whether the service, or what stands before it, is gone for the moment. */
  get away() {
    return [0, 502, 504].includes(this.status);
  }
}

/** A Blob in base64, as JSON holds it. */
export function base64(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

/** Answer of a route; null where it has none (204). Raises ServiceError, AbortError if aborted. */
export async function request(method, path, { body, csrf, signal } = {}) {
  const headers = { Accept: "application/json" };
  if (csrf) headers["X-CSRF-Token"] = csrf;
  if (body !== undefined && !(body instanceof FormData)) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(body);
  }
  let response;
  let text;
  try {
    response = await fetch(path, { method, headers, body, signal, credentials: "same-origin", cache: "no-store" });
    text = await response.text();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ServiceError(0);
  }
  let answer = null;
  try {
    answer = text ? JSON.parse(text) : null;
  } catch {
    if (response.ok) throw new ServiceError(502); // a proxy's page in the place of an answer
  }
  if (!response.ok) throw new ServiceError(response.status, answer ?? {}, response.headers);
  return answer;
}
