/** Notebooks as plain values, for the pure parts of the canvas. */
import { parentsOf } from '../../src/doc/graph';
import { computeLayout, type Layout, type LayoutInput } from '../../src/canvas/layout';

export interface Spec {
  left?: number;
  top?: number;
  width?: number;
  height?: number;
  inside?: string[];
  next?: string[];
}

export function inputOf(cells: Record<string, Spec>): LayoutInput {
  const entries = Object.entries(cells);
  const pc = new Map(
    entries.flatMap(([id, { inside }]) => (inside === undefined ? [] : [[id, inside] as const])),
  );
  const np = new Map(entries.flatMap(([id, { next }]) => (next === undefined ? [] : [[id, next] as const])));
  return {
    ids: Object.keys(cells),
    np,
    pc,
    parents: parentsOf(pc),
    stored: (id) => ({
      left: cells[id]?.left ?? null,
      top: cells[id]?.top ?? null,
      width: cells[id]?.width ?? null,
    }),
    height: (id) => cells[id]?.height ?? 100,
  };
}

export const layoutOf = (cells: Record<string, Spec>): Layout => computeLayout(inputOf(cells));
