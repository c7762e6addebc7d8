/** What runs in the sandboxed frame to show a Jupyter widget. The page says which, and carries its messages. */
import controls from '@jupyter-widgets/controls/css/widgets-base.css?inline';
import base from '@jupyter-widgets/base/css/index.css?inline';
import outputs from '@jupyter-widgets/html-manager/css/output.css?inline';
import lumino from '@lumino/widgets/style/index.css?inline';
import icons from './icons.css?inline';
import ours from './widgets.css?inline';
import { Manager } from './manager';
import { listen, tell } from './page';

const style = document.createElement('style');
style.textContent = [lumino, base, controls, outputs, icons, ours].join('\n');
document.head.append(style);

const manager = new Manager();
listen((message) => manager.hear(message));
tell({ do: 'ready' });
