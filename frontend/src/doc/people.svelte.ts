/** Who is here: awareness as signals, and what this person shows of themselves. */
import type { Awareness } from 'y-protocols/awareness';
import { asObject, numberOr, type Json, type JsonObject, type Place } from './values';

/** A pointer travels relative to the cell it is over, since each browser draws heights of its own. */
export type Pointer = { x: number; y: number } | { cell: string; dx: number; dy: number };

export interface Peer {
  readonly clientId: number;
  readonly name: string;
  readonly color: string;
  readonly pointer: Pointer | null;
  readonly cell: string | null;
  readonly drag: ReadonlyMap<string, Place> | null;
  /** What they see of the canvas. */
  readonly view: View | null;
  /** The client whose view leads theirs. */
  readonly follows: number | null;
  /** The cells that they have selected. */
  readonly selected: ReadonlySet<string>;
}

/** In canvas pixels. */
export interface View extends Place {
  width: number;
  height: number;
}

const COLORS = ['#3b5bdb', '#c2255c', '#2b8a3e', '#d9480f', '#7048e8', '#0b7285', '#a61e4d', '#5c940d'];
const FIRST = ['Quiet', 'Bright', 'Curious', 'Swift', 'Gentle', 'Bold', 'Patient', 'Keen'];
const SECOND = ['Heron', 'Otter', 'Lynx', 'Falcon', 'Badger', 'Marten', 'Raven', 'Ibex'];
const KEPT = 'ganimede.me';
/** At most 20 pointer positions a second leave this browser. */
const POINTER_EVERY = 50;
/** And a selection that grows under a marquee ten times. */
const SELECTION_EVERY = 100;
/** What a selection is told of: whoever has selected everything need not name it. */
const MOST_SELECTED = 200;
const NONE: ReadonlySet<string> = new Set();

const pick = <T>(from: readonly T[]): T => from[Math.floor(Math.random() * from.length)] as T;
const isColor = (value: unknown): value is string =>
  typeof value === 'string' && /^#[0-9a-f]{6}$/i.test(value);

export class People {
  #others: readonly Peer[] = $state.raw([]);
  #me: { name: string; color: string } = $state.raw(keptOrNew());
  #pointer: Pointer | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #selected: readonly string[] = [];
  #selecting: ReturnType<typeof setTimeout> | undefined;
  readonly editorAwareness: EditorAwareness;

  constructor(readonly awareness: Awareness) {
    this.editorAwareness = new EditorAwareness(awareness);
    awareness.on('change', this.#changed);
    this.#introduce();
  }

  get others(): readonly Peer[] {
    return this.#others;
  }
  get me(): { readonly name: string; readonly color: string } {
    return this.#me;
  }

  rename(name: string): void {
    this.#become({ ...this.#me, name: name.trim().slice(0, 40) || this.#me.name });
  }
  recolor(color: string): void {
    if (isColor(color)) this.#become({ ...this.#me, color });
  }

  #become(me: { name: string; color: string }): void {
    this.#me = me;
    try {
      localStorage.setItem(KEPT, JSON.stringify(me));
    } catch {
      // A browser that keeps nothing: the name lasts as long as the page.
    }
    this.#introduce();
  }

  #introduce(): void {
    const { name, color } = this.#me;
    const state = this.awareness.getLocalState() ?? {};
    const user = { name, color, colorLight: `${color}33` };
    this.awareness.setLocalState({ ...state, id: String(this.awareness.clientID), color, user });
  }

  point(pointer: Pointer | null): void {
    this.#pointer = pointer;
    if (this.#timer !== undefined) return;
    this.awareness.setLocalStateField('pointer', pointer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#pointer !== pointer) this.point(this.#pointer);
    }, POINTER_EVERY);
  }

  /** Which cell this person is in. */
  enter(cell: string | null): void {
    if ((this.awareness.getLocalState()?.['cell'] ?? null) !== cell)
      this.awareness.setLocalStateField('cell', cell);
  }

  /** Which cells this person has selected. */
  select(ids: Iterable<string>): void {
    const selected = [...ids].slice(0, MOST_SELECTED);
    if (selected.length === this.#selected.length && selected.every((id, i) => id === this.#selected[i]))
      return;
    this.#selected = selected;
    this.#selecting ??= setTimeout(() => {
      this.#selecting = undefined;
      this.awareness.setLocalStateField('selected', this.#selected);
    }, SELECTION_EVERY);
  }

  /** Where the cells are that this person drags; null when they are dropped. */
  drag(places: Readonly<Record<string, Place>> | null): void {
    this.awareness.setLocalStateField('drag', places === null ? null : { places });
  }

  /** What this person sees of the canvas; told when the camera rests. */
  look({ left, top, width, height }: View): void {
    const view = [left, top, width, height].map(Math.round);
    const known = this.awareness.getLocalState()?.['view'];
    if (JSON.stringify(known) !== JSON.stringify(view)) this.awareness.setLocalStateField('view', view);
  }

  /** Whose view leads this person's. */
  follow(clientId: number | null): void {
    this.awareness.setLocalStateField('follows', clientId);
  }

  readonly #changed = (): void => {
    const others: Peer[] = [];
    for (const [clientId, state] of this.awareness.getStates()) {
      if (clientId !== this.awareness.clientID) others.push(readPeer(clientId, asObject(state)));
    }
    this.#others = others.sort((a, b) => a.clientId - b.clientId);
  };

  destroy(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#selecting);
    this.awareness.off('change', this.#changed);
  }
}

function keptOrNew(): { name: string; color: string } {
  try {
    const kept = asObject(JSON.parse(localStorage.getItem(KEPT) ?? '{}') as Json);
    if (typeof kept['name'] === 'string' && kept['name'] !== '' && isColor(kept['color'])) {
      return { name: kept['name'].slice(0, 40), color: kept['color'] };
    }
  } catch {
    // Nothing kept, or nothing readable.
  }
  return { name: `${pick(FIRST)} ${pick(SECOND)}`, color: pick(COLORS) };
}

/** Peers may write anything into their state: every field is checked. */
function readPeer(clientId: number, state: JsonObject): Peer {
  const user = asObject(state['user']);
  const name = typeof user['name'] === 'string' ? user['name'].slice(0, 40) : '';
  const color = isColor(user['color']) ? user['color'] : isColor(state['color']) ? state['color'] : '#5f5b53';
  return {
    clientId,
    name: name || 'Guest',
    color,
    // The original's browser writes its mouse into `cursor`, where ours has the text caret.
    pointer: readPointer(asObject(state['pointer'])) ?? readPointer(asObject(state['cursor'])),
    cell: typeof state['cell'] === 'string' ? state['cell'] : null,
    drag: readDrag(asObject(asObject(state['drag'])['places'])),
    view: readView(state['view']),
    follows: numberOr(state['follows'], null),
    selected: readSelected(state['selected']),
  };
}

function readSelected(value: unknown): ReadonlySet<string> {
  if (!Array.isArray(value) || value.length === 0) return NONE;
  const ids = value.slice(0, MOST_SELECTED);
  return new Set(ids.filter((each): each is string => typeof each === 'string'));
}

function readPointer(value: JsonObject): Pointer | null {
  const [x, y, dx, dy] = ['x', 'y', 'dx', 'dy'].map((key) => numberOr(value[key], NaN)) as [
    number,
    number,
    number,
    number,
  ];
  if (typeof value['cell'] === 'string' && !Number.isNaN(dx + dy)) return { cell: value['cell'], dx, dy };
  return Number.isNaN(x + y) ? null : { x, y };
}

function readView(value: unknown): View | null {
  if (!Array.isArray(value)) return null;
  const [left, top, width, height] = value.map((each) => numberOr(each, NaN)) as [
    number?,
    number?,
    number?,
    number?,
  ];
  if (left === undefined || top === undefined || width === undefined || height === undefined) return null;
  return left + top + width + height > -Infinity && width > 0 && height > 0
    ? { left, top, width, height }
    : null;
}

function readDrag(places: JsonObject): Peer['drag'] {
  const read = new Map<string, Place>();
  for (const [id, place] of Object.entries(places)) {
    const [left, top] = [numberOr(asObject(place)['left'], NaN), numberOr(asObject(place)['top'], NaN)];
    if (!Number.isNaN(left + top)) read.set(id, { left, top });
  }
  return read.size > 0 ? read : null;
}

type Change = { added: number[]; updated: number[]; removed: number[] };
type Listener = (change: Change, origin: unknown) => void;

/**
 * What editors see of the awareness: y-codemirror redraws every editor at each change of it, so only changes of a
 * text caret or of a person pass.
 */
export class EditorAwareness {
  readonly doc;
  readonly #wrapped = new Map<Listener, Listener>();

  constructor(readonly awareness: Awareness) {
    this.doc = awareness.doc;
  }
  get clientID(): number {
    return this.awareness.clientID;
  }
  get states(): Map<number, JsonObject> {
    return this.awareness.states as Map<number, JsonObject>;
  }
  getStates(): Map<number, JsonObject> {
    return this.states;
  }
  getLocalState(): JsonObject | null {
    return this.awareness.getLocalState() as JsonObject | null;
  }
  setLocalStateField(key: string, value: unknown): void {
    this.awareness.setLocalStateField(key, value);
  }

  on(event: 'change', listener: Listener): void {
    const seen = new Map<number, string>();
    const fresh = (id: number): boolean => {
      const state = this.states.get(id);
      const now = JSON.stringify([state?.['cursor'] ?? null, state?.['user'] ?? null]);
      if (seen.get(id) === now) return false;
      seen.set(id, now);
      return true;
    };
    const wrapped: Listener = ({ added, updated, removed }, origin) => {
      for (const id of removed) seen.delete(id);
      const change = { added: added.filter(fresh), updated: updated.filter(fresh), removed };
      if (change.added.length + change.updated.length + removed.length > 0) listener(change, origin);
    };
    this.#wrapped.set(listener, wrapped);
    this.awareness.on(event, wrapped);
  }

  off(event: 'change', listener: Listener): void {
    const wrapped = this.#wrapped.get(listener);
    if (wrapped !== undefined) this.awareness.off(event, wrapped);
    this.#wrapped.delete(listener);
  }
}
