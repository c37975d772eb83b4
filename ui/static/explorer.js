/** The explorer: wires the picture, the panel, the queue and the keys together. */

import { Canvas } from "./canvas.js";
import { byId, clean, count, el, plural, say, short } from "./dom.js";
import { kindLook, kindName } from "./marks.js";
import { renderDetails, renderWhy, setUpTabs } from "./panel.js";
import { moveInQueue, setUpQueue } from "./queue.js";
import { get, neighbourhoodUrl, searchUrl } from "./wire.js";

const LIMIT = 50;

const data = JSON.parse(byId("graph-data").textContent);
const { page } = data;
const openTab = setUpTabs();
const canvas = data.nodes.length ? new Canvas(byId("graph"), data) : null;
let chosen = null;

const tools = {
  palette: page.palette,
  light,
  expand,
  hide,
  collapse,
  hidden: (id) => canvas.hidden(id),
  nodeOf: (id) => canvas.node(id),
  select: (id) => choose({ node: canvas.node(id) }),
};

function light(ids) {
  const lit = canvas?.light(ids) ?? 0;
  if (ids.length) say(`${count(lit)} of ${plural(ids.length, "evidence node")} on the canvas.`);
}

function choose(what) {
  chosen = what;
  if (what?.node) canvas.select(what.node.id);
  renderDetails(what, tools);
  if (what) openTab("details");
  refresh();
}

async function expand(id, kinds) {
  const node = canvas.node(id);
  const name = short(node.label);
  if (node.is_hub) {
    say(`${name} is a hub with ${count(node.degree)} accounts: too many to mean anything, so it is not expanded.`);
    return;
  }
  say(`Loading the neighbours of ${name}…`);
  try {
    const graph = await get(neighbourhoodUrl(node, kinds, LIMIT));
    const added = canvas.add(id, graph);
    const left = Object.entries(canvas.hidden(id))
      .reduce((sum, [kind, more]) => (!kinds?.length || kinds.includes(kind) ? sum + more : sum), 0);
    const rest = left ? ` ${count(left)} more not shown.` : "";
    const full = added.isFull ? " The canvas is full: hide something first." : "";
    const nothing = added.isFull ? "Nothing added." : "Everything that was found is already shown.";
    say((added.nodes || added.links
      ? `Added ${plural(added.nodes, "node")} and ${plural(added.links, "link")}.`
      : nothing) + rest + full);
    if (chosen?.node?.id === id) choose({ node: canvas.node(id) });
  } catch (error) {
    say(error.message, true);
  }
}

function hide(ids) {
  const gone = canvas.remove(ids);
  say(gone ? `Hid ${plural(gone, "node")}.` : "Select a node to hide first.");
  if (gone) choose(null);
}

function collapse(id) {
  const gone = id ? canvas.collapse(id) : 0;
  if (!id) say("Select a node to collapse first.");
  else say(gone ? `Collapsed ${plural(gone, "node")}.` : "Nothing hangs on this node alone.");
  if (gone && chosen) choose(chosen);
}

function undo() { if (canvas?.canUndo) { canvas.undo(); say("Undone."); } }
function redo() { if (canvas?.canRedo) { canvas.redo(); say("Done again."); } }

async function savePicture() {
  const address = URL.createObjectURL(await canvas.picture());
  el("a", { href: address, download: "ringtrace-graph.png" }).click();
  URL.revokeObjectURL(address);
  say("Saved the picture as ringtrace-graph.png.");
}

function legend() {
  const kinds = [...canvas.kinds].map(([kind, tally]) => {
    const swatch = el("i", { className: `swatch ${kindLook(page.palette, kind).shape}` });
    swatch.style.background = kindLook(page.palette, kind).fill;
    return el("button", { type: "button", "aria-pressed": String(!canvas.isOff(kind)), "data-kind": kind,
      title: `Show or hide: ${kindName(page.palette, kind)}`, onclick: () => {
        canvas.toggle(kind);
        say(`${kindName(page.palette, kind)} ${canvas.isOff(kind) ? "filtered out" : "shown"}.`);
        byId("legend").querySelector(`[data-kind="${CSS.escape(kind)}"]`)?.focus();
      } }, swatch, kindName(page.palette, kind), el("b", {}, count(tally)));
  });
  const order = Object.keys(page.palette.kinds);
  kinds.sort((a, b) => rank(order, a.getAttribute("data-kind")) - rank(order, b.getAttribute("data-kind")));
  const { arrows, dashed } = page.palette;
  const types = [...canvas.linkTypes].sort();
  const flows = types.filter((type) => arrows[type])
    .map((type) => el("span", { className: "flow" }, `→ ${clean(type).toLowerCase()}`));
  const ties = types.filter((type) => Object.hasOwn(dashed, type))
    .map((type) => el("span", { className: "flow tie" }, `┄ ${dashed[type]}`));
  byId("legend").replaceChildren(...kinds, ...flows, ...ties);
}

const rank = (order, kind) => (order.includes(kind) ? order.indexOf(kind) : order.length);

/** The table holds what the canvas holds; a row's button selects its node. */
function table() {
  if (!byId("twin").open || !canvas) return;
  const selected = new Set(canvas.selected);
  const risk = (node) => node.risk_score ?? -1;
  const rows = canvas.shown.sort((a, b) => risk(b) - risk(a)).map((node) => {
    const more = Object.values(canvas.hidden(node.id)).reduce((sum, each) => sum + each, 0);
    const pick = el("button", { type: "button", "data-node": node.id, onclick: () => choose({ node }) }, el("bdi", {}, clean(node.label)));
    const cells = [kindName(page.palette, node.kind, "one"), node.risk_score ?? "–", node.anomaly_score ?? "–", count(node.degree), more ? count(more) : "–"];
    return el("tr", { "aria-selected": String(selected.has(node.id)) }, el("th", { scope: "row" }, pick),
      ...cells.map((text) => el("td", {}, String(text))));
  });
  const focused = document.activeElement?.getAttribute("data-node");
  byId("rows").replaceChildren(...rows);
  if (focused) byId("rows").querySelector(`[data-node="${CSS.escape(focused)}"]`)?.focus();
}

/** Bring everything around the picture in line with it. */
function refresh() {
  if (!canvas) return;
  byId("shown").textContent = `${count(canvas.shown.length)} of ${count(canvas.total)} shown`;
  byId("undo").disabled = !canvas.canUndo;
  byId("redo").disabled = !canvas.canRedo;
  byId("hide").disabled = byId("collapse").disabled = canvas.selected.length === 0;
  legend();
  table();
}

const actions = {
  fit: () => canvas.fit(),
  undo,
  redo,
  collapse: () => collapse(canvas.selected[0]),
  hide: () => hide(canvas.selected),
  png: savePicture,
};

const keys = {
  j: () => moveInQueue(1),
  k: () => moveInQueue(-1),
  f: () => canvas?.fit(),
  c: () => canvas && actions.collapse(),
  Delete: () => canvas && actions.hide(),
  Escape: () => canvas && (canvas.select(null), choose(null), openTab("why")),
  "/": () => byId("search-text").focus(),
};

function onKey(event) {
  if (event.target.closest("input, textarea")) return;
  const letter = event.key.toLowerCase();
  const isCommand = event.ctrlKey || event.metaKey;
  const action = isCommand
    ? { z: event.shiftKey ? redo : undo, y: redo }[letter]
    : !event.altKey && keys[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

function setUpCanvas() {
  canvas.addEventListener("change", () => {
    refresh();
    if (chosen) renderDetails(chosen, tools);
  });
  canvas.addEventListener("pick", ({ detail: { nodes, edges } }) => {
    if (nodes.length) choose({ node: canvas.node(nodes.at(-1)) });
    else choose(edges.length ? { link: canvas.link(edges[0]) } : null);
  });
  canvas.addEventListener("open", ({ detail: { id } }) => expand(id, []));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => canvas.restyle());
  byId("twin").addEventListener("toggle", table);
  for (const [name, action] of Object.entries(actions)) byId(name).addEventListener("click", action);
}

const drawn = () => { document.documentElement.dataset.drawn = Math.round(performance.now()); };

if (canvas) {
  canvas.addEventListener("drawn", drawn);
  setUpCanvas();
  globalThis.ringtrace = canvas;
  say("Click a node for its details, double-click to expand it, drag to move it.");
} else {
  byId("empty").hidden = false;
  for (const name of Object.keys(actions)) byId(name).disabled = true;
  drawn();
  byId("queue").classList.add("open");
  byId("queue-toggle").setAttribute("aria-expanded", "true");
}
byId("search").addEventListener("submit", (event) => {
  event.preventDefault();
  const typed = byId("search-text").value;
  if (typed.trim()) location.assign(searchUrl(typed, page.palette.kinds));
});
document.addEventListener("keydown", onKey);
renderWhy(page, tools);
renderDetails(null, tools);
refresh();
canvas?.fit();
setUpQueue(page.why?.ring_id ?? null);
