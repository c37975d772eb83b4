/** The left column: rings by risk, to walk through with j, k and Enter. */

import { byId, clean, el, moment, plural, say } from "./dom.js";
import { levelChip } from "./panel.js";
import { get, ringUrl } from "./wire.js";

const PAGE = 50;

let cursor = null;

function ringItem(ring, about) {
  const top = [...(ring.reasons ?? [])].sort((a, b) => b.points - a.points)[0];
  const link = el("a", { href: ringUrl(ring.ring_id), className: "ring" },
    el("span", { className: "row" },
      el("b", { className: `level ${clean(ring.risk_level)}` }, String(ring.risk_score)),
      el("code", { title: clean(ring.ring_id) }, `…${clean(ring.ring_id).slice(-8)}`),
      levelChip(ring.risk_level)),
    el("span", { className: "why" }, el("bdi", {}, clean(top?.text ?? "No reason recorded."))),
    el("small", {}, `${plural(ring.size, "account")} · ${moment(ring.last_seen)}`));
  if (ring.ring_id === about) link.setAttribute("aria-current", "page");
  return el("li", {}, link);
}

async function load(about) {
  const query = new URLSearchParams({ limit: PAGE });
  if (cursor) query.set("cursor", cursor);
  const note = byId("queue-note");
  note.hidden = false;
  note.textContent = "Loading…";
  try {
    const { rings, next_cursor: next } = await get(`/api/v1/rings?${query}`);
    cursor = next;
    byId("rings").append(...rings.map((ring) => ringItem(ring, about)));
    const isEmpty = byId("rings").children.length === 0;
    note.hidden = !isEmpty;
    note.textContent = isEmpty ? "No rings yet." : "";
    byId("more").textContent = "Load more";
    byId("more").hidden = !next;
  } catch (error) {
    note.textContent = "The queue could not be loaded.";
    byId("more").textContent = "Try again";
    byId("more").hidden = false;
    say(error.message, true);
  }
}

/** Move the focus up or down the queue, starting from the ring that is open. */
export function moveInQueue(by) {
  const links = [...document.querySelectorAll("#rings a")];
  const focused = links.indexOf(document.activeElement);
  const current = links.findIndex((link) => link.hasAttribute("aria-current"));
  const from = focused >= 0 ? focused : current;
  const to = from < 0 ? 0 : Math.min(links.length - 1, Math.max(0, from + by));
  links[to]?.focus();
}

export function setUpQueue(about) {
  byId("more").addEventListener("click", () => load(about));
  byId("queue-toggle").addEventListener("click", ({ currentTarget }) => {
    const isOpen = byId("queue").classList.toggle("open");
    currentTarget.setAttribute("aria-expanded", String(isOpen));
  });
  return load(about);
}
