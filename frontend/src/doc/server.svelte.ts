/** What the server says of itself, the file and the kernel, and what people ask of it. */
import type {
  AskedInput,
  InstalledKernel,
  KernelChanged,
  Methods,
  Notice,
  OfferedCell,
  Pushes,
  Saving,
} from '../protocol.gen';
import { Comms } from './comms.svelte';
import { RequestError } from './requests';
import type { Room } from './room.svelte';
import { Terms } from './terms.svelte';
import { asObject, type JsonObject } from './values';

export type What = Exclude<Methods['notebook.run']['message']['what'], 'cells'>;
export type Tell = (notice: Pick<Notice, 'level' | 'message'>) => void;

const RESTARTED = 'The kernel was restarted.';

export class Server {
  #saving: Saving = $state.raw({ status: 'saved', reason: '' });
  #kernel: KernelChanged = $state.raw({ status: 'none', reason: '', name: '' });
  #input: AskedInput | null = $state.raw(null);
  #offered: readonly OfferedCell[] = $state.raw([]);
  #failed = $state('');
  /** Cells this person asked to run and the server has not answered for: they show "asked" at once. */
  #asked: ReadonlySet<string> = $state.raw(new Set());
  room: Room | null = null;
  readonly terms = new Terms();
  readonly comms = new Comms(
    (method, message) => this.request(method, message),
    (notice) => this.tell(notice),
  );

  /** `tell`: shows a sentence to the person. */
  constructor(readonly tell: Tell) {}

  get saving(): Saving {
    return this.#saving;
  }
  get kernel(): KernelChanged {
    return this.#kernel;
  }
  get input(): AskedInput | null {
    return this.#input;
  }
  /** What waited or ran when the server stopped, and may run again. */
  get offered(): readonly OfferedCell[] {
    return this.#offered;
  }
  /** Why the notebook's actors are down; empty while they are up. */
  get failed(): string {
    return this.#failed;
  }
  get asked(): ReadonlySet<string> {
    return this.#asked;
  }

  hear(channel: string, method: string, message: JsonObject): void {
    if (channel === 'comms') return this.comms.hear(method, message);
    const body: unknown = message;
    switch (`${channel}.${method}` as keyof Pushes) {
      case 'notebook.saving':
        this.#saving = body as Saving;
        break;
      case 'notebook.notice':
        this.tell(body as Notice);
        break;
      case 'notebook.failed':
        this.#failed = (body as Pushes['notebook.failed']).reason;
        break;
      case 'notebook.queue_offered':
        this.#offered = (body as Pushes['notebook.queue_offered']).cells;
        break;
      case 'kernel.status':
        this.#kernel = body as KernelChanged;
        break;
      case 'kernel.input_request': {
        const { cell_id, request } = body as Pushes['kernel.input_request'];
        this.#input = request === null ? null : { cell_id, ...request };
        break;
      }
    }
  }

  /** Rejects with a {@link RequestError}. */
  async request<M extends keyof Methods>(
    method: M,
    message: Methods[M]['message'],
  ): Promise<Methods[M]['answer']> {
    if (this.room === null) throw new RequestError('lost', 'There is no connection yet.');
    const [channel, name] = method.split('.') as [string, string];
    const answer: unknown = await this.room.request(
      channel,
      name,
      asObject(message),
      method === 'notebook.retry',
    );
    return answer as Methods[M]['answer'];
  }

  /** Ask, and show the refusal. True if the server did it. */
  async ask<M extends keyof Methods>(method: M, message: Methods[M]['message']): Promise<boolean> {
    try {
      await this.request(method, message);
      return true;
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      this.tell({ level: 'error', message: text });
      return false;
    }
  }

  /** Queue cells in this order. */
  run(ids: readonly string[]): void {
    if (this.terms.usual) void this.#queue(ids);
    else void this.#run({ what: 'cells', cells: [...ids], ...this.terms.now });
  }

  /** Queue what this means, seen from a cell: the server knows which cells and in which order. */
  runWhat(what: What, cell = '', restart = false): void {
    void this.#run({ what, cell_id: cell, restart, ...this.terms.now });
  }

  async #run(message: Methods['notebook.run']['message']): Promise<void> {
    try {
      const { cells } = await this.request('notebook.run', message);
      if (message.restart === true) this.tell({ level: 'info', message: RESTARTED });
      if (cells.length === 0) this.tell({ level: 'info', message: 'There is nothing more to run there.' });
    } catch (error) {
      this.tell({ level: 'error', message: error instanceof Error ? error.message : String(error) });
    }
  }

  cancel(id: string): void {
    void this.ask('notebook.cancel_cell', { cell_id: id });
  }
  /** `place` among those that wait, from 1. */
  move(id: string, place: number): void {
    void this.ask('notebook.move_cell', { cell_id: id, place });
  }
  runNext(id: string): void {
    void this.ask('notebook.run_next', { cell_id: id });
  }
  pause(paused: boolean): void {
    void this.ask(paused ? 'notebook.pause' : 'notebook.resume', {});
  }
  async changeKernel(kernel: InstalledKernel): Promise<void> {
    if (await this.ask('kernel.change_kernel', { name: kernel.name }))
      this.tell({ level: 'info', message: `${kernel.display_name} runs this notebook now.` });
  }
  shutDown(): void {
    void this.ask('kernel.shut_down', {});
  }
  /** The kernels that can be chosen; none if the server did not say. */
  async kernels(): Promise<readonly InstalledKernel[]> {
    try {
      return (await this.request('kernel.specs', {})).kernels;
    } catch {
      return [];
    }
  }

  async #queue(ids: readonly string[]): Promise<void> {
    this.#asked = new Set([...this.#asked, ...ids]);
    // All are on their way before the first is answered: the source that runs is the one of now.
    const answers = await Promise.all(ids.map((id) => this.#queueOne(id)));
    this.#asked = new Set([...this.#asked].filter((id) => !ids.includes(id)));
    const refusals = new Set(answers.filter((refusal) => refusal !== null));
    for (const message of refusals) this.tell({ level: 'error', message });
  }

  async #queueOne(id: string): Promise<string | null> {
    try {
      await this.request('notebook.queue_cell', { cell_id: id });
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** Run what is offered; `interrupted`: also what had begun. */
  resume(interrupted: boolean): Promise<boolean> {
    return this.ask('notebook.resume_queue', { interrupted });
  }
  /** Forget what is offered. */
  dismiss(): Promise<boolean> {
    return this.ask('notebook.dismiss_queue', {});
  }

  interrupt(): void {
    void this.ask('kernel.interrupt', {});
  }
  /** Empty the queue, then interrupt the running cell. */
  interruptAll(): void {
    void this.ask('notebook.interrupt_kernel', {});
  }
  /** True once there is a fresh kernel. */
  async restart(): Promise<boolean> {
    const done = await this.ask('kernel.restart_kernel', {});
    if (done) this.tell({ level: 'info', message: RESTARTED });
    return done;
  }
  start(): void {
    void this.ask('kernel.start_kernel', {});
  }
  async checkpoint(): Promise<void> {
    if (await this.ask('notebook.checkpoint', {}))
      this.tell({ level: 'info', message: 'Saved to the file.' });
  }
  retry(): void {
    void this.ask('notebook.retry', {});
  }
  replyInput(value: string, id: string): void {
    void this.ask('kernel.input_reply', { value, id });
  }
}
