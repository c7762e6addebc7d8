/** What a cell says of itself, in words. */
import { named, type Ran } from '../doc/run';
import { asObject, type CellState, type CellType, type JsonObject } from '../doc/values';

/** "0.4 s", "42 s", "3 min 12 s", "1 h 05 min". */
export function elapsed(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${String(whole % 60).padStart(2, '0')} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** How long something took that is over: also what took no time worth a second's tenth. */
export function took(ms: number): string {
  return ms < 100 ? `${Math.max(1, Math.round(ms))} ms` : elapsed(ms);
}

const SUFFIX: Readonly<Record<string, string>> = { one: 'st', two: 'nd', few: 'rd', other: 'th' };
const RULES = new Intl.PluralRules('en', { type: 'ordinal' });

export function ordinal(n: number): string {
  return `${n}${SUFFIX[RULES.select(n)] ?? 'th'}`;
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

/** Where it stands among those that wait: the running head of the queue is not one of them. */
export function placeInQueue(queue: readonly string[], id: string, headRuns: boolean): number | null {
  const index = queue.indexOf(id);
  return index < 0 ? null : index + (headRuns ? 0 : 1);
}

export type Tone = 'idle' | 'wait' | 'run' | 'failed' | 'stale';

export interface Situation {
  state: CellState;
  /** Asked for, and the server has not answered yet. */
  asked: boolean;
  /** There is no kernel yet that could run it. */
  starting: boolean;
  place: number | null;
  startedAt: number | null;
  ranFor: number | null;
  failed: boolean;
  /** The last run that the document tells of. */
  run: Ran | null;
  /** Who else ran it last; empty: nobody else, or nobody knows. */
  by: string;
  /** Its text says something else now. */
  stale: boolean;
  paused: boolean;
}

const ENDS: Readonly<Record<string, string>> = {
  error: 'failed',
  interrupted: 'interrupted',
  aborted: 'not run',
  died: 'the kernel died',
  'time limit': 'over its time limit',
};

/** `now` is asked for only while the cell runs: nothing else ticks. */
export function stateWords(cell: Situation, now: () => number): { text: string; tone: Tone } {
  if (cell.state === 'running' && cell.starting) return { text: 'waiting for the kernel', tone: 'wait' };
  if (cell.state === 'running') {
    return {
      text: cell.startedAt === null ? 'running' : `running ${elapsed(now() - cell.startedAt)}`,
      tone: 'run',
    };
  }
  if (cell.state === 'queued') {
    return {
      text:
        (cell.place === null || cell.place < 1 ? 'queued' : `queued ${ordinal(cell.place)}`) +
        (cell.paused ? ', paused' : ''),
      tone: 'wait',
    };
  }
  if (cell.asked) return { text: 'asking the server', tone: 'wait' };
  const end = ENDS[cell.run?.status ?? ''] ?? (cell.failed ? 'failed' : '');
  const tone = end === '' ? (cell.stale ? 'stale' : 'idle') : 'failed';
  const by = cell.by === '' ? '' : ` by ${cell.by}`;
  const words =
    cell.ranFor === null
      ? end
      : `${end || 'ran'} ${end === '' || end === 'failed' ? 'in' : 'after'} ${took(cell.ranFor)}${by}`;
  if (!cell.stale) return { text: words, tone };
  return { text: words === '' ? 'edited since it ran' : `${words}, edited since`, tone };
}

/** The whole story of the last run, for a tooltip. */
export function runDetail(run: Ran | null, stale: boolean): string {
  const edited = stale ? 'The text was edited since: what is below came of what it said then.' : '';
  if (run === null || run.began === 0) return edited;
  const when = new Date(run.began).toLocaleTimeString([], {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
  return [`${named(run.who) || 'Somebody'} ran it at ${when}.`, edited]
    .filter((each) => each !== '')
    .join(' ');
}

/** "[3]", "[*]" while it waits or runs, "[ ]" if it never ran. */
export function countLabel(state: CellState, count: number | null): string {
  return state !== 'idle' ? '[*]' : `[${count ?? ' '}]`;
}

/** What a merge with the file left to decide in this cell (protocol/SPEC.md, M-3); empty if nothing. */
export function conflictWords(metadata: JsonObject): string {
  const conflict = asObject(asObject(metadata['gm'])['conflict']);
  const inFile = conflict['side'] === 'file';
  if (!inFile && conflict['side'] !== 'notebook') return '';
  if (conflict['deleted'] === true)
    return inFile ? 'Deleted here, changed in the file: kept.' : 'Changed here, deleted in the file: kept.';
  return inFile
    ? 'Conflict: this is what the file says; the cell before is what was here.'
    : 'Conflict: this is what was here; the next cell is what the file says.';
}

/** What is left of a folded text: its first line that says something. */
export function firstLine(text: string): string {
  const line = text.split('\n', 50).find((each) => each.trim() !== '') ?? '';
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}

export interface Heading {
  level: number;
  title: string;
}

/** The heading that a markdown text begins with, as the server finds it (protocol/SPEC.md, G-1). */
export function headingOf(text: string): Heading | null {
  const match = /^ {0,3}(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*$/.exec(firstLine(text));
  return match === null
    ? null
    : { level: match[1]?.length ?? 1, title: (match[2] ?? '').replace(/[*_`]/g, '') };
}

/** The one line by which a cell is known in a list; empty if it says nothing. */
export function titleOf({ type, text }: { type: CellType; text: string }): string {
  return (type === 'markdown' ? headingOf(text)?.title : undefined) ?? firstLine(text).trim();
}
