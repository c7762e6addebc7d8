/** What the server says in a cell's Map of its place in the queue and of its last run (protocol/SPEC.md, D-7). */
import { crc32 } from './offer';
import { asObject, numberOr, type JsonObject } from './values';

export interface Asked {
  who: string;
  /** Milliseconds since 1970, by the server's clock. */
  at: number;
}

export interface Ran {
  who: string;
  began: number;
  /** Null while it runs. */
  ended: number | null;
  status: string;
  crc: number | null;
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const ms = (value: unknown): number => numberOr(value, 0) * 1000;

export function asAsked(value: unknown): Asked | null {
  const found = asObject(value);
  return 'at' in found ? { who: text(found['who']), at: ms(found['at']) } : null;
}

export function asRan(value: unknown): Ran | null {
  const found = asObject(value);
  if (!('began' in found)) return null;
  return {
    who: text(found['who']),
    began: ms(found['began']),
    ended: 'ended' in found ? ms(found['ended']) : null,
    status: text(found['status']),
    crc: numberOr(found['source_crc'], null),
  };
}

/** Whether a cell says something else than what its outputs came of. What is known of that is in the document for as
 * long as it lives, and in the file where it is so. */
export function isStale(ran: Ran | null, metadata: JsonObject, source: string): boolean {
  const crc = ran === null ? numberOr(asObject(metadata['gm'])['source_crc'], null) : ran.crc;
  return crc !== null && crc !== crc32(source);
}

/** A name that a person shows, or nothing: connections that show none are known by a number that says nothing. */
export function named(who: string): string {
  return /^[0-9a-f]{16}$/.test(who) ? '' : who;
}

export function whoWords(who: string): string {
  return named(who) || 'somebody';
}
