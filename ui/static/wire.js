/** How the page talks to the service: addresses, requests and their failures. */

const PLAIN = /^[A-Za-z0-9._-]+$/;
const RING = /^[0-9A-HJKMNP-TV-Z]{26}$/i;

/** An id as a part of an address: as it is, or `~` and base64url of its UTF-8. */
export function pathId(id) {
  if (PLAIN.test(id) && id !== "." && id !== "..") return id;
  const bytes = new TextEncoder().encode(id);
  const base64 = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  return `~${base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}

export const accountId = (nodeId) => nodeId.slice("account:".length);
export const ringUrl = (id) => `/rings/${pathId(id)}`;
export const accountUrl = (id) => `/accounts/${pathId(id)}`;

/** The page of a node, account or identifier. */
export function nodeUrl(node) {
  return node.kind === "account" ? accountUrl(accountId(node.id)) : `/identifiers/${pathId(node.id)}`;
}

/** The page that what was typed into the search box means. */
export function searchUrl(text, kinds) {
  const typed = text.trim();
  if (RING.test(typed)) return ringUrl(typed.toUpperCase());
  const kind = typed.slice(0, Math.max(0, typed.indexOf(":")));
  if (kind === "account") return accountUrl(accountId(typed));
  if (kind in kinds || /^[a-z]+_[a-z_]+$/.test(kind)) return `/identifiers/${pathId(typed)}`;
  return accountUrl(typed);
}

export function neighbourhoodUrl(node, kinds, limit) {
  const query = new URLSearchParams();
  if (kinds?.length && node.kind === "account") query.set("kinds", kinds.join(","));
  query.set("limit", limit);
  return `/api/v1${nodeUrl(node)}/neighbourhood?${query}`;
}

/** The JSON at an address; fails with one sentence for people. */
export async function get(url) {
  let answer;
  try {
    answer = await fetch(url, { headers: { Accept: "application/json" } });
  } catch {
    throw new Error("The service could not be reached. Check the connection and try again.");
  }
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    const why = problem.detail ?? problem.title ?? answer.statusText;
    throw new Error(`The service answered ${answer.status}: ${typeof why === "string" ? why : "no details"}`);
  }
  return answer.json().catch(() => {
    throw new Error("The service sent an answer that could not be read.");
  });
}
