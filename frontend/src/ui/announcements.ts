/** What a screen reader is told of what happens by itself: differences between two moments, as sentences. Pure. */
import { plural } from '../cell/words';

export interface Moment {
  readonly connected: boolean;
  /** Why the file is not saved; empty: it is, or will be. */
  readonly unsaved: string;
  /** Why the kernel is of no use; empty: it is. */
  readonly broken: string;
  /** Who else is here, by name. */
  readonly people: readonly string[];
}

export interface Ended {
  /** In reading order, from 1. */
  readonly number: number;
  readonly failed: boolean;
}

/** So many runs are named one by one. */
const EACH = 3;

export function sentences(before: Moment, now: Moment, ended: readonly Ended[]): string[] {
  const said: string[] = [];
  if (before.connected !== now.connected)
    said.push(now.connected ? 'Connected again.' : 'The connection is lost. You can go on writing.');
  if (before.unsaved !== now.unsaved)
    said.push(now.unsaved === '' ? 'The file is saved again.' : `The file is not saved: ${now.unsaved}`);
  if (before.broken !== now.broken && now.broken !== '') said.push(`Kernel: ${now.broken}`);
  return [...said, ...runs(ended), ...comings(before.people, now.people)];
}

function runs(ended: readonly Ended[]): string[] {
  if (ended.length <= EACH)
    return ended.map(({ number, failed }) => `Cell ${number} ${failed ? 'failed' : 'is done'}.`);
  const failed = ended.filter((each) => each.failed).map(({ number }) => number);
  const all = `${plural(ended.length, 'cell')} ran`;
  return [
    failed.length === 0 ? `${all}.` : `${all}, ${failed.length} failed: ${failed.slice(0, EACH).join(', ')}.`,
  ];
}

function comings(before: readonly string[], now: readonly string[]): string[] {
  const came = without(now, before);
  const left = without(before, now);
  return [
    ...(came.length === 0 ? [] : [`${came.join(', ')} ${came.length === 1 ? 'is' : 'are'} here.`]),
    ...(left.length === 0 ? [] : [`${left.join(', ')} left.`]),
  ];
}

/** Of two of one name the second stays. */
function without(these: readonly string[], those: readonly string[]): string[] {
  const rest = [...those];
  return these.filter((each) => {
    const at = rest.indexOf(each);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
}
