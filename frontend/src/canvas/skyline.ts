/**
 * The lowest bottom at every x of the boxes placed so far: asking and placing cost what lies between left and
 * right, not a walk over all boxes.
 */
export class Skyline {
  // Segment i reaches from #from[i] to #from[i + 1] and has the bottom #low[i]; the last one reaches to infinity.
  readonly #from: number[] = [-Infinity];
  readonly #low: number[] = [-Infinity];

  /** The lowest bottom between left and right; −Infinity where there is none. */
  under(left: number, right: number): number {
    let lowest = -Infinity;
    for (let i = this.#segmentAt(left); i < this.#from.length && (this.#from[i] as number) < right; i += 1) {
      lowest = Math.max(lowest, this.#low[i] as number);
    }
    return lowest;
  }

  /** A box whose bottom lies below everything between left and right. */
  place(left: number, right: number, bottom: number): void {
    if (right <= left) return;
    const first = this.#cut(left);
    const end = this.#cut(right);
    this.#from.splice(first, end - first, left);
    this.#low.splice(first, end - first, bottom);
  }

  /** Make a segment begin at x; its index. */
  #cut(x: number): number {
    const at = this.#segmentAt(x);
    if (this.#from[at] === x) return at;
    this.#from.splice(at + 1, 0, x);
    this.#low.splice(at + 1, 0, this.#low[at] as number);
    return at + 1;
  }

  #segmentAt(x: number): number {
    let [low, high] = [0, this.#from.length - 1];
    while (low < high) {
      const mid = (low + high + 1) >> 1;
      if ((this.#from[mid] as number) <= x) low = mid;
      else high = mid - 1;
    }
    return low;
  }
}
