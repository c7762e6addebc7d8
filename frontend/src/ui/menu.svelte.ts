/** The one context menu of the page. */
export interface MenuAction {
  label: string;
  /** The key that does the same, as it is written on the keyboard. */
  keys?: string;
  disabled?: boolean;
  danger?: boolean;
  /** One of a choice, and whether it is the one. */
  checked?: boolean;
  run(): void;
}

export type MenuItem = MenuAction | 'separator';

export interface OpenMenu {
  x: number;
  y: number;
  items: readonly MenuItem[];
  label?: string;
}

class Menu {
  #open: OpenMenu | null = $state.raw(null);
  #focusAfter: Element | null = null;

  get open(): OpenMenu | null {
    return this.#open;
  }

  show(menu: OpenMenu): void {
    if (this.#open === null) this.#focusAfter = document.activeElement;
    this.#open = menu;
  }

  close(): void {
    if (this.#open === null) return;
    this.#open = null;
    if (this.#focusAfter instanceof HTMLElement) this.#focusAfter.focus({ preventScroll: true });
    this.#focusAfter = null;
  }
}

export const menu = new Menu();

/** x and y: window pixels. */
export function openMenu(what: OpenMenu): void {
  menu.show(what);
}
