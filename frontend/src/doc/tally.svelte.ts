/**
 * Where this browser's edits have arrived: in the server's journal, in the notebook's file (protocol/SPEC.md, S-14).
 * The server counts the sync updates of a connection; here it is known which edits they brought.
 */
export class Tally {
  #edits = 0;
  #updates = 0;
  /** How many edits the first n updates of this connection bring, in order. */
  #covered: { readonly updates: number; readonly edits: number }[] = [];
  #durable = 0;
  #unsent = $state(0);
  #unfiled = $state(0);

  /** Edits that are not yet in the server's journal. */
  get unsent(): number {
    return this.#unsent;
  }
  /** Edits that are not yet in the notebook's file. */
  get unfiled(): number {
    return this.#unfiled;
  }
  get edits(): number {
    return this.#edits;
  }

  made(edits = 1): void {
    this.#edits += edits;
    this.#unsent += edits;
    this.#unfiled += edits;
  }

  /** A connection was announced: both sides count from here. */
  begin(): void {
    this.#updates = 0;
    this.#covered = [];
  }

  /** One more sync update: with those before it, it brings all edits so far. */
  sent(): void {
    this.#updates += 1;
    this.#covered.push({ updates: this.#updates, edits: this.#edits });
  }

  /** The first `updates` are in the journal. The edits that are. */
  durable(updates: number): number {
    this.#durable = this.#coveredBy(updates);
    this.#unsent = this.#edits - this.#durable;
    return this.#durable;
  }

  filed(updates: number): void {
    this.#unfiled = this.#edits - this.#coveredBy(updates);
    const done = this.#covered.findLastIndex(
      (each) => each.updates <= updates && each.edits <= this.#durable,
    );
    if (done > 0) this.#covered.splice(0, done);
  }

  #coveredBy(updates: number): number {
    return this.#covered.findLast((each) => each.updates <= updates)?.edits ?? 0;
  }
}
