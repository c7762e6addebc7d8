/** An exported canvas: the articles of the file are put where the page would have them, and people pan and zoom. */
import './standalone.css';
import { Camera } from './camera';
import { listen } from './listen';
import { Sheet } from './sheet';
import { readGraph } from './graph';

const main = document.querySelector('main');
const data = document.getElementById('graph')?.textContent;
if (main !== null && data !== null && data !== undefined) begin(main, data);

function begin(main: HTMLElement, data: string): void {
  document.documentElement.classList.add('placed');
  const view = document.createElement('div');
  view.className = 'view';
  view.tabIndex = 0;
  view.setAttribute('role', 'group');
  view.setAttribute(
    'aria-label',
    'Canvas. Arrow keys move the view, plus and minus zoom, 1 shows everything.',
  );
  main.replaceWith(view);
  view.append(main);
  const sheet = new Sheet(main, readGraph(data));
  const camera = new Camera(view, main);
  sheet.arrange();
  camera.begin(sheet.bounds, sheet.first);
  listen(view, camera, () => camera.fit(sheet.bounds));
  // Pictures and folded parts change heights later.
  new ResizeObserver(() => sheet.arrange()).observe(main);
  for (const article of sheet.articles.values()) sheet.observer.observe(article);
}
