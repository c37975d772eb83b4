/** The picture: what is known, what is shown, and every change to it, undoable. */

import { Known } from "./known.js";
import { placeNew } from "./place.js";
import { drawBadges, drawLit, drawSelection, linkMark, nodeMark, readTheme } from "./marks.js";

/** No canvas is drawn with more nodes than this. */
export const MOST_NODES = 2000;

/** Below this zoom badges and labels are too small to read. */
const READABLE = 0.42;

export class Canvas extends EventTarget {
  #known = new Known();
  #around = new Map();
  #off = new Set();
  #done = [];
  #undone = [];
  #lit = new Set();
  #dragged = new Map();

  constructor(element, data) {
    super();
    this.palette = data.page.palette;
    this.theme = readTheme();
    this.hasMembers = data.nodes.some((node) => node.is_member);
    this.total = data.page.graph.total_nodes;
    this.isFar = data.nodes.length > 70;
    this.#known.learn(data);
    this.nodes = new vis.DataSet(data.nodes.map((node) => this.#mark(node.id, node)));
    this.edges = new vis.DataSet(data.links.map((link) => linkMark(link, this)));
    this.#walk();
    this.network = new vis.Network(element, { nodes: this.nodes, edges: this.edges }, data.options);
    this.network.once("afterDrawing", () => this.#tell("drawn"));
    this.network.on("afterDrawing", (context) => this.#paint(context));
    this.network.on("dragStart", ({ nodes }) => this.#lift(nodes));
    this.network.on("dragEnd", () => this.#drop());
    this.network.on("click", ({ nodes, edges }) => this.#tell("pick", { nodes, edges }));
    this.network.on("doubleClick", ({ nodes }) => nodes.length && this.#tell("open", { id: nodes[0] }));
    this.network.on("zoom", () => this.#zoomed());
  }

  get canUndo() { return this.#done.length > 0; }
  get canRedo() { return this.#undone.length > 0; }
  get selected() { return this.network.getSelectedNodes(); }
  get shown() { return this.nodes.get({ filter: (item) => !item.hidden }).map(({ id }) => this.#known.node(id)); }
  get linkTypes() { return new Set(this.edges.getIds().map((id) => this.#known.link(id).type)); }
  get kinds() {
    const tally = new Map();
    for (const { kind } of this.nodes.get({ fields: ["kind"] })) tally.set(kind, (tally.get(kind) ?? 0) + 1);
    return tally;
  }

  node(id) { return this.#known.node(id); }
  link(id) { return this.#known.link(id); }
  isShown(id) { return this.nodes.get(id) !== null; }
  isOff(kind) { return this.#off.has(kind); }

  /** Neighbours of a node that are not on the canvas, by kind. */
  hidden(id) { return this.#known.beyond(id, this.#around.get(id)); }

  /** Add what a neighbourhood brings around `anchor`; nothing already there moves. */
  add(anchor, graph) {
    this.#known.learn(graph);
    this.total = Math.max(this.total, this.#known.size);
    const room = MOST_NODES - this.nodes.length;
    const wanted = graph.nodes.filter(({ id }) => !this.isShown(id));
    const fresh = wanted.slice(0, room);
    const spots = placeNew(this.nodes.get(anchor), this.nodes.get(), fresh.length);
    const nodes = fresh.map(({ id }, index) => ({ id, ...spots[index] }));
    const here = new Set([...this.nodes.getIds(), ...fresh.map(({ id }) => id)]);
    const links = graph.links
      .filter(({ id, source, target }) => here.has(source) && here.has(target) && !this.edges.get(id))
      .map(({ id }) => id);
    if (nodes.length || links.length) this.#do({ nodes, links, gone: false });
    this.#show([anchor, ...nodes.map(({ id }) => id)]);
    return { nodes: nodes.length, links: links.length, isFull: wanted.length > room };
  }

  /** Take nodes and their links off the canvas. */
  remove(ids) {
    const going = new Set(ids);
    const nodes = this.nodes.get(ids).map(({ id, x, y }) => ({ id, x, y }));
    const links = this.edges.getIds({ filter: ({ from, to }) => going.has(from) || going.has(to) });
    if (nodes.length) this.#do({ nodes, links, gone: true });
    return nodes.length;
  }

  /** Take off the neighbours that hang on this node alone; members of the ring stay. */
  collapse(id) {
    const leaves = this.network.getConnectedNodes(id).filter((other) => {
      const itsOwn = new Set(this.network.getConnectedNodes(other));
      return other !== id && itsOwn.size === 1 && !this.#known.node(other).is_member;
    });
    return this.remove(leaves);
  }

  undo() { this.#step(this.#done, this.#undone, true); }
  redo() { this.#step(this.#undone, this.#done, false); }

  /** Show or filter out a kind. */
  toggle(kind) {
    if (!this.#off.delete(kind)) this.#off.add(kind);
    const changed = this.nodes.get({ filter: (item) => item.kind === kind });
    this.nodes.update(changed.map(({ id }) => ({ id, hidden: this.isOff(kind) })));
    this.#tell("change");
  }

  /** Fade all but these nodes; none given shows all again. Returns how many are on the canvas. */
  light(ids = []) {
    this.#lit = new Set(ids.filter((id) => this.isShown(id)));
    this.network.redraw();
    return this.#lit.size;
  }

  select(id) {
    this.network.unselectAll();
    if (this.isShown(id)) {
      this.network.selectNodes([id]);
      this.#show([id]);
    }
  }

  fit() {
    this.network.redraw();
    this.network.fit({ maxZoomLevel: 1.3 });
    this.#zoomed();
    // room for the labels at the rim
    if (!this.isFar) this.network.moveTo({ scale: this.network.getScale() * 0.95 });
  }

  restyle() {
    this.theme = readTheme();
    this.nodes.update(this.nodes.get().map((item) => this.#mark(item.id, item)));
    this.edges.update(this.edges.getIds().map((id) => linkMark(this.#known.link(id), this)));
  }

  /** The picture as a PNG blob, on the page's background. */
  picture() {
    const drawn = this.network.canvas.frame.canvas;
    const copy = document.createElement("canvas");
    [copy.width, copy.height] = [drawn.width, drawn.height];
    const context = copy.getContext("2d");
    context.fillStyle = this.theme.canvas;
    context.fillRect(0, 0, copy.width, copy.height);
    context.drawImage(drawn, 0, 0);
    return new Promise((resolve) => { copy.toBlob(resolve, "image/png"); });
  }

  #tell(name, detail) { this.dispatchEvent(new CustomEvent(name, { detail })); }

  #mark(id, { x, y }) {
    const node = this.#known.node(id);
    return { ...nodeMark(node, this), x, y, hidden: this.#off.has(node.kind) };
  }

  #walk() { this.#around = this.#known.neighbours(this.edges.getIds().map((id) => this.#known.link(id))); }

  #do(change) {
    this.#done.push(change);
    this.#undone = [];
    this.#apply(change, false);
  }

  #step(from, to, isUndo) {
    const change = from.pop();
    if (!change) return;
    to.push(change);
    this.#apply(change, isUndo);
  }

  /** A change is nodes that moved, or nodes and links that came or went. */
  #apply({ moved, nodes, links, gone }, isUndo) {
    if (moved) this.nodes.update(moved.map(({ id, from, to }) => ({ id, ...(isUndo ? from : to) })));
    else if (gone !== isUndo) {
      this.edges.remove(links);
      this.nodes.remove(nodes.map(({ id }) => id));
    } else {
      this.nodes.add(nodes.map((spot) => this.#mark(spot.id, spot)));
      this.edges.add(links.map((id) => linkMark(this.#known.link(id), this)));
    }
    this.#walk();
    this.#tell("change");
  }

  #zoomed() {
    const isFar = this.network.getScale() < READABLE;
    if (isFar === this.isFar) return;
    this.isFar = isFar;
    this.restyle();
  }

  #lift(ids) {
    this.#dragged = new Map(this.nodes.get(ids).map(({ id, x, y }) => [id, { x, y }]));
  }

  #drop() {
    const now = this.network.getPositions([...this.#dragged.keys()]);
    const moved = [...this.#dragged].map(([id, from]) => ({ id, from, to: now[id] }));
    this.#dragged.clear();
    if (moved.length) this.#do({ moved });
  }

  /** Bring nodes into view if some are outside it; the view moves, the nodes do not. */
  #show(ids) {
    const { clientWidth, clientHeight } = this.network.canvas.frame;
    const isInside = ({ x, y }) => x > 0 && y > 0 && x < clientWidth && y < clientHeight;
    const places = Object.values(this.network.getPositions(ids)).map((at) => this.network.canvasToDOM(at));
    if (!places.every(isInside)) {
      this.network.fit({ nodes: ids, maxZoomLevel: Math.max(0.6, this.network.getScale()), animation: false });
    }
  }

  #paint(context) {
    const positions = this.network.getPositions();
    if (this.#lit.size) drawLit(context, this.network, this.#lit, this);
    else if (!this.isFar) {
      const items = this.shown.map((node) => ({
        node, at: positions[node.id],
        more: node.is_hub ? 0 : Object.values(this.hidden(node.id)).reduce((sum, more) => sum + more, 0),
      }));
      drawBadges(context, items, this);
    }
    drawSelection(context, positions, this.selected, this);
  }
}
