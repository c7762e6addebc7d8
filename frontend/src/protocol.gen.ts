// Generated from protocol/wire.py and protocol/answers.py by `make format`: change those, not this.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export interface QueueCellFields {
  cell_id: string;
}

/** what runs, seen from cell_id, or cells: as in protocol/selection.py. restart: in a fresh kernel. The rest: what an error does to what waits, and how long a cell, and all of them, may take. */
export interface RunFields {
  what: 'above' | 'all' | 'below' | 'cells' | 'downstream' | 'tissue' | 'to';
  cell_id?: string;
  cells?: readonly string[];
  restart?: boolean;
  stop_on_error?: boolean;
  cell_seconds?: number | null;
  run_seconds?: number | null;
}

export interface CellFields {
  cell_id: string;
}

/** place among those that wait, from 1; beyond the end: the last. */
export interface MoveFields {
  cell_id: string;
  place: number;
}

/** interrupted: also what had begun when the server stopped, not only what waited. */
export interface ResumeQueueFields {
  interrupted?: boolean;
}

/** cells: null means every cell. */
export interface ClearOutputsFields {
  cells?: readonly string[] | null;
}

/** id: of one that notebook.versions lists. */
export interface RestoreVersionFields {
  id: number;
}

/** name: an installed kernelspec; without it the notebook's own. */
export interface StartKernelFields {
  name?: string;
}

/** name: an installed kernelspec. */
export interface ChangeKernelFields {
  name: string;
}

/** id: of the question that is answered; without it whatever asks now. */
export interface InputReplyFields {
  value: string;
  id?: string;
}

/** What could stand at cursor_pos. */
export interface Complete {
  code: string;
  cursor_pos: number;
}

/** What the name at cursor_pos is; detail_level 1 asks for its source too. */
export interface Inspect {
  code: string;
  cursor_pos: number;
  detail_level?: 0 | 1;
}

/** Whether code could be run as it is. */
export interface IsComplete {
  code: string;
}

/** The last n inputs of this user's kernels; pattern: with * and ?, those that match it. */
export interface History {
  n?: number;
  pattern?: string;
  unique?: boolean;
}

/** buffers: binary parts of the message, in base64. */
export interface OpenComm {
  comm_id: string;
  target_name: string;
  data?: { [key: string]: Json };
  metadata?: { [key: string]: Json };
  buffers?: readonly string[];
  msg_id?: string;
}

export interface SendComm {
  comm_id: string;
  data?: { [key: string]: Json };
  metadata?: { [key: string]: Json };
  buffers?: readonly string[];
  msg_id?: string;
}

export interface CloseComm {
  comm_id: string;
  data?: { [key: string]: Json };
  msg_id?: string;
}

export interface KillFields {
  actor: string;
}

/** The notebook (SPEC.md, W-7). kernel: what the document's kernel Map holds, nothing before the first report. */
export interface Summary {
  path: string;
  epoch: string;
  cells: number;
  clients: number;
  saving: Saving;
  kernel: { [key: string]: Json };
  running: string | null;
  queued: readonly string[];
  offered: readonly OfferedCell[];
  input: AskedInput | null;
}

/** Where the work stands. reason is a sentence, set when the status is "not saved". */
export interface Saving {
  status: 'not saved' | 'saved' | 'saving';
  reason: string;
}

/** A cell that waited, or (interrupted) ran, when the server stopped. source_crc: the CRC-32 of what it said when it was queued, in UTF-8, which tells whether it has changed since. */
export interface OfferedCell {
  cell_id: string;
  who: string;
  interrupted: boolean;
  source_crc: number;
}

/** The input() that waits now. cell_id: the running cell, if it still runs. */
export interface AskedInput {
  cell_id: string | null;
  id: string;
  prompt: string;
  password: boolean;
}

/** The cells that wait because of it, in order; those that waited or ran already are not among them. */
export interface QueuedCells {
  cells: readonly string[];
}

/** cells: which had something to clear. running: which keep it, since their run still writes there. */
export interface ClearedOutputs {
  cells: readonly string[];
  running: readonly string[];
}

export interface Saved {
  status: 'saved';
}

/** What runs, in the order of the tree. journal: its size in bytes; killable: by chaos.kill. */
export interface Actors {
  actors: readonly ActorState[];
  journal: number;
  killable: boolean;
}

/** incarnation counts from 1, so one more than its restarts; reason: its last crash, in words. */
export interface ActorState {
  name: string;
  state: 'failed' | 'restarting' | 'starting' | 'stopped' | 'up';
  incarnation: number;
  reason: string;
}

/** What restore_version takes, the newest first. */
export interface Versions {
  versions: readonly Version[];
}

/** What the notebook was once. time: seconds since 1970. size: of the file, in bytes. */
export interface Version {
  id: number;
  time: number;
  reason: 'autosave' | 'before merge' | 'before restore' | 'file' | 'merge' | 'opened' | 'save';
  cells: number;
  size: number;
}

/** matches would replace code[cursor_start:cursor_end]. metadata: what the kernel adds, such as _jupyter_types_experimental. */
export interface Completions {
  matches: readonly string[];
  cursor_start: number;
  cursor_end: number;
  metadata: { [key: string]: Json };
}

/** data: a mime bundle, empty unless found. */
export interface Inspection {
  found: boolean;
  data: { [key: string]: Json };
  metadata: { [key: string]: Json };
}

/** indent: what the next line should begin with, if it is incomplete. */
export interface Completeness {
  status: 'complete' | 'incomplete' | 'invalid' | 'unknown';
  indent: string;
}

/** history: (session, line, input), oldest first. */
export interface Past {
  history: readonly (readonly [number, number, string])[];
}

/** A kernel_info_reply; empty strings where the kernel is silent. */
export interface AboutKernel {
  implementation: string;
  implementation_version: string;
  banner: string;
  protocol_version: string;
  language_info: { [key: string]: Json };
  help_links: readonly Json[];
  supported_features: readonly Json[];
}

/** Names that start_kernel and change_kernel take; kernels: with what people call them. */
export interface KernelSpecs {
  kernelspecs: readonly string[];
  kernels: readonly InstalledKernel[];
}

/** A kernelspec that may be started. language as its kernel.json has it. */
export interface InstalledKernel {
  name: string;
  display_name: string;
  language: string;
}

/** Encoded by msgspec it is the document of the contract, key by key; also what GET /config answers. */
export interface ConfigDocument {
  monaco: Monaco;
  outputs: Outputs;
  grid: Grid;
}

/** The text editor. The key keeps the name that clients know. */
export interface Monaco {
  fontSize: number;
  lineNumbers: 'off' | 'on' | 'relative';
}

export interface Outputs {
  fontSize: number;
}

export interface Grid {
  snap: Snap;
}

export interface Snap {
  x: number;
  y: number;
}

export interface Pong {
  pong: true;
}

/** Something for people, pushed to every client as a text message on channel notebook. */
export interface Notice {
  code: string;
  message: string;
  level: 'error' | 'info' | 'warning';
}

/** The notebook's actors gave up; an empty reason: they run again. */
export interface Failed {
  reason: string;
}

/** Pushed to every client when it changes: what may be run again after a restart of the server, in order. */
export interface QueueOffered {
  cells: readonly OfferedCell[];
}

/** Pushed to every client when the kernel's status changes. */
export interface KernelChanged {
  status: 'none' | 'starting' | 'idle' | 'busy' | 'interrupting' | 'not responding' | 'restarting' | 'dead';
  reason: string;
  name: string;
}

/** Pushed to every client: the running cell waits for input(); None: it does no longer. */
export interface InputAsked {
  cell_id: string;
  request: InputRequest | null;
}

/** The kernel waits for input(). id names this question. */
export interface InputRequest {
  id: string;
  prompt: string;
  password: boolean;
}

/** buffers: binary values, base64 in JSON. parent: the msg_id of the client's message that caused it, else empty. */
export interface OpenedComm {
  comm_id: string;
  target_name: string;
  data: { [key: string]: Json };
  metadata: { [key: string]: Json };
  buffers: readonly string[];
  parent: string;
}

/** All that are open: whatever a client knew before is void. */
export interface OpenComms {
  comms: readonly OpenedComm[];
}

export interface SaidOnComm {
  comm_id: string;
  data: { [key: string]: Json };
  metadata: { [key: string]: Json };
  buffers: readonly string[];
  parent: string;
}

export interface ClosedComm {
  comm_id: string;
  data: { [key: string]: Json };
  parent: string;
}

/** The kernel has handled the client's message parent. */
export interface CommIdle {
  parent: string;
}

/** What the client's message parent made the kernel put out and nothing shows (stray_outputs.py). */
export interface StrayOutput {
  parent: string;
  kind: string;
  text: string;
}

/** The error of an answer. code is for programs, message a sentence for people. */
export interface Refusal {
  code: string;
  message: string;
}

export interface Methods {
  /** The notebook's summary. */
  'notebook.get': { message: Record<string, never>; answer: Summary };
  /** Append a cell to the run queue. */
  'notebook.queue_cell': { message: QueueCellFields; answer: Record<string, never> };
  /** Queue many cells: all, above, below, a tissue, downstream, …. */
  'notebook.run': { message: RunFields; answer: QueuedCells };
  /** Let a cell run before all that wait. */
  'notebook.run_next': { message: CellFields; answer: Record<string, never> };
  /** Take a waiting cell out of the run queue. */
  'notebook.cancel_cell': { message: CellFields; answer: Record<string, never> };
  /** Give a waiting cell another place in the run queue. */
  'notebook.move_cell': { message: MoveFields; answer: Record<string, never> };
  /** Let no further cell begin. */
  'notebook.pause': { message: Record<string, never>; answer: Record<string, never> };
  /** Let the run queue go on. */
  'notebook.resume': { message: Record<string, never>; answer: Record<string, never> };
  /** Run what waited or ran when the server stopped. */
  'notebook.resume_queue': { message: ResumeQueueFields; answer: Record<string, never> };
  /** Forget what waited or ran when the server stopped. */
  'notebook.dismiss_queue': { message: Record<string, never>; answer: Record<string, never> };
  /** Take away what cells put out. */
  'notebook.clear_outputs': { message: ClearOutputsFields; answer: ClearedOutputs };
  /** Empty the queue, then interrupt the running cell. */
  'notebook.interrupt_kernel': { message: Record<string, never>; answer: Record<string, never> };
  /** Write the file; answered when the bytes are on disk. */
  'notebook.checkpoint': { message: Record<string, never>; answer: Saved };
  /** Every actor's state, and the journal's size. */
  'notebook.actors': { message: Record<string, never>; answer: Actors };
  /** Start a failed notebook's actors again. */
  'notebook.retry': { message: Record<string, never>; answer: Record<string, never> };
  /** The last saves and merges, the newest first. */
  'notebook.versions': { message: Record<string, never>; answer: Versions };
  /** Bring a version back, as edits. */
  'notebook.restore_version': { message: RestoreVersionFields; answer: Record<string, never> };
  /** Interrupt the running cell; the queue goes on. */
  'kernel.interrupt': { message: Record<string, never>; answer: Record<string, never> };
  /** Restart; the running cell ends, queued cells go idle. */
  'kernel.restart_kernel': { message: Record<string, never>; answer: Record<string, never> };
  /** Start a kernel if none runs. */
  'kernel.start_kernel': { message: StartKernelFields; answer: Record<string, never> };
  /** Another kind of kernel, from now on. */
  'kernel.change_kernel': { message: ChangeKernelFields; answer: Record<string, never> };
  /** End the kernel; queued cells go idle. */
  'kernel.shut_down': { message: Record<string, never>; answer: Record<string, never> };
  /** Answer the running cell's input(). */
  'kernel.input_reply': { message: InputReplyFields; answer: Record<string, never> };
  /** What could stand at a place in code. */
  'kernel.complete': { message: Complete; answer: Completions };
  /** What the name at a place in code is. */
  'kernel.inspect': { message: Inspect; answer: Inspection };
  /** Whether code could be run as it is. */
  'kernel.is_complete': { message: IsComplete; answer: Completeness };
  /** Inputs of this and earlier kernels. */
  'kernel.history': { message: History; answer: Past };
  /** What the kernel said of itself when it started. */
  'kernel.info': { message: Record<string, never>; answer: AboutKernel };
  /** The installed kernelspecs that may be started. */
  'kernel.specs': { message: Record<string, never>; answer: KernelSpecs };
  /** The configuration, as GET /config. */
  'config.get': { message: Record<string, never>; answer: ConfigDocument };
  /** Pong. */
  'comms.ping': { message: Record<string, never>; answer: Pong };
  /** Hear of the kernel's comms: what is open now, then each change. */
  'comms.subscribe': { message: Record<string, never>; answer: Record<string, never> };
  /** Open a comm to the kernel. */
  'comms.open': { message: OpenComm; answer: Record<string, never> };
  /** Say something on a comm. */
  'comms.msg': { message: SendComm; answer: Record<string, never> };
  /** Close a comm. */
  'comms.close': { message: CloseComm; answer: Record<string, never> };
  /** Kill a named actor (only with --chaos). */
  'chaos.kill': { message: KillFields; answer: Record<string, never> };
  /** Every actor's state (only with --chaos). */
  'chaos.tree': { message: Record<string, never>; answer: { [key: string]: Json } };
}

/** What the server says by itself, and once to each new connection. */
export interface Pushes {
  'notebook.saving': Saving;
  'notebook.notice': Notice;
  'notebook.failed': Failed;
  'notebook.queue_offered': QueueOffered;
  'kernel.status': KernelChanged;
  'kernel.input_request': InputAsked;
  'comms.open': OpenedComm;
  'comms.state': OpenComms;
  'comms.msg': SaidOnComm;
  'comms.close': ClosedComm;
  'comms.idle': CommIdle;
  'comms.output': StrayOutput;
}

/** Methods that are answered also without an id. */
export const ALWAYS_ANSWERED: readonly string[] = ["notebook.get", "notebook.actors", "kernel.specs", "config.get", "comms.ping", "chaos.tree"];
