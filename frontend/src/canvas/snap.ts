/**
 * Where a box that is moved, or an edge of it, comes to line up with its neighbours: edges, centres, equal gaps.
 * Pure. All lines are sorted once, when the drag begins; a movement looks up those that are near.
 */
import { bottom, intersects, right, sameColumn, type Rect } from './geometry';

export type Axis = 'x' | 'y';

/** A line through what lines up, from the first of it to the last. */
export interface Line {
  /** Along which the things on it have the same number: 'x' is an upright line. */
  readonly axis: Axis;
  readonly at: number;
  readonly from: number;
  readonly to: number;
}

/** One of several equal gaps: 'x' lies between things beside one another; `across` is where it is drawn. */
export interface Gap {
  readonly axis: Axis;
  readonly from: number;
  readonly to: number;
  readonly across: number;
}

export interface Guides {
  readonly lines: readonly Line[];
  readonly gaps: readonly Gap[];
}

export const NO_GUIDES: Guides = { lines: [], gaps: [] };

export interface Settled {
  readonly dx: number;
  readonly dy: number;
  readonly guides: Guides;
}

/** How near is near, in world pixels, and what of the world is looked at: nobody lines up with what is not seen. */
export interface Sight {
  readonly reach: number;
  readonly view: Rect;
}

/** A box as it is along one axis. */
interface Span {
  readonly low: number;
  readonly high: number;
  /** Across that axis. */
  readonly near: number;
  readonly far: number;
  readonly rect: Rect;
}

interface Mark {
  readonly at: number;
  readonly span: Span;
  readonly part: Part;
}
type Part = 'low' | 'middle' | 'high';

const SAME = 0.01;
const PARTS: readonly Part[] = ['low', 'middle', 'high'];

const spanOf = (rect: Rect, axis: Axis): Span =>
  axis === 'x'
    ? { low: rect.left, high: right(rect), near: rect.top, far: bottom(rect), rect }
    : { low: rect.top, high: bottom(rect), near: rect.left, far: right(rect), rect };

const partOf = ({ low, high }: Span, part: Part): number =>
  part === 'low' ? low : part === 'high' ? high : (low + high) / 2;

export class Neighbours {
  readonly #marks: Readonly<Record<Axis, readonly Mark[]>>;
  readonly #spans: Readonly<Record<Axis, readonly Span[]>>;

  /** `boxes`: those that stay where they are. */
  constructor(boxes: Iterable<Rect>) {
    const all = [...boxes];
    const spans = (axis: Axis): Span[] => all.map((rect) => spanOf(rect, axis));
    this.#spans = { x: spans('x'), y: spans('y') };
    const marks = (axis: Axis): Mark[] =>
      this.#spans[axis]
        .flatMap((span) => PARTS.map((part): Mark => ({ at: partOf(span, part), span, part })))
        .sort((a, b) => a.at - b.at);
    this.#marks = { x: marks('x'), y: marks('y') };
  }

  /** By how much a box that is now `rect` should move further, and why. An axis without a neighbour is `otherwise`. */
  settle(rect: Rect, sight: Sight, otherwise: { dx: number; dy: number }): Settled {
    let [x, y] = [this.#along('x', rect, sight), this.#along('y', rect, sight)];
    for (;;) {
      const [dx, dy] = [x ?? otherwise.dx, y ?? otherwise.dy];
      const guides = this.#guides({ ...rect, left: rect.left + dx, top: rect.top + dy }, sight);
      const shown = (axis: Axis): boolean =>
        [...guides.lines, ...guides.gaps].some((each) => each.axis === axis);
      // One axis can move the box away from what the other one went by: then that is no reason any more.
      if (x !== null && !shown('x')) x = null;
      else if (y !== null && !shown('y')) y = null;
      else return { dx, dy, guides };
    }
  }

  /** The same for the left or right edge alone; null where nothing is near. */
  settleEdge(at: number, sight: Sight): number | null {
    let best: number | null = null;
    for (const mark of this.#near('x', at, sight)) {
      if (mark.part === 'middle') continue;
      if (best === null || Math.abs(mark.at - at) < Math.abs(best - at)) best = mark.at;
    }
    return best;
  }

  /** What lines up with this edge of `rect`. */
  edgeGuides(rect: Rect, side: 'left' | 'right', sight: Sight): Guides {
    const at = side === 'left' ? rect.left : right(rect);
    const on = this.#near('x', at, { ...sight, reach: SAME }).filter(({ part }) => part !== 'middle');
    return on.length === 0 ? NO_GUIDES : { lines: [lineOf('x', at, spanOf(rect, 'x'), on)], gaps: [] };
  }

  #near(axis: Axis, at: number, { reach, view }: Sight): Mark[] {
    const marks = this.#marks[axis];
    const found: Mark[] = [];
    for (let i = firstFrom(marks, at - reach); i < marks.length; i += 1) {
      const mark = marks[i] as Mark;
      if (mark.at > at + reach) break;
      if (intersects(mark.span.rect, view)) found.push(mark);
    }
    return found;
  }

  #along(axis: Axis, rect: Rect, sight: Sight): number | null {
    const own = spanOf(rect, axis);
    let best: number | null = null;
    const better = (by: number): void => {
      if (Math.abs(by) <= sight.reach && (best === null || Math.abs(by) < Math.abs(best) - SAME)) best = by;
    };
    for (const part of PARTS) {
      const at = partOf(own, part);
      for (const mark of this.#near(axis, at, sight)) if (fits(axis, part, mark, rect)) better(mark.at - at);
    }
    for (const low of equalGaps(own, this.#row(axis, own, sight))) better(low - own.low);
    return best;
  }

  /** What lies beside the box along this axis, in view. */
  #row(axis: Axis, own: Span, { view }: Sight): Span[] {
    return this.#spans[axis].filter(
      (span) => span.near < own.far && own.near < span.far && intersects(span.rect, view),
    );
  }

  #guides(rect: Rect, sight: Sight): Guides {
    const lines: Line[] = [];
    const gaps: Gap[] = [];
    for (const axis of ['x', 'y'] as const) {
      const own = spanOf(rect, axis);
      for (const part of PARTS) {
        const at = partOf(own, part);
        const on = this.#near(axis, at, { ...sight, reach: SAME }).filter((mark) =>
          fits(axis, part, mark, rect),
        );
        if (on.length > 0 && !lines.some((line) => line.axis === axis && Math.abs(line.at - at) < SAME))
          lines.push(lineOf(axis, at, own, on));
      }
      gaps.push(...gapsAround(axis, own, this.#row(axis, own, sight)));
    }
    return { lines, gaps };
  }
}

/** A centre lines up with centres. Below one another no two boxes touch: the layout keeps them apart. */
function fits(axis: Axis, part: Part, mark: Mark, rect: Rect): boolean {
  if ((part === 'middle') !== (mark.part === 'middle')) return false;
  return axis === 'x' || part === mark.part || !sameColumn(mark.span.rect, rect);
}

function firstFrom(marks: readonly Mark[], at: number): number {
  let [low, high] = [0, marks.length];
  while (low < high) {
    const mid = (low + high) >> 1;
    if ((marks[mid] as Mark).at < at) low = mid + 1;
    else high = mid;
  }
  return low;
}

function lineOf(axis: Axis, at: number, own: Span, on: readonly Mark[]): Line {
  return {
    axis,
    at,
    from: Math.min(own.near, ...on.map(({ span }) => span.near)),
    to: Math.max(own.far, ...on.map(({ span }) => span.far)),
  };
}

interface Beside {
  readonly before: Span | null;
  readonly beforeThat: Span | null;
  readonly after: Span | null;
  readonly afterThat: Span | null;
}

/** The two nearest on either side. What overlaps the box along the axis is on neither. */
function beside(own: Span, row: readonly Span[]): Beside {
  const middle = partOf(own, 'middle');
  const lower = (than: number): Span | null =>
    row.reduce<Span | null>(
      (best, span) => (span.high <= than + SAME && (best === null || span.high > best.high) ? span : best),
      null,
    );
  const higher = (than: number): Span | null =>
    row.reduce<Span | null>(
      (best, span) => (span.low >= than - SAME && (best === null || span.low < best.low) ? span : best),
      null,
    );
  const before = lower(middle);
  const after = higher(middle);
  return {
    before,
    beforeThat: before === null ? null : lower(before.low),
    after,
    afterThat: after === null ? null : higher(after.high),
  };
}

/** Where the box's low end would have to be for gaps to be equal. */
function equalGaps(own: Span, row: readonly Span[]): number[] {
  const { before, beforeThat, after, afterThat } = beside(own, row);
  const size = own.high - own.low;
  const found: number[] = [];
  if (before !== null && after !== null && after.low - before.high >= size)
    found.push((before.high + after.low - size) / 2);
  if (before !== null && beforeThat !== null && before.low > beforeThat.high)
    found.push(before.high + before.low - beforeThat.high);
  if (after !== null && afterThat !== null && afterThat.low > after.high)
    found.push(after.low - (afterThat.low - after.high) - size);
  return found;
}

/** The equal gaps that there are, once the box has settled. */
function gapsAround(axis: Axis, own: Span, row: readonly Span[]): Gap[] {
  const { before, beforeThat, after, afterThat } = beside(own, row);
  const chain = [beforeThat, before, own, after, afterThat];
  const gaps = chain.slice(1).map((span, i): Gap | null => {
    const last = chain[i];
    if (!span || !last || span.low - last.high <= SAME) return null;
    const across = (Math.max(span.near, last.near) + Math.min(span.far, last.far)) / 2;
    return { axis, from: last.high, to: span.low, across };
  });
  // One of the two beside the box, and another one like it.
  const like = (a: Gap | null | undefined, b: Gap | null | undefined): boolean =>
    !!a && !!b && Math.abs(a.to - a.from - (b.to - b.from)) < SAME;
  const shown = new Set<Gap>();
  for (const [i, j] of [
    [1, 2],
    [0, 1],
    [2, 3],
  ] as const) {
    const [a, b] = [gaps[i], gaps[j]];
    if (a && b && like(a, b)) shown.add(a).add(b);
  }
  return [...shown];
}
