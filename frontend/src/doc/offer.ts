/** What waited or ran when the server stopped, and may run again: seen in this copy of the notebook, in words. */
import type { OfferedCell } from '../protocol.gen';

export interface Offered {
  readonly id: string;
  readonly interrupted: boolean;
  /** It says something else now than when it was queued; what it says now would run. */
  readonly changed: boolean;
  /** What it is known by: its first line that says anything. */
  readonly line: string;
}

export interface OfferWords {
  title: string;
  detail: string;
  /** Run everything. */
  all: string;
  /** Leave out what had begun; empty where that is all or nothing. */
  waiting: string;
}

/** `source`: what a cell says now; null for one that cannot be run any more. */
export function offered(
  cells: readonly OfferedCell[],
  source: (id: string) => string | null,
): readonly Offered[] {
  return cells.flatMap(({ cell_id: id, interrupted, source_crc }) => {
    const text = source(id);
    if (text === null) return [];
    const line = text.split('\n').find((each) => each.trim() !== '') ?? '';
    return [{ id, interrupted, changed: crc32(text) !== source_crc, line: line.trim() }];
  });
}

const count = (n: number): string => `${n} ${n === 1 ? 'cell' : 'cells'}`;

export function offerWords(cells: readonly Offered[]): OfferWords {
  const waited = cells.filter((each) => !each.interrupted).length;
  const changed = cells.filter((each) => each.changed).length;
  const ran = cells.length - waited;
  const since =
    changed === 0
      ? ''
      : ` ${changed === 1 ? 'One was' : `${changed} were`} edited since; what runs is what is there now.`;
  return {
    title: `The server stopped before ${count(cells.length)} had run`,
    detail: `Nothing runs by itself, and the variables are gone with the kernel.${since}`,
    all: waited === 0 ? (ran === 1 ? 'Run it again' : 'Run them again') : `Run ${count(cells.length)}`,
    waiting: ran > 0 && waited > 0 ? `Only the ${waited} that waited` : '',
  };
}

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit += 1) n = (n >>> 1) ^ (n & 1 ? 0xedb88320 : 0);
  return n;
});

/** CRC-32 of a text in UTF-8, as the server reckons it. */
export function crc32(text: string): number {
  let sum = 0xffffffff;
  for (const byte of new TextEncoder().encode(text)) sum = (sum >>> 8) ^ (CRC[(sum ^ byte) & 0xff] as number);
  return (sum ^ 0xffffffff) >>> 0;
}
