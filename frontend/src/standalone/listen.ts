/** Wheel, drag, pinch, keys and three buttons. */
import type { Camera } from './camera';

const STEP = 1.25;
const ARROW = 80;
const SLACK = 4;

export function listen(view: HTMLElement, camera: Camera, fit: () => void): void {
  view.addEventListener('wheel', (event) => wheel(view, camera, event), { passive: false });
  view.addEventListener('keydown', (event) => key(camera, fit, event));
  view.addEventListener('focusin', ({ target }) => {
    // The browser has scrolled the view itself to what has the focus: the camera does that here.
    view.scrollTo(0, 0);
    if (target instanceof HTMLElement && target !== view) camera.reveal(target);
  });
  view.addEventListener('scroll', () => view.scrollTo(0, 0));
  new Fingers(view, camera);
  view.append(buttons(camera, fit));
}

function wheel(view: HTMLElement, camera: Camera, event: WheelEvent): void {
  if (!event.ctrlKey && !event.metaKey && scrolls(event)) return;
  event.preventDefault();
  const line = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
  const [dx, dy] = [event.deltaX * line, event.deltaY * line];
  if (event.ctrlKey || event.metaKey) {
    const { left, top } = view.getBoundingClientRect();
    camera.zoomBy(
      Math.exp(-Math.max(-60, Math.min(60, dy)) / 120),
      event.clientX - left,
      event.clientY - top,
    );
  } else if (event.shiftKey) camera.pan(dx || dy, 0);
  else camera.pan(dx, dy);
}

/** Something under the pointer has more to show in this direction. */
function scrolls({ target, deltaX, deltaY }: WheelEvent): boolean {
  for (let at = target instanceof Element ? target : null; at !== null; at = at.parentElement) {
    if (at.matches('.view')) return false;
    const { overflowY, overflowX } = getComputedStyle(at);
    const down = deltaY > 0 ? at.scrollTop + at.clientHeight < at.scrollHeight - 1 : at.scrollTop > 0;
    const across = deltaX > 0 ? at.scrollLeft + at.clientWidth < at.scrollWidth - 1 : at.scrollLeft > 0;
    if (deltaY !== 0 && down && /auto|scroll/.test(overflowY)) return true;
    if (deltaX !== 0 && across && /auto|scroll/.test(overflowX)) return true;
  }
  return false;
}

function key(camera: Camera, fit: () => void, event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const act: Record<string, () => void> = {
    ArrowLeft: () => camera.pan(-ARROW, 0),
    ArrowRight: () => camera.pan(ARROW, 0),
    ArrowUp: () => camera.pan(0, -ARROW),
    ArrowDown: () => camera.pan(0, ARROW),
    PageUp: () => camera.pan(0, -ARROW * 6),
    PageDown: () => camera.pan(0, ARROW * 6),
    '+': () => camera.zoomBy(STEP),
    '=': () => camera.zoomBy(STEP),
    '-': () => camera.zoomBy(1 / STEP),
    '1': fit,
  };
  const found = act[event.key];
  if (found === undefined) return;
  event.preventDefault();
  found();
}

/** Dragging what is no text moves the view; two fingers also zoom it. */
class Fingers {
  readonly #down = new Map<number, PointerEvent>();
  #moved = 0;

  constructor(
    readonly view: HTMLElement,
    readonly camera: Camera,
  ) {
    view.addEventListener('pointerdown', (event) => this.#press(event));
    window.addEventListener('pointermove', (event) => this.#move(event));
    for (const name of ['pointerup', 'pointercancel'] as const)
      window.addEventListener(name, (event) => this.#release(event));
  }

  #press(event: PointerEvent): void {
    const target = event.target instanceof Element ? event.target : null;
    // Text is there to be selected, and what is pressed to be pressed.
    const mouse = event.pointerType === 'mouse';
    const free = event.button === 1 || (event.button === 0 && target?.closest('article, button') === null);
    if (target?.closest('button, a, summary, audio, video') !== null || (mouse && !free)) return;
    if (event.button === 1) event.preventDefault();
    this.#moved = 0;
    this.#down.set(event.pointerId, event);
  }

  #move(event: PointerEvent): void {
    const before = this.#down.get(event.pointerId);
    if (before === undefined) return;
    const [dx, dy] = [event.clientX - before.clientX, event.clientY - before.clientY];
    this.#moved += Math.abs(dx) + Math.abs(dy);
    if (this.#moved < SLACK) return;
    this.view.classList.add('dragged');
    const other = [...this.#down.values()].find((each) => each.pointerId !== event.pointerId);
    if (other !== undefined) this.#pinch(before, event, other);
    this.camera.pan(-dx / this.#down.size, -dy / this.#down.size);
    this.#down.set(event.pointerId, event);
  }

  #pinch(before: PointerEvent, now: PointerEvent, other: PointerEvent): void {
    const apart = (one: PointerEvent): number =>
      Math.max(1, Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY));
    const { left, top } = this.view.getBoundingClientRect();
    const [x, y] = [(now.clientX + other.clientX) / 2 - left, (now.clientY + other.clientY) / 2 - top];
    this.camera.zoomBy(apart(now) / apart(before), x, y);
  }

  #release(event: PointerEvent): void {
    this.#down.delete(event.pointerId);
    if (this.#down.size === 0) this.view.classList.remove('dragged');
  }
}

function buttons(camera: Camera, fit: () => void): HTMLElement {
  const bar = document.createElement('div');
  bar.className = 'zoom';
  bar.setAttribute('role', 'toolbar');
  bar.setAttribute('aria-label', 'View');
  const make = (text: string, label: string, run: () => void): void => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = text;
    button.title = label;
    button.setAttribute('aria-label', label);
    button.addEventListener('click', run);
    bar.append(button);
  };
  make('−', 'Zoom out', () => camera.zoomBy(1 / STEP));
  make('+', 'Zoom in', () => camera.zoomBy(STEP));
  make('⤢', 'Show everything', fit);
  return bar;
}
