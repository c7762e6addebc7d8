/** One cell's Map in the document, as signals per key (protocol/SPEC.md, D-2). */
import { SvelteMap } from 'svelte/reactivity';
import * as Y from 'yjs';
import {
  asCellState,
  asCellType,
  asCollapsed,
  asObject,
  numberOr,
  type CellState,
  type CellType,
  type Collapsed,
  type JsonObject,
  type Output,
} from './values';

import { asAsked, asRan, isStale, type Asked, type Ran } from './run';
import { YValueState } from './ystate.svelte';

const NO_OUTPUTS: readonly Output[] = [];

function readOutputs(shared: Y.Array<unknown> | null): readonly Output[] {
  if (shared === null) return NO_OUTPUTS;
  const outputs = shared.toArray().map((each) => (each instanceof Y.AbstractType ? each.toJSON() : each));
  return outputs.filter((each) => typeof each === 'object' && each !== null) as Output[];
}

export class Cell {
  readonly #keys: SvelteMap<string, unknown>;
  readonly #text = new YValueState<Y.Text, string>((shared) => shared?.toString() ?? '');
  readonly #outputs = new YValueState<Y.Array<unknown>, readonly Output[]>(readOutputs);
  // Stands in while the Map has no Text: never written to, never in the document.
  #nowhere: Y.Text | null = null;
  #startedAt: number | null = $state(null);
  #ranFor: number | null = $state(null);
  readonly #stale: boolean = $derived(
    this.type === 'code' && this.state === 'idle' && isStale(this.run, this.metadata, this.text),
  );

  constructor(
    readonly id: string,
    readonly map: Y.Map<unknown>,
  ) {
    this.#keys = new SvelteMap(map.entries());
    this.#follow();
    if (this.state === 'running') this.#startedAt = Math.min(Date.now(), this.run?.began || Date.now());
    map.observe(this.#changed);
  }

  readonly #changed = (event: Y.YMapEvent<unknown>): void => {
    const before = asCellState(this.#keys.get('state'));
    for (const key of event.keysChanged) {
      if (this.map.has(key)) this.#keys.set(key, this.map.get(key));
      else this.#keys.delete(key);
    }
    this.#follow();
    if (event.keysChanged.has('state')) this.#time(before, asCellState(this.map.get('state')));
  };

  #follow(): void {
    const source = this.map.get('source');
    this.#text.follow(source instanceof Y.Text ? source : null);
    const outputs = this.map.get('outputs');
    this.#outputs.follow(outputs instanceof Y.Array ? outputs : null);
  }

  #time(before: CellState, now: CellState): void {
    if (now === before) return;
    if (before === 'running' && this.#startedAt !== null) this.#ranFor = Date.now() - this.#startedAt;
    this.#startedAt = now === 'running' ? Date.now() : null;
  }

  /** It has only waited until now. */
  begins(): void {
    if (this.#startedAt !== null) this.#startedAt = Date.now();
  }

  get type(): CellType {
    return asCellType(this.#keys.get('type'));
  }
  /** The shared text; the same object for as long as nobody replaces it. */
  get source(): Y.Text {
    const source = this.#keys.get('source');
    if (source instanceof Y.Text) return source;
    // Made when it is asked for: a Doc draws random numbers, and a thousand of them keep the first paint waiting.
    this.#nowhere ??= new Y.Doc().getText('source');
    return this.#nowhere;
  }
  get text(): string {
    return this.#text.value;
  }
  get left(): number | null {
    return numberOr(this.#keys.get('left'), null);
  }
  get top(): number | null {
    return numberOr(this.#keys.get('top'), null);
  }
  get width(): number | null {
    return numberOr(this.#keys.get('width'), null);
  }
  get height(): number | null {
    return numberOr(this.#keys.get('height'), null);
  }
  get collapsed(): Collapsed {
    return asCollapsed(this.#keys.get('collapsed'));
  }
  get state(): CellState {
    return asCellState(this.#keys.get('state'));
  }
  get executionCount(): number | null {
    return numberOr(this.#keys.get('execution_count'), null);
  }
  get outputs(): readonly Output[] {
    return this.#outputs.value;
  }
  get metadata(): JsonObject {
    return asObject(this.#keys.get('metadata'));
  }
  get attachments(): JsonObject {
    return asObject(this.#keys.get('attachments'));
  }
  /** When this page saw the running cell begin, in ms of this machine's clock. */
  get startedAt(): number | null {
    return this.#startedAt;
  }
  /** How long the last run took in ms: as this page saw it, else as the server did. */
  get ranFor(): number | null {
    const { run } = this;
    if (this.#ranFor !== null) return this.#ranFor;
    return run === null || run.ended === null ? null : Math.max(0, run.ended - run.began);
  }
  /** Who put it into the queue, and when; null where it does not wait. */
  get queued(): Asked | null {
    return asAsked(this.#keys.get('queued'));
  }
  /** The last run that the document tells of. */
  get run(): Ran | null {
    return asRan(this.#keys.get('run'));
  }
  /** It was edited since its outputs were made. */
  get stale(): boolean {
    return this.#stale;
  }

  destroy(): void {
    this.map.unobserve(this.#changed);
    this.#text.destroy();
    this.#outputs.destroy();
  }
}
