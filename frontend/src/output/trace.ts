/** An error output as a heading and what led to it, each said once. Pure. */
import type { Output } from '../doc/values';
import { stripAnsi } from './ansi';
import { textOf } from './bundle';

export interface Trace {
  readonly name: string;
  readonly value: string;
  /** The traceback with its colours; empty if it says no more than the heading. */
  readonly lines: string;
}

const LONGEST_HEADING = 2000;

export function traceOf(output: Output): Trace {
  const name = textOf(output['ename']) || 'Error';
  const full = stripAnsi(textOf(output['evalue']));
  const value = full.length > LONGEST_HEADING ? `${full.slice(0, LONGEST_HEADING)}…` : full;
  const raw = output['traceback'];
  const given = Array.isArray(raw) ? raw.filter((line) => typeof line === 'string') : [textOf(raw)];
  const lines = given.join('\n').split('\n');
  const says = (at: number): string => stripAnsi(lines.at(at) ?? '').trim();
  // IPython begins with a rule and ends with what the heading says.
  if (/^-{10,}$/.test(says(0))) lines.shift();
  // Its first line is spread over 75 columns.
  if (says(0).startsWith(name) && /\s{3,}Traceback \(most recent call last\)$/.test(says(0))) {
    lines[0] = 'Traceback (most recent call last):';
  }
  while (lines.length > 0 && says(-1) === '') lines.pop();
  if (says(-1) === (full ? `${name}: ${full}` : name)) lines.pop();
  return { name, value, lines: stripAnsi(lines.join('')).trim() === '' ? '' : lines.join('\n') };
}
