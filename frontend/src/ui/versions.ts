/** What the notebook was before, in words. */
import type { Version } from '../protocol.gen';

const WHY: Record<Version['reason'], string> = {
  opened: 'As it was opened',
  autosave: 'Saved by itself',
  save: 'Saved',
  'before merge': 'Before a merge',
  file: 'Another program’s file',
  merge: 'Merged with the file',
  'before restore': 'Before a restore',
};

export const whyWords = ({ reason }: Version): string => WHY[reason];

export const cellWords = ({ cells }: Version): string => `${cells} ${cells === 1 ? 'cell' : 'cells'}`;

/** When it was, as short as it can be said today. `now`: milliseconds since 1970. */
export function whenWords({ time }: Version, now: number): string {
  const then = new Date(time * 1000);
  const clock = then.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  if (then.toDateString() === new Date(now).toDateString()) return clock;
  return `${then.toLocaleDateString([], { day: 'numeric', month: 'short' })}, ${clock}`;
}
