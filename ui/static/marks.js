/** How nodes and links look, and the badges drawn over them. */

import { clean, count, short } from "./dom.js";

/** Colours of the canvas, from the style sheet, so that light and dark are kept in one place. */
export function readTheme() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    canvas: read("canvas"), text: read("text"), muted: read("muted"), link: read("link"),
    flow: read("flow"), accent: read("accent"), badge: read("badge"), raised: read("raised"),
  };
}

export const kindLook = (palette, kind) =>
  Object.hasOwn(palette.kinds, kind) ? palette.kinds[kind] : palette.other;

/** What a kind is called: `one` of it or `many`. */
export const kindName = (palette, kind, number = "many") =>
  kindLook(palette, kind)[number] || `${kind.charAt(0).toUpperCase()}${kind.slice(1).replaceAll("_", " ")}`;

/** The vis-network item of a node, without its place. */
export function nodeMark(node, { palette, theme, hasMembers, isFar }) {
  const look = kindLook(palette, node.kind);
  const level = palette.levels[node.risk_level] ?? palette.levels.low;
  const isAccount = node.kind === "account";
  const [least, most] = palette.sizes;
  // from far away a wide border would drown the fill
  const [grown, thinned] = isFar ? [1.45, 0.5] : [1, 1];
  const outside = isAccount && hasMembers && !node.is_member;
  return {
    id: node.id,
    kind: node.kind,
    label: node.is_hub ? `${short(node.label)}\n${count(node.degree)} accounts` : short(node.label),
    title: `${clean(node.label)}\n${clean(node.kind)}`,
    shape: look.shape,
    size: grown * (isAccount ? least + ((most - least) * (node.risk_score ?? 0)) / 100 : palette.identifier_size),
    color: { background: outside ? theme.raised : look.fill, border: level.color || (outside ? look.fill : theme.canvas) },
    borderWidth: level.border * thinned,
    shapeProperties: { borderDashes: node.is_hub ? [4, 3] : false },
    font: { color: theme.text, size: 13, face: "system-ui, sans-serif", strokeWidth: 3, strokeColor: theme.canvas, vadjust: -2 },
  };
}

/** The vis-network item of a link. */
export function linkMark(link, { palette, theme }) {
  const isDashed = Object.hasOwn(palette.dashed, link.type);
  const color = link.type === "USED" || isDashed ? theme.link : theme.flow;
  return {
    id: link.id,
    from: link.source,
    to: link.target,
    dashes: isDashed && [6, 5],
    arrows: { to: { enabled: palette.arrows[link.type] === "to", scaleFactor: 0.55 } },
    width: Math.min(4, 1 + Math.log10(Math.max(1, link.event_count)) * 0.9),
    color: { color, highlight: theme.accent, hover: theme.accent },
  };
}

function halo(context, { x, y }, { theme, isFar }) {
  context.beginPath();
  context.arc(x, y, isFar ? 38 : 27, 0, 2 * Math.PI);
  context.lineWidth = isFar ? 9 : 3;
  context.strokeStyle = theme.accent;
  context.stroke();
}

/** A ring around what is selected. */
export function drawSelection(context, positions, ids, look) {
  for (const id of ids) if (positions[id]) halo(context, positions[id], look);
}

function pill(context, x, y, text, fill, ink) {
  context.font = "600 10px system-ui, sans-serif";
  const width = Math.max(15, context.measureText(text).width + 8);
  context.beginPath();
  context.roundRect(x - width / 2, y - 7.5, width, 15, 7.5);
  context.fillStyle = fill;
  context.fill();
  context.fillStyle = ink;
  context.fillText(text, x, y + 0.5);
}

/** Risk at the upper left of a node, neighbours not shown at the upper right. */
export function drawBadges(context, items, { palette, theme }) {
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const { node, at, more } of items) {
    const level = palette.levels[node.risk_level];
    if (level?.badge) pill(context, at.x - 17, at.y - 16, level.badge, level.color, "#fff");
    if (more > 0) pill(context, at.x + 18, at.y - 16, `+${count(more)}`, theme.badge, theme.canvas);
  }
}

/** Fade everything but some nodes and the links between them. */
export function drawLit(context, network, ids, look) {
  const { nodes, edges } = network.body;
  context.save();
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.globalAlpha = 0.72;
  context.fillStyle = look.theme.canvas;
  context.fillRect(0, 0, context.canvas.width, context.canvas.height);
  context.restore();
  for (const edge of Object.values(edges)) {
    if (edge.connected && ids.has(edge.fromId) && ids.has(edge.toId)) edge.draw(context);
  }
  for (const id of ids) {
    if (!nodes[id] || nodes[id].options.hidden) continue;
    halo(context, nodes[id], look);
    nodes[id].draw(context).drawExternalLabel?.();
  }
}
