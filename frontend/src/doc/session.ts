/** Everything a component may talk to, found by {@link useSession}. */
import { getContext, setContext } from 'svelte';
import { Acts } from './acts';
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
  readonly config: PageConfig;
}

const KEY = Symbol('session');

/** The y-websocket and control socket of the page's own server. */
export function socketUrl(page: Pick<Location, 'protocol' | 'host'>): string {
  return `${page.protocol === 'https:' ? 'wss:' : 'ws:'}//${page.host}/`;
}

export function openSession(url: string, tell: Tell): Session {
  const server = new Server(tell);
  const room = new Room(url, (channel, method, message) => server.hear(channel, method, message));
  server.room = room;
  const notebook = new Notebook(room.doc);
  const undo = new Undo(room.doc);
  const people = new People(room.awareness);
  return { room, notebook, undo, people, server, acts: new Acts(notebook, undo), config: new PageConfig() };
}

export function provideSession(session: Session): void {
  setContext(KEY, session);
}

export function useSession(): Session {
  return getContext<Session>(KEY);
}
