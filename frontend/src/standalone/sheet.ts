/** Where everything lies: the page's own layout and edges, with the heights that this browser draws. */
import { BoxIndex } from '../canvas/boxindex';
import { betweenBounds, routeEdge } from '../canvas/edges';
import { around, type Rect } from '../canvas/geometry';
import { rootOf } from '../doc/graph';
import { computeLayout, EMPTY_LAYOUT, type Layout } from '../canvas/layout';
import type { Graph } from './graph';

const SVG = 'http://www.w3.org/2000/svg';

export class Sheet {
  readonly articles: ReadonlyMap<string, HTMLElement>;
  readonly observer = new ResizeObserver(() => this.arrange());
  readonly #backdrops = new Map<string, HTMLElement>();
  readonly #edges = document.createElementNS(SVG, 'svg');
  #layout: Layout = EMPTY_LAYOUT;

  constructor(
    readonly main: HTMLElement,
    readonly graph: Graph,
  ) {
    const found = [...main.querySelectorAll<HTMLElement>('article[data-id]')];
    this.articles = new Map(found.map((article) => [article.dataset['id'] ?? '', article]));
    this.#edges.setAttribute('class', 'edges');
    this.#edges.setAttribute('aria-hidden', 'true');
    main.prepend(this.#edges);
  }

  get bounds(): Rect | null {
    return around(this.#layout.boxes.values());
  }

  /** The box that one begins with. */
  get first(): Rect | null {
    const [id] = this.articles.keys();
    const { boxes } = this.#layout;
    return (id === undefined ? undefined : boxes.get(rootOf(id, this.graph.parents))) ?? this.bounds;
  }

  /** Widths first, then all heights at once, then places: one reflow. */
  arrange(): void {
    const { articles, graph } = this;
    const known = graph.ids.filter((id) => articles.has(id));
    const before = this.#layout;
    for (const [id, article] of articles) {
      const width = before.cells.get(id)?.width ?? graph.stored(id).width ?? 600;
      article.style.width = `${width}px`;
    }
    const heights = new Map([...articles].map(([id, article]) => [id, article.offsetHeight]));
    this.#layout = computeLayout({ ...graph, ids: known, height: (id) => heights.get(id) ?? 0 }, before);
    if (this.#layout.cells.size > 0) this.#draw(before);
  }

  #draw(before: Layout): void {
    const { cells, boxes, tissues } = this.#layout;
    for (const [id, rect] of cells) {
      if (rect !== before.cells.get(id)) put(this.articles.get(id), rect, false);
    }
    for (const id of tissues) {
      const rect = boxes.get(id);
      if (rect !== undefined) put(this.#backdrop(id), rect, true);
    }
    this.#edges.replaceChildren(...this.#lines(boxes));
  }

  #backdrop(id: string): HTMLElement {
    const known = this.#backdrops.get(id);
    if (known !== undefined) return known;
    const made = document.createElement('div');
    made.className = 'tissue';
    this.#backdrops.set(id, made);
    this.main.prepend(made);
    return made;
  }

  *#lines(boxes: ReadonlyMap<string, Rect>): Iterable<SVGPathElement> {
    const standing = new BoxIndex(new Map([...boxes].filter(([id]) => !this.graph.parents.has(id))));
    for (const [from, targets] of this.graph.np) {
      for (const to of targets) {
        const [start, end] = [boxes.get(from), boxes.get(to)];
        if (start === undefined || end === undefined) continue;
        const { path, head } = routeEdge(
          start,
          end,
          standing.near(betweenBounds(start, end), (id) => id === from || id === to),
        );
        yield line('line', path);
        yield line('head', head);
      }
    }
  }
}

function line(kind: string, path: string): SVGPathElement {
  const made = document.createElementNS(SVG, 'path');
  made.setAttribute('class', kind);
  made.setAttribute('d', path);
  return made;
}

function put(element: HTMLElement | undefined, rect: Rect, whole: boolean): void {
  if (element === undefined) return;
  element.style.left = `${rect.left}px`;
  element.style.top = `${rect.top}px`;
  element.style.width = `${rect.width}px`;
  if (whole) element.style.height = `${rect.height}px`;
}
