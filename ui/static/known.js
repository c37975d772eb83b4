/** All the page has been told of the graph, shown or not. */

/** What two answers say of one node: a later one that knows less takes nothing away. */
function merged(before, node) {
  const told = Object.entries(node).filter(([, value]) => value !== null);
  return { ...before, ...Object.fromEntries(told), is_member: Boolean(before?.is_member || node.is_member) };
}

export class Known {
  #nodes = new Map();
  #links = new Map();
  #totals = new Map();

  get size() { return this.#nodes.size; }

  node(id) { return this.#nodes.get(id); }
  link(id) { return this.#links.get(id); }

  /** Remember a graph, and how many neighbours of each kind its nodes have in all. */
  learn({ nodes, links }) {
    for (const node of nodes) this.#nodes.set(node.id, merged(this.#nodes.get(node.id), node));
    for (const link of links) this.#links.set(link.id, link);
    const around = this.neighbours(links);
    for (const { id, hidden } of nodes) {
      const here = around.get(id) ?? new Map();
      const totals = this.#totals.get(id) ?? new Map();
      for (const kind of new Set([...here.keys(), ...Object.keys(hidden ?? {})])) {
        const total = (here.get(kind)?.size ?? 0) + (hidden?.[kind] ?? 0);
        totals.set(kind, Math.max(totals.get(kind) ?? 0, total));
      }
      this.#totals.set(id, totals);
    }
  }

  /** Neighbours of a node beyond those in `around`, by kind. */
  beyond(id, around) {
    const left = [...(this.#totals.get(id) ?? [])]
      .map(([kind, total]) => [kind, total - (around?.get(kind)?.size ?? 0)]);
    return Object.fromEntries(left.filter(([, more]) => more > 0));
  }

  /** For every node: kind -> the neighbours of that kind that these links give it. */
  neighbours(links) {
    const around = new Map();
    const note = (id, other) => {
      const kind = this.#nodes.get(other)?.kind;
      if (!kind) return;
      const kinds = around.get(id) ?? around.set(id, new Map()).get(id);
      (kinds.get(kind) ?? kinds.set(kind, new Set()).get(kind)).add(other);
    };
    for (const { source, target } of links) {
      note(source, target);
      note(target, source);
    }
    return around;
  }
}
