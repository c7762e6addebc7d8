/** Plain values of the shared document; their meaning is the contract's (protocol/SPEC.md, D). */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export type CellType = 'code' | 'markdown' | 'raw';
export type CellState = 'idle' | 'queued' | 'running';
/** Folded: the input, the output, both. */
export type Collapsed = null | 'i' | 'o' | 'b';

/** An nbformat output object. Unchanged outputs keep their identity. */
export type Output = Readonly<JsonObject>;

/** A place on the canvas, in canvas pixels from its top left corner. */
export interface Place {
  left: number;
  top: number;
}

/** Map id → ids, in order. */
export type Edges = ReadonlyMap<string, readonly string[]>;

/** Whoever may have written it: a finite number or null. */
export function numberOr<T>(value: unknown, otherwise: T): number | T {
  return typeof value === 'number' && Number.isFinite(value) ? value : otherwise;
}

export function asObject(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

const CELL_TYPES: readonly unknown[] = ['code', 'markdown', 'raw'];
const STATES: readonly unknown[] = ['idle', 'queued', 'running'];
const COLLAPSED: readonly unknown[] = ['i', 'o', 'b'];

export function asCellType(value: unknown): CellType {
  return CELL_TYPES.includes(value) ? (value as CellType) : 'code';
}

export function asCellState(value: unknown): CellState {
  return STATES.includes(value) ? (value as CellState) : 'idle';
}

export function asCollapsed(value: unknown): Collapsed {
  return COLLAPSED.includes(value) ? (value as Collapsed) : null;
}
