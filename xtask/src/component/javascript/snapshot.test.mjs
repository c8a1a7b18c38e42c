import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { ModuleBytes, initialise, snapshotInstead } from './snapshot.mjs';

const NOTHING = { input: '', env: {}, preopens: {} };

const unsigned = (value) => (value < 128 ? [value] : [(value % 128) | 128, ...unsigned(Math.floor(value / 128))]);
const text = (name) => [...unsigned(name.length), ...Buffer.from(name)];
const section = (id, ...items) => {
  const body = [...unsigned(items.length), ...items.flat()];
  return [id, ...unsigned(body.length), ...body];
};

// (module
//   (import "wasi_snapshot_preview1" "random_get" (func (param i32 i32) (result i32)))
//   (import "wasi_snapshot_preview1" "clock_time_get" (func (param i32 i64 i32) (result i32)))
//   (import "elsewhere" "call" (func))
//   (memory 1) (global (mut i32) (i32.const 7)) (global (mut i64) (i64.const 0)) (global i32 (i32.const 9))
//   (func (export "init") INIT) (func (export "read") (result i32) (global.get 0)) (data (i32.const 1) "ab") (data (i32.const 5) "c"))
function example(init, { mode = [0, 0x41, 5, 0x0b], memories = [[0, 1]] } = {}) {
  const code = (...body) => [...unsigned(body.length + 2), 0, ...body, 0x0b];
  return Buffer.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [0x60, 2, 0x7f, 0x7f, 1, 0x7f], [0x60, 3, 0x7f, 0x7e, 0x7f, 1, 0x7f], [0x60, 0, 0], [0x60, 0, 1, 0x7f]),
    ...section(
      2,
      [...text('wasi_snapshot_preview1'), ...text('random_get'), 0, 0],
      [...text('wasi_snapshot_preview1'), ...text('clock_time_get'), 0, 1],
      [...text('elsewhere'), ...text('call'), 0, 2],
    ),
    ...section(3, [2], [3]),
    ...section(5, ...memories),
    ...section(6, [0x7f, 1, 0x41, 7, 0x0b], [0x7e, 1, 0x42, 0, 0x0b], [0x7f, 0, 0x41, 9, 0x0b]),
    ...section(7, [...text('memory'), 2, 0], [...text('init'), 0, 3], [...text('read'), 0, 4]),
    ...section(10, code(...init), code(0x23, 0)),
    ...section(11, [0, 0x41, 1, 0x0b, 2, 0x61, 0x62], [...mode, 1, 0x63]),
  ]);
}

// global0 = -70000; global1 = -1; memory[40] = 5; memory grows by a page
const CHANGES = [
  ...[0x41, 0x90, 0xdd, 0x7b, 0x24, 0],
  ...[0x42, 0x7f, 0x24, 1],
  ...[0x41, 40, 0x41, 5, 0x3a, 0, 0],
  ...[0x41, 1, 0x40, 0, 0x1a],
];
// random_get(8, 8); clock_time_get(0, 0, 24)
const LEARNS = [...[0x41, 8, 0x41, 8, 0x10, 0, 0x1a], ...[0x41, 0, 0x42, 0, 0x41, 24, 0x10, 1, 0x1a]];

function snapshot(init) {
  const module = new ModuleBytes(example(init));
  return module.withState(initialise(module, 'init', NOTHING));
}

function started(bytes) {
  const nothing = () => 0;
  const imports = { wasi_snapshot_preview1: { random_get: nothing, clock_time_get: nothing }, elsewhere: { call: nothing } };
  return new WebAssembly.Instance(new WebAssembly.Module(bytes), imports).exports;
}

test('a snapshot begins where the initialisation ended', () => {
  const exports = started(snapshot(CHANGES));
  assert.deepEqual(Object.keys(exports).sort(), ['memory', 'read']);
  assert.equal(exports.read(), -70000);
  assert.equal(exports.memory.buffer.byteLength, 2 * 65536);
  const memory = new Uint8Array(exports.memory.buffer);
  assert.deepEqual([...memory.subarray(0, 6), memory[40]], [0, 0x61, 0x62, 0, 0, 0x63, 5]);
  assert.equal(memory.reduce((sum, byte) => sum + byte, 0), 0x61 + 0x62 + 0x63 + 5);
});

test('time and randomness are the same every time', () => {
  const [one, other] = [snapshot(LEARNS), snapshot(LEARNS)];
  assert.deepEqual(one, other);
  const memory = new DataView(started(one).memory.buffer);
  assert.notEqual(memory.getBigUint64(8, true), 0n);
  assert.equal(memory.getBigUint64(24, true), 1000n);
});

test('numbers of every size are written as they are', () => {
  for (const value of [0, 63, 64, -64, -65, 127, 128, 2 ** 31 - 1, -(2 ** 31)]) {
    const module = new ModuleBytes(example([]));
    const state = initialise(module, 'init', NOTHING);
    const bytes = module.withState({ ...state, globals: [value, 0n, undefined] });
    assert.equal(started(bytes).read(), value);
  }
});

test('what the guest would have to answer is not called while a program is loaded', () => {
  assert.throws(() => snapshot([0x10, 2]), /elsewhere call was called while the program was loaded/);
});

test('modules that need more than a snapshot are refused', () => {
  assert.throws(() => new ModuleBytes(example([], { mode: [1] })), /that code puts there/);
  assert.throws(() => new ModuleBytes(example([], { memories: [[0, 1], [0, 1]] })), /expected one memory, found 2/);
  assert.throws(() => new ModuleBytes(example([], { memories: [[3, 1, 1]] })), /ordinary memory/);
});

test('arguments are those of wizer', () => {
  const folder = mkdtempSync(join(tmpdir(), 'snapshot-test-'));
  try {
    const [from, to] = [join(folder, 'in.wasm'), join(folder, 'out.wasm')];
    writeFileSync(from, example(CHANGES));
    snapshotInstead(['--allow-wasi', '--init-func', 'init', `--dir=${folder}`, `-o=${to}`, from], '', {});
    assert.equal(started(readFileSync(to)).read(), -70000);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
