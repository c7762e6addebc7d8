import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Comms } from '../../src/doc/comms.svelte';
import type { JsonObject } from '../../src/doc/values';
import { Bridge, modelIdOf } from '../../src/output/widget';

interface Sent {
  method: string;
  message: Record<string, unknown>;
}

let sent: Sent[];
let refuse: string;
let comms: Comms;
let posted: Record<string, unknown>[];
let failures: string[];
let bridge: Bridge;

const b64 = (...bytes: number[]): string => btoa(String.fromCharCode(...bytes));
const opened = (
  comm_id: string,
  state: JsonObject,
  buffer_paths: string[][] = [],
  buffers: string[] = [],
): JsonObject => ({
  comm_id,
  target_name: 'jupyter.widget',
  data: { state, buffer_paths },
  metadata: { version: '2.1.0' },
  buffers,
});
const state = (...all: JsonObject[]): void => comms.hear('state', { comms: all });
const frame = (message: Record<string, unknown>): void => bridge.take({ ganimede: 'comms', ...message });
const settle = (): Promise<void> => new Promise((done) => setTimeout(done));

beforeEach(() => {
  [sent, posted, failures, refuse] = [[], [], [], ''];
  comms = new Comms((method, message) => {
    sent.push({ method, message: message as Record<string, unknown> });
    return refuse === '' ? Promise.resolve({}) : Promise.reject(new Error(refuse));
  });
  comms.link(true);
  comms.want();
  bridge = new Bridge(
    'm',
    comms,
    (message) => posted.push(message as Record<string, unknown>),
    (text) => failures.push(text),
  );
});
afterEach(() => bridge.end());

describe('comms', () => {
  it('asks once a link, and only when somebody wants to know', () => {
    const asked: string[] = [];
    const quiet = new Comms((method) => (asked.push(method), Promise.resolve({})));
    quiet.link(true);
    expect(asked).toEqual([]);
    quiet.want();
    quiet.want();
    expect(asked).toEqual(['comms.subscribe']);
    quiet.link(false);
    quiet.link(true);
    expect(asked).toEqual(['comms.subscribe', 'comms.subscribe']);
  });

  it('folds updates into what it describes, binary parts at their places', () => {
    state(opened('m', { value: 1, image: {} }, [['image', 'data']], [b64(1, 2)]));
    comms.hear('msg', {
      comm_id: 'm',
      data: { method: 'update', state: { value: 2, other: {} }, buffer_paths: [['other', 'x']] },
      metadata: {},
      buffers: [b64(9)],
    });
    const described = comms.describe('m');
    expect(described?.data).toEqual({
      state: { value: 2, image: {}, other: {} },
      buffer_paths: [
        ['image', 'data'],
        ['other', 'x'],
      ],
    });
    expect(described?.buffers.map((each) => [...new Uint8Array(each)])).toEqual([[1, 2], [9]]);
    comms.hear('msg', {
      comm_id: 'm',
      data: { method: 'echo_update', state: { image: null }, buffer_paths: [] },
      metadata: {},
      buffers: [],
    });
    expect(comms.describe('m')?.data['buffer_paths']).toEqual([['other', 'x']]);
  });

  it('forgets what is closed, and everything where the kernel is gone', () => {
    state(opened('m', {}), opened('n', {}));
    comms.hear('close', { comm_id: 'n', data: {} });
    expect([comms.has('m'), comms.has('n')]).toEqual([true, false]);
    state();
    expect(comms.has('m')).toBe(false);
  });
});

describe('the bridge to a frame', () => {
  it('shows its model and describes what is asked for, also before anything is known', () => {
    frame({ do: 'ready' });
    expect(posted).toEqual([{ ganimede: 'comms', do: 'show', comm_id: 'm' }]);
    frame({ do: 'want', comm_id: 'm' });
    expect(posted).toHaveLength(1);
    state(opened('m', { value: 1 }));
    expect(posted[1]).toMatchObject({ do: 'open', comm_id: 'm', data: { state: { value: 1 } } });
    frame({ do: 'want', comm_id: 'nowhere' });
    expect(posted.at(-1)).toEqual({ ganimede: 'comms', do: 'close', comm_id: 'nowhere' });
  });

  it('passes on only what the frame asked for', () => {
    state(opened('m', {}), opened('other', {}));
    frame({ do: 'want', comm_id: 'm' });
    const update = { data: { method: 'update', state: {} }, metadata: {}, buffers: [] };
    comms.hear('msg', { comm_id: 'other', ...update });
    expect(posted).toHaveLength(1);
    comms.hear('msg', { comm_id: 'm', ...update });
    expect(posted[1]).toMatchObject({ do: 'msg', comm_id: 'm' });
  });

  it('lets a frame speak on its own comms alone, and tells it when the kernel has handled that', async () => {
    state(opened('m', { value: 1 }), opened('other', {}));
    sent.length = 0;
    frame({ do: 'msg', comm_id: 'other', msg_id: 'x', data: {} });
    frame({ do: 'want', comm_id: 'm' });
    frame({ do: 'msg', comm_id: 'm', msg_id: 'not an id!', data: {} });
    expect(sent).toEqual([]);
    const data = { method: 'update', state: { value: 5 }, buffer_paths: [] };
    frame({ do: 'msg', comm_id: 'm', msg_id: 'a1', data, buffers: [new Uint8Array([7]).buffer] });
    expect(sent).toMatchObject([{ method: 'comms.msg', message: { comm_id: 'm', buffers: [b64(7)] } }]);
    expect(comms.describe('m')?.data['state']).toEqual({ value: 5 });
    comms.hear('idle', { parent: 'somebody-elses' });
    comms.hear('idle', { parent: 'a1' });
    expect(posted.filter((each) => each['do'] === 'idle')).toEqual([
      { ganimede: 'comms', do: 'idle', parent: 'a1' },
    ]);
    await settle();
    expect(failures).toEqual([]);
  });

  it('says why a message was refused, and waits for it no longer', async () => {
    state(opened('m', {}));
    frame({ do: 'want', comm_id: 'm' });
    refuse = 'There is no kernel.';
    frame({ do: 'msg', comm_id: 'm', msg_id: 'a1', data: {} });
    await settle();
    expect(failures).toEqual(['There is no kernel.']);
    expect(posted.at(-1)).toMatchObject({ do: 'idle', parent: 'a1' });
    state(opened('m', {}));
    expect(failures.at(-1)).toBe('');
  });

  it('is brought up to date, or told of the end, when the link is back', () => {
    state(opened('m', { value: 1 }), opened('part', {}));
    for (const comm_id of ['m', 'part']) frame({ do: 'want', comm_id });
    frame({ do: 'msg', comm_id: 'm', msg_id: 'a1', data: {} });
    posted.length = 0;
    state(opened('m', { value: 9 }));
    expect(posted.map((each) => [each['do'], each['comm_id'] ?? each['parent']])).toEqual([
      ['idle', 'a1'],
      ['msg', 'm'],
      ['close', 'part'],
    ]);
    expect(posted[1]).toMatchObject({ data: { method: 'update', state: { value: 9 } } });
  });

  it('takes anything that a frame may say', () => {
    const odd: unknown[] = [
      null,
      3,
      'x',
      [],
      { ganimede: 'comms' },
      { ganimede: 'comms', do: 'want', comm_id: 3 },
    ];
    for (const each of odd) bridge.take(each);
    frame({ do: 'want', comm_id: 'with space' });
    frame({ do: 'failed', text: 'x'.repeat(1000) });
    expect(posted).toEqual([]);
    expect(failures[0]).toHaveLength(300);
    expect(modelIdOf({ model_id: 'abc' })).toBe('abc');
    expect([modelIdOf(null), modelIdOf({ model_id: 1 }), modelIdOf({ model_id: '' })]).toEqual([
      null,
      null,
      null,
    ]);
  });
});
