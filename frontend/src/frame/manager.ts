/**
 * The widget manager of one frame: ipywidgets 8 and anywidget. A model is made when something first names it, from
 * what the page says its state is now, so a frame knows of those comms only that it shows.
 */
import './amd';
import 'anywidget';
import * as base from '@jupyter-widgets/base';
import { ManagerBase } from '@jupyter-widgets/base-manager';
import * as controls from '@jupyter-widgets/controls';
import * as outputs from '@jupyter-widgets/html-manager/lib/output';
import { WIDGET_MIMETYPE, WidgetRenderer } from '@jupyter-widgets/html-manager/lib/output_renderers';
import { RenderMimeRegistry, standardRendererFactories } from '@jupyterlab/rendermime';
import { MessageLoop } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import { defined } from './amd';
import { FramedComm, idle } from './comm';
import { asMessage, tell, type Described, type FromPage } from './page';

type Module = Record<string, unknown>;
type ModelClass = typeof base.WidgetModel;

const MODULES: Readonly<Record<string, Module>> = {
  '@jupyter-widgets/base': base as unknown as Module,
  '@jupyter-widgets/controls': controls as unknown as Module,
  '@jupyter-widgets/output': outputs as unknown as Module,
  anywidget: defined({ '@jupyter-widgets/base': base }),
};
/** The first versions of what ipywidgets 8 has; those of ipywidgets 7 have other attributes. */
const SINCE: Readonly<Record<string, number>> = {
  '@jupyter-widgets/base': 2,
  '@jupyter-widgets/controls': 2,
};

function majorOf(version: string): number {
  return Number(/\d+/.exec(version)?.[0] ?? 0);
}

export class Manager extends ManagerBase {
  readonly renderMime = new RenderMimeRegistry({ initialFactories: standardRendererFactories });
  readonly #comms = new Map<string, FramedComm>();
  readonly #wanted = new Map<string, { come(said: Described): void; missing(error: Error): void }>();
  readonly #coming = new Map<string, Promise<base.WidgetModel>>();
  #shown: Widget | null = null;

  constructor() {
    super();
    const createRenderer = (options: never): WidgetRenderer => new WidgetRenderer(options, this as never);
    this.renderMime.addFactory({ safe: false, mimeTypes: [WIDGET_MIMETYPE], createRenderer } as never, 0);
    window.addEventListener('resize', () => {
      if (this.#shown !== null) MessageLoop.postMessage(this.#shown, Widget.ResizeMessage.UnknownSize);
    });
  }

  hear(message: FromPage): void {
    switch (message.do) {
      case 'open':
        this.#wanted.get(message.comm_id)?.come(message);
        this.#wanted.delete(message.comm_id);
        break;
      case 'msg':
        this.#comms
          .get(message.comm_id)
          ?.hear(message.data, message.metadata, message.buffers, message.parent);
        break;
      case 'close':
        this.#wanted.get(message.comm_id)?.missing(new Error('One of its parts is closed.'));
        this.#wanted.delete(message.comm_id);
        this.#comms.get(message.comm_id)?.closed();
        this.#comms.delete(message.comm_id);
        break;
      case 'idle':
        idle(message.parent);
        break;
      case 'show':
        void this.#show(message.comm_id);
    }
  }

  override get_model(id: string): Promise<base.WidgetModel> {
    if (this.has_model(id)) return super.get_model(id);
    let coming = this.#coming.get(id);
    if (coming === undefined) {
      coming = this.#fetch(id);
      this.#coming.set(id, coming);
    }
    return coming;
  }

  async #fetch(id: string): Promise<base.WidgetModel> {
    const said = await new Promise<Described>((come, missing) => {
      this.#wanted.set(id, { come, missing });
      tell({ do: 'want', comm_id: id });
    });
    const comm = new FramedComm(id, said.target_name);
    this.#comms.set(id, comm);
    return this.handle_comm_open(comm, asMessage({ comm_id: id, data: said.data }, said));
  }

  async #show(id: string): Promise<void> {
    try {
      const view = await this.create_view(await this.get_model(id));
      const root = document.getElementById('ganimede-output') ?? document.body;
      this.#shown = view.luminoWidget;
      Widget.attach(view.luminoWidget, root);
    } catch (error) {
      tell({ do: 'failed', text: error instanceof Error ? error.message : String(error) });
    }
  }

  /** Used by ipywidgets' Output, for widgets inside of it. */
  async display_view(view: Promise<base.DOMWidgetView>, into: HTMLElement): Promise<void> {
    Widget.attach((await view).luminoWidget, into);
  }

  protected override async loadClass(name: string, module: string, version: string): Promise<ModelClass> {
    const found = MODULES[module]?.[name] as ModelClass | undefined;
    let refusal = '';
    if (MODULES[module] === undefined)
      refusal = `This widget needs the module “${module}”, which Ganimede does not have.`;
    else if (majorOf(version) < (SINCE[module] ?? 0) || found === undefined)
      refusal = `This widget is of another version (${module} ${version}): Ganimede shows those of ipywidgets 8.`;
    if (refusal !== '' || found === undefined) {
      tell({ do: 'failed', text: refusal });
      throw new Error(refusal);
    }
    return found;
  }

  protected override _create_comm(
    target: string,
    id?: string,
    data?: unknown,
    metadata?: unknown,
    buffers?: ArrayBuffer[] | ArrayBufferView[],
  ): Promise<FramedComm> {
    const comm = new FramedComm(id ?? base.uuid(), target);
    this.#comms.set(comm.comm_id, comm);
    if (data !== undefined) comm.open(data, undefined, metadata, buffers);
    return Promise.resolve(comm);
  }

  /** Nothing is asked of the kernel here: the page knows what is open. */
  protected override _get_comm_info(): Promise<Record<string, never>> {
    return Promise.resolve({});
  }
}
