/** Small helpers for building the page; text is only ever set as text. */

export const byId = (id) => document.getElementById(id);

/** Make an element: properties, then children that are elements or text. */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** One line for sighted and blind readers alike: what just happened. */
export function say(text, isError = false) {
  const status = byId("status");
  status.textContent = text;
  status.classList.toggle("error", isError);
}

/** Text from outside without control characters and direction overrides. */
export const clean = (text) =>
  String(text ?? "").replace(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, "\u00b7");

/** A name short enough for the canvas. */
export function short(text, length = 18) {
  const letters = [...clean(text)];
  return letters.length > length ? `${letters.slice(0, length - 1).join("")}…` : letters.join("");
}

export const count = (number) => Number(number ?? 0).toLocaleString("en");

export const plural = (number, one, many = `${one}s`) =>
  `${count(number)} ${number === 1 ? one : many}`;

const moments = new Intl.DateTimeFormat("en-GB", {
  dateStyle: "medium", timeStyle: "short", timeZone: "UTC",
});

/** An RFC 3339 time in UTC for people, or a dash. */
export function moment(text) {
  const at = new Date(text ?? NaN);
  return Number.isNaN(at.getTime()) ? "–" : `${moments.format(at)} UTC`;
}
