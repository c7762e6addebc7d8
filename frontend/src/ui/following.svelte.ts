/** Whose view leads this person's, if anybody's: until they move by themselves, or the other one goes. */
import type { People, Peer } from '../doc/people.svelte';
import { toast } from './toasts.svelte';

class Following {
  #who: number | null = $state(null);

  /** Of the one who is followed. */
  get who(): number | null {
    return this.#who;
  }

  start(people: People, peer: Peer): void {
    // Two who follow each other would both go nowhere.
    if (peer.follows === people.awareness.clientID)
      return toast({ level: 'info', text: `${peer.name} follows you.` });
    this.#who = peer.clientId;
    people.follow(peer.clientId);
  }

  stop(people: People): void {
    if (this.#who === null) return;
    this.#who = null;
    people.follow(null);
  }

  /** The next of those who are here: the palette's way. */
  next(people: People): void {
    const { others } = people;
    const at = others.findIndex(({ clientId }) => clientId === this.#who);
    const peer = others[(at + 1) % others.length];
    if (peer !== undefined) this.start(people, peer);
  }
}

export const following = new Following();
