/** Keys as the command table writes them, "Mod+Shift+Z" or "D D": read from an event, and as words. Pure. */

export interface Pressed {
  readonly key: string;
  readonly code?: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly shiftKey: boolean;
  readonly altKey: boolean;
}

export const ON_MAC = /Mac|iPhone|iPad/.test(globalThis.navigator?.platform ?? '');

/** The second of two keys that are one command, "D D", comes within so many milliseconds. */
const TWICE_WITHIN = 600;

const MODIFIERS: readonly string[] = ['Shift', 'Control', 'Alt', 'Meta', 'AltGraph', 'CapsLock'];

/**
 * What these keys may be called in the table, the likeliest first. Ctrl and Cmd are both Mod. With a sign Shift is
 * part of the sign, wherever a keyboard has it; a letter of another script is the one that a Latin keyboard has there.
 */
export function chordsOf(event: Pressed): string[] {
  if (MODIFIERS.includes(event.key)) return [];
  const held = (event.ctrlKey || event.metaKey ? 'Mod+' : '') + (event.altKey ? 'Alt+' : '');
  const shift = event.shiftKey ? 'Shift+' : '';
  const name = event.key === ' ' ? 'Space' : event.key;
  if (name.length > 1) return [held + shift + name];
  const place = /^(?:Key|Digit)(\w)$/.exec(event.code ?? '')?.[1];
  if (/[a-z]/i.test(name)) return [held + shift + name.toUpperCase()];
  if (place !== undefined && /[A-Z]/.test(place)) return [held + shift + place];
  if (/\d/.test(name)) return [held + name];
  return place !== undefined && event.shiftKey ? [held + name, `${held}Shift+${place}`] : [held + name];
}

/** Which of the keys that are known an event is; two presses may be one of them. */
export class Listener<T> {
  #before = '';
  #at = 0;

  constructor(readonly known: ReadonlyMap<string, T>) {}

  hear(event: Pressed & { readonly repeat: boolean; readonly timeStamp: number }): T | null {
    const chords = chordsOf(event);
    if (chords.length === 0) return null;
    const [before, since] = [this.#before, event.timeStamp - this.#at];
    this.#before = '';
    if (!event.repeat && before !== '' && since < TWICE_WITHIN) {
      const twice = this.#first(chords.map((chord) => `${before} ${chord}`));
      if (twice !== null) return twice;
    }
    if (!event.repeat) {
      this.#before = chords[0] ?? '';
      this.#at = event.timeStamp;
    }
    return this.#first(chords);
  }

  #first(names: readonly string[]): T | null {
    for (const name of names) {
      const found = this.known.get(name);
      if (found !== undefined) return found;
    }
    return null;
  }
}

const WORDS: Readonly<Record<string, string>> = {
  ArrowUp: '↑',
  ArrowDown: '↓',
  ArrowLeft: '←',
  ArrowRight: '→',
  Escape: 'Esc',
  Delete: 'Del',
};

/** As it is written on the keyboard. */
export function keyWords(keys: string, mac = ON_MAC): string {
  return keys
    .split(' ')
    .map((chord) => {
      const parts = chord.split(/\+(?=.)/);
      return parts
        .map((part) => (part === 'Mod' ? (mac ? '⌘' : 'Ctrl+') : (WORDS[part] ?? part)))
        .map((part, i) => (i < parts.length - 1 && !/[+⌘]$/.test(part) ? `${part}+` : part))
        .join('');
    })
    .join(' ');
}
