/** The shared document as the page reads it: every root of protocol/SPEC.md, D-1, as signals. */
import * as Y from 'yjs';
import { Cell } from './cell.svelte';
import { parentsOf } from './graph';
import { asObject, type Edges } from './values';
import { YMapState } from './ystate.svelte';

export interface Kernel {
  readonly status: string;
  readonly busy: boolean;
  readonly name: string;
  readonly reason: string;
  /** The run queue is: nothing begins. */
  readonly paused: boolean;
}

const str = (value: unknown): string => (typeof value === 'string' ? value : '');

function readIds(shared: Y.Array<unknown>): readonly string[] {
  return [
    ...new Set(shared.toArray().filter((each): each is string => typeof each === 'string' && each !== '')),
  ];
}

function readEdges(shared: Y.Map<unknown>, exists: ReadonlySet<string>): Edges {
  const edges = new Map<string, readonly string[]>();
  // A Y.Map's order is that of arrival and differs between peers.
  for (const from of [...shared.keys()].sort()) {
    const targets = shared.get(from);
    if (!exists.has(from)) continue;
    const ids = targets instanceof Y.Array ? targets.toArray() : Array.isArray(targets) ? targets : [];
    edges.set(from, [...new Set(ids.filter((id): id is string => exists.has(id) && id !== from))]);
  }
  return edges;
}

const STARTING: ReadonlySet<string> = new Set(['none', 'starting', 'restarting']);

/** A signal that a Yjs observer bumps. */
class Signal {
  #version = $state(0);
  readonly bump = (): void => {
    this.#version += 1;
  };
  read(): void {
    void this.#version;
  }
}

export class Notebook {
  readonly #cells = new Map<string, Cell>();
  readonly #roots: {
    cells: Y.Array<unknown>;
    np: Y.Map<unknown>;
    pc: Y.Map<unknown>;
    queue: Y.Array<unknown>;
    path: Y.Text;
  };
  readonly #kernel: YMapState;
  readonly #notebook: YMapState;
  readonly #changed = {
    cells: new Signal(),
    np: new Signal(),
    pc: new Signal(),
    queue: new Signal(),
    path: new Signal(),
  };

  readonly ids: readonly string[] = $derived.by(() => {
    this.#changed.cells.read();
    const ids = readIds(this.#roots.cells);
    // Here, before anybody reads of them: a derived value does not hear of signals that it made itself.
    for (const id of ids) this.cell(id);
    return ids;
  });
  readonly #exists: ReadonlySet<string> = $derived(new Set(this.ids));
  readonly np: Edges = $derived.by(() => {
    this.#changed.np.read();
    return readEdges(this.#roots.np, this.#exists);
  });
  /** A key's presence makes a cell a tissue, even with no child. */
  readonly pc: Edges = $derived.by(() => {
    this.#changed.pc.read();
    return readEdges(this.#roots.pc, this.#exists);
  });
  readonly parents: ReadonlyMap<string, string> = $derived(parentsOf(this.pc));
  /** Cell ids: the head is running, the rest wait. */
  readonly queue: readonly string[] = $derived.by(() => {
    this.#changed.queue.read();
    return readIds(this.#roots.queue);
  });
  readonly path: string = $derived.by(() => {
    this.#changed.path.read();
    return this.#roots.path.toString();
  });
  readonly title: string = $derived(
    this.path
      .split(/[\\/]/)
      .at(-1)
      ?.replace(/\.ipynb$/, '') || 'Notebook',
  );

  constructor(readonly doc: Y.Doc) {
    this.#roots = {
      cells: doc.getArray('cells'),
      np: doc.getMap('np_graph'),
      pc: doc.getMap('pc_graph'),
      queue: doc.getArray('run_queue'),
      path: doc.getText('nb_path'),
    };
    this.#kernel = new YMapState(doc.getMap('kernel'));
    this.#notebook = new YMapState(doc.getMap('notebook'));
    this.#roots.cells.observe(this.#changed.cells.bump);
    this.#roots.np.observeDeep(this.#changed.np.bump);
    this.#roots.pc.observeDeep(this.#changed.pc.bump);
    this.#roots.queue.observe(this.#changed.queue.bump);
    this.#roots.path.observe(this.#changed.path.bump);
    doc.getMap('kernel').observe(this.#kernelChanged);
  }

  /** A cell that waited for its kernel has not run before: its time counts from here. */
  readonly #kernelChanged = (event: Y.YMapEvent<unknown>): void => {
    const before = event.changes.keys.get('status')?.oldValue as unknown;
    const head = this.#roots.queue.length > 0 ? this.#roots.queue.get(0) : undefined;
    if (STARTING.has(str(before)) && typeof head === 'string') this.cell(head).begins();
  };

  has(id: string): boolean {
    return this.#exists.has(id);
  }

  /** Always the same object for an id, also for one that was deleted and may come back. */
  cell(id: string): Cell {
    let cell = this.#cells.get(id);
    if (cell === undefined) {
      cell = new Cell(id, this.doc.getMap(id));
      this.#cells.set(id, cell);
    }
    return cell;
  }

  get kernel(): Kernel {
    return {
      status: str(this.#kernel.get('status')) || 'none',
      busy: this.#kernel.get('busy') === true,
      name: str(this.#kernel.get('name')),
      reason: str(this.#kernel.get('reason')),
      paused: this.#kernel.get('paused') === true,
    };
  }

  /** What the code cells are written in: the kernel's word, else the kernelspec's, else python. */
  get language(): string {
    const metadata = asObject(this.#notebook.get('metadata'));
    return (
      str(asObject(metadata['language_info'])['name']) ||
      str(asObject(metadata['kernelspec'])['language']) ||
      'python'
    ).toLowerCase();
  }

  destroy(): void {
    this.#roots.cells.unobserve(this.#changed.cells.bump);
    this.#roots.np.unobserveDeep(this.#changed.np.bump);
    this.#roots.pc.unobserveDeep(this.#changed.pc.bump);
    this.#roots.queue.unobserve(this.#changed.queue.bump);
    this.#roots.path.unobserve(this.#changed.path.bump);
    this.doc.getMap('kernel').unobserve(this.#kernelChanged);
    this.#kernel.destroy();
    this.#notebook.destroy();
    for (const cell of this.#cells.values()) cell.destroy();
  }
}
