/** Where new nodes go; the same rule as place_new in ui/layout.py. */

const SPACING = 52;
const SLOT = 72;
const REACH = 110;
const SECTORS = 12;
const STRETCH = 1.35;
const TURN = 2 * Math.PI;

/** The middle of the run of `wide` sectors around the anchor that holds the least. */
function emptiest(anchor, occupied, wide) {
  const weights = new Array(SECTORS).fill(0);
  for (const { x, y } of occupied) {
    const away = Math.hypot(x - anchor.x, y - anchor.y);
    if (away === 0) continue;
    const turn = Math.atan2(y - anchor.y, x - anchor.x) / TURN;
    weights[(Math.floor(turn * SECTORS) + SECTORS) % SECTORS] += 1 / (REACH + away);
  }
  const half = Math.floor(wide / 2);
  const load = (at) => {
    let sum = 0;
    for (let by = -half; by <= half; by += 1) sum += weights[(at + by + SECTORS) % SECTORS];
    return sum;
  };
  let best = 0;
  for (let at = 1; at < SECTORS; at += 1) if (load(at) < load(best)) best = at;
  return ((best + 0.5) * TURN) / SECTORS;
}

/** `total` free spots fanning out from the anchor; nothing in `taken` is touched. */
export function placeNew(anchor, taken, total) {
  const occupied = [anchor, ...taken].map(({ x, y }) => ({ x: x / STRETCH, y }));
  const centre = occupied[0];
  const wide = total <= 2 ? 1 : total <= 12 ? 3 : 5;
  const width = (wide * TURN) / SECTORS;
  const start = emptiest(centre, occupied, wide) - width / 2;
  const isFree = (spot) =>
    occupied.every(({ x, y }) => Math.hypot(x - spot.x, y - spot.y) >= SPACING);
  const placed = [];
  for (let radius = REACH; placed.length < total; radius += SLOT) {
    const slots = Math.max(1, Math.floor((width * radius) / SLOT));
    for (let slot = 0; slot < slots && placed.length < total; slot += 1) {
      const angle = start + (width * (slot + 0.5)) / slots;
      const spot = { x: centre.x + radius * Math.cos(angle), y: centre.y + radius * Math.sin(angle) };
      if (isFree(spot)) {
        placed.push(spot);
        occupied.push(spot);
      }
    }
  }
  return placed.map(({ x, y }) => ({ x: x * STRETCH, y }));
}
