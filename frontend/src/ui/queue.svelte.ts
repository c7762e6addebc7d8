/** Whether the panel of the run queue is open, and what it lists. */
import type { Cell } from '../doc/cell.svelte';
import { whoWords } from '../doc/run';

class QueuePanel {
  open = $state(false);

  show(): void {
    this.open = true;
  }
  toggle(): void {
    this.open = !this.open;
  }
}

export const queuePanel = new QueuePanel();

export interface Row {
  readonly id: string;
  readonly running: boolean;
  /** Among those that wait, from 1; 0: it runs. */
  readonly place: number;
  /** The first line that says something. */
  readonly line: string;
  readonly who: string;
  /** Milliseconds since 1970: since when it runs or waits; null: nobody said. */
  readonly since: number | null;
}

/** The queue as rows: at most its head runs. */
export function rowsOf(queue: readonly string[], cellOf: (id: string) => Cell): Row[] {
  const head = queue[0];
  const headRuns = head !== undefined && cellOf(head).state === 'running';
  return queue.map((id, index) => {
    const cell = cellOf(id);
    const running = headRuns && index === 0;
    return {
      id,
      running,
      place: index + (headRuns ? 0 : 1),
      line: cell.text.split('\n', 50).find((line) => line.trim() !== '') ?? '',
      who: whoWords((running ? cell.run?.who : cell.queued?.who) ?? ''),
      since: running ? cell.startedAt : (cell.queued?.at ?? null),
    };
  });
}

/** Where a row that is dragged by `dy` pixels comes to stand among `count` that wait, from 1. */
export function placeAfter(place: number, dy: number, height: number, count: number): number {
  return Math.max(1, Math.min(count, place + Math.round(dy / height)));
}
