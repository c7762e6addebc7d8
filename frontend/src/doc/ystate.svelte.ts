/** Yjs values as svelte signals: whoever reads one key re-runs when that key changes, and no one else. */
import { SvelteMap } from 'svelte/reactivity';
import * as Y from 'yjs';

/** A Y.Map whose keys are signals. */
export class YMapState {
  readonly #signals: SvelteMap<string, unknown>;

  constructor(readonly map: Y.Map<unknown>) {
    this.#signals = new SvelteMap(map.entries());
    map.observe(this.#changed);
  }

  readonly #changed = (event: Y.YMapEvent<unknown>): void => {
    for (const key of event.keysChanged) {
      if (this.map.has(key)) this.#signals.set(key, this.map.get(key));
      else this.#signals.delete(key);
    }
  };

  get(key: string): unknown {
    return this.#signals.get(key);
  }

  destroy(): void {
    this.map.unobserve(this.#changed);
  }
}

/** A text or an array as one signal: `read` makes the value of the shared object, which may be replaced by another. */
export class YValueState<S extends Y.Text | Y.Array<unknown>, T> {
  #value: T | undefined;
  #stale = true;
  #shared: S | null = null;
  #version = $state(0);

  constructor(readonly read: (shared: S | null) => T) {}

  /** The object that holds the key now. */
  follow(shared: S | null): void {
    if (shared === this.#shared) return;
    this.#shared?.unobserve(this.#changed);
    this.#shared = shared;
    shared?.observe(this.#changed);
    this.#changed();
  }

  readonly #changed = (): void => {
    this.#stale = true;
    this.#version += 1;
  };

  get value(): T {
    void this.#version;
    if (this.#stale) {
      this.#value = this.read(this.#shared);
      this.#stale = false;
    }
    return this.#value as T;
  }

  destroy(): void {
    this.#shared?.unobserve(this.#changed);
  }
}
