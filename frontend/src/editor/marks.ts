/** What was found, marked in a static text: as highlights of the browser's, which change nothing in the page. */
export interface Mark {
  readonly from: number;
  readonly to: number;
  readonly now: boolean;
}

interface Highlights {
  readonly all: Highlight;
  readonly now: Highlight;
}

let shared: Highlights | null = null;

/** Null in a browser that has none. */
function highlights(): Highlights | null {
  if (typeof Highlight === 'undefined' || !('highlights' in CSS)) return null;
  if (shared === null) {
    shared = { all: new Highlight(), now: new Highlight() };
    shared.now.priority = 1;
    CSS.highlights.set('found', shared.all);
    CSS.highlights.set('found-now', shared.now);
  }
  return shared;
}

export class StaticMarks {
  #ranges: Range[] = [];

  /** `marks`: in order. */
  show(root: Node, marks: readonly Mark[]): void {
    this.clear();
    const into = marks.length === 0 ? null : highlights();
    if (into === null) return;
    const places = rangesIn(root, marks);
    for (const [range, { now }] of places) {
      this.#ranges.push(range);
      (now ? into.now : into.all).add(range);
    }
  }

  clear(): void {
    for (const range of this.#ranges) {
      shared?.all.delete(range);
      shared?.now.delete(range);
    }
    this.#ranges = [];
  }
}

function rangesIn(root: Node, marks: readonly Mark[]): [Range, Mark][] {
  const nodes: { node: Text; from: number }[] = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  let length = 0;
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    nodes.push({ node: node as Text, from: length });
    length += (node as Text).length;
  }
  let at = 0;
  const place = (offset: number): [Text, number] | null => {
    while (at + 1 < nodes.length && (nodes[at + 1]?.from ?? 0) <= offset) at += 1;
    const found = nodes[at];
    return found === undefined || offset > length
      ? null
      : [found.node, Math.min(offset - found.from, found.node.length)];
  };
  return marks.flatMap((mark): [Range, Mark][] => {
    const [start, end] = [place(mark.from), place(mark.to)];
    if (start === null || end === null) return [];
    const range = document.createRange();
    range.setStart(...start);
    range.setEnd(...end);
    return [[range, mark]];
  });
}
