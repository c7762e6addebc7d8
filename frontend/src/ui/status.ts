/** The states of the link, the file and the kernel in words. */
import type { ActorState, KernelChanged, Saving } from '../protocol.gen';
import type { LinkState } from '../doc/room.svelte';

export type Tone = 'good' | 'quiet' | 'wait' | 'bad';

export interface Words {
  text: string;
  tone: Tone;
  /** The whole story, for a tooltip. */
  detail: string;
}

const edits = (n: number): string => `${n} unsent ${n === 1 ? 'edit' : 'edits'}`;

/** `keeps`: unsent edits are also in the browser's storage, and not in this tab alone. */
export function linkWords(state: LinkState, reason: string, unsent: number, keeps = true): Words {
  const where = keeps ? 'kept in this browser' : 'in this tab only: leave it open';
  const kept = unsent > 0 ? ` Your ${edits(unsent)} ${unsent === 1 ? 'is' : 'are'} ${where}.` : '';
  switch (state) {
    case 'connected':
      return { text: 'Connected', tone: 'good', detail: 'Edits reach the server as you type.' };
    case 'connecting':
      return { text: 'Connecting…', tone: 'wait', detail: 'The first connection is being made.' };
    case 'syncing':
      return {
        text: 'Reconnecting…',
        tone: 'wait',
        detail: `${reason || 'Waiting for the server’s copy.'}${kept}`,
      };
    case 'offline': {
      const text = unsent > 0 ? `Offline, ${edits(unsent)}` : 'Offline, reconnecting…';
      return { text, tone: 'wait', detail: `${sentence(reason)} You can go on writing.${kept}` };
    }
    case 'refused':
      return { text: 'Not connected', tone: 'bad', detail: `${sentence(reason)}${kept}` };
  }
}

/** `unsent` and `unfiled`: edits that the server's journal, or the file, does not hold yet. */
export function savingWords(saving: Saving, unsent: number, unfiled: number, connected: boolean): Words {
  if (!connected)
    return { text: 'Not saved', tone: 'wait', detail: 'The file is saved again when the server is back.' };
  if (saving.status === 'not saved')
    return { text: `Not saved: ${saving.reason}`, tone: 'bad', detail: saving.reason };
  if (unsent > 0) return { text: 'Saving…', tone: 'quiet', detail: 'Edits are on their way to the server.' };
  if (saving.status === 'saving' || unfiled > 0)
    return { text: 'Saving…', tone: 'quiet', detail: 'Edits are safe on the server; the file follows.' };
  return { text: 'Saved', tone: 'quiet', detail: 'The file on disk holds every edit.' };
}

const KERNEL: Record<KernelChanged['status'], [string, Tone]> = {
  none: ['No kernel', 'quiet'],
  starting: ['Starting…', 'wait'],
  idle: ['Idle', 'good'],
  busy: ['Busy', 'good'],
  interrupting: ['Interrupting…', 'wait'],
  'not responding': ['Not responding', 'bad'],
  restarting: ['Restarting…', 'wait'],
  dead: ['Dead', 'bad'],
};

/** `queued`: with the running one. `paused`: nothing more begins. */
export function kernelWords(kernel: KernelChanged, queued: number, paused = false): Words {
  const [text, tone] = KERNEL[kernel.status] ?? [kernel.status, 'quiet' as Tone];
  const waiting = (queued > 1 ? `, ${queued - 1} queued` : '') + (paused ? ', paused' : '');
  const none = 'A kernel starts with the first cell that runs.';
  const detail = kernel.reason || (kernel.status === 'none' ? none : `Kernel ${kernel.name}`);
  // Why it is of no use stands there for those without a tooltip, and is cut short where there is no room.
  const why = tone === 'bad' && kernel.reason !== '' ? `: ${shortened(kernel.reason)}` : '';
  return { text: `${text}${why}${waiting}`, tone, detail };
}

/** Without what the word before it says already. */
function shortened(reason: string): string {
  return reason.replace(/^The kernel died: /, '').replace(/\.$/, '');
}

/** One of the server's actors: what it does, and how often it was started anew. */
export function actorWords({ state, incarnation }: ActorState): Pick<Words, 'text' | 'tone'> {
  const restarts = incarnation - 1;
  const often = restarts <= 0 ? '' : restarts === 1 ? ', restarted once' : `, restarted ${restarts} times`;
  const tones: Record<ActorState['state'], Tone> = {
    up: 'good',
    starting: 'wait',
    restarting: 'wait',
    failed: 'bad',
    stopped: 'quiet',
  };
  return { text: `${state}${often}`, tone: tones[state] };
}

/** A size as people say it. */
export function bytes(count: number): string {
  if (count < 1000) return `${count} bytes`;
  const kilo = count / 1000;
  return kilo < 1000 ? `${Math.round(kilo)} kB` : `${(kilo / 1000).toFixed(1)} MB`;
}

function sentence(reason: string): string {
  if (reason === '') return '';
  const capital = reason.charAt(0).toUpperCase() + reason.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}
