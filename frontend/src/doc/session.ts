/** Everything a component may talk to, found by {@link useSession}. */
import { getContext, setContext } from 'svelte';
import { Acts } from './acts';
import type { Comms } from './comms.svelte';
import { PageConfig } from './config.svelte';
import { Notebook } from './notebook.svelte';
import { People } from './people.svelte';
import { Room } from './room.svelte';
import { Server, type Tell } from './server.svelte';
import { Undo } from './undo.svelte';

export interface Session {
  readonly room: Room;
  readonly notebook: Notebook;
  readonly acts: Acts;
  readonly undo: Undo;
  readonly people: People;
  readonly server: Server;
  readonly comms: Comms;
  readonly config: PageConfig;
}

const KEY = Symbol('session');

/** Make the edits of an earlier lineage here. What could not be placed stays in `room.aside`, to be shown. */
export async function placeAside({ room, notebook, acts }: Session): Promise<number> {
  const { aside } = room;
  if (aside.length === 0) return 0;
  const { replay } = await import('./rebase');
  const left = replay(aside, notebook, acts);
  room.setAside(left);
  return aside.length - left.length;
}

/** The y-websocket and control socket of the page's own server. */
export function socketUrl(page: Pick<Location, 'protocol' | 'host'>): string {
  return `${page.protocol === 'https:' ? 'wss:' : 'ws:'}//${page.host}/`;
}

/** `otherLineage`: this session is over, another has to be opened. */
export function openSession(url: string, tell: Tell, otherLineage: () => void = () => undefined): Session {
  const server = new Server(tell);
  const room = new Room(
    url,
    (channel, method, message) => server.hear(channel, method, message),
    otherLineage,
  );
  server.room = room;
  const notebook = new Notebook(room.doc);
  const undo = new Undo(room.doc);
  const people = new People(room.awareness);
  const acts = new Acts(notebook, undo);
  return { room, notebook, undo, people, server, comms: server.comms, acts, config: new PageConfig() };
}

export function provideSession(session: Session): void {
  setContext(KEY, session);
}

export function useSession(): Session {
  return getContext<Session>(KEY);
}
