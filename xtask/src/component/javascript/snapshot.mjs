// Loads a program into its engine and writes down the outcome: the same bytes for the same program, always.
//
// componentize-js has the program `wizer` do that: it runs the initialisation of a WebAssembly module and turns memory and
// globals into the initial state of a new module. Wizer gives the initialisation real time, real randomness and the names
// of temporary folders, and all of them end up in the component. This does the same work without them. `hook.mjs` puts it
// into the place of wizer.
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { WASI } from 'node:wasi';

// Where a temporary folder of componentize-js seems to be.
const BINDINGS = '/bindings';

// Identifiers of sections and kinds (WebAssembly 2.0, section 5.5).
const SECTION = { memory: 5, global: 6, export: 7, start: 8, data: 11, dataCount: 12 };
const KIND_GLOBAL = 3;
const PAGE_BYTES = 65536;

// Zeros that are written out because a new segment would take more.
const GAP_BYTES = 8;

// Runs the module that wizer's arguments name. `input` is standard input.
export function snapshotInstead(args, input, env) {
  const values = (name) => args.filter((arg) => arg.startsWith(name)).map((arg) => arg.slice(name.length));
  const folders = values('--dir=');
  const preopens = Object.fromEntries(values('--mapdir=').map((mapping) => mapping.split('::')));
  if (folders.length > 1) {
    throw new Error(`expected one folder, found ${folders.join(', ')}`);
  }
  for (const folder of folders) {
    preopens[BINDINGS] = folder;
    input = input.replaceAll(folder, BINDINGS);
  }
  // Sources lie at the top of the folder that is mapped there; whatever its name is, it is no part of theirs.
  input = input.replace(/--strip-path-prefix \S+/, '--strip-path-prefix /');
  const module = new ModuleBytes(readFileSync(args.at(-1)));
  const state = initialise(module, args[args.indexOf('--init-func') + 1], { input, env, preopens });
  writeFileSync(values('-o=')[0], module.withState(state));
}

// A module that is taken apart as far as a snapshot has to change it.
export class ModuleBytes {
  constructor(bytes) {
    this.bytes = bytes;
    this.sections = [];
    const reader = new Reader(bytes, 8);
    while (reader.at < bytes.length) {
      const id = reader.byte();
      const length = reader.unsigned();
      this.sections.push({ id, start: reader.at, end: reader.at + length });
      reader.at += length;
    }
    this.globals = this.#list(SECTION.global, readGlobal);
    this.exports = this.#list(SECTION.export, readExport);
    this.memories = this.#list(SECTION.memory, readMemory);
    this.#refuseOthers();
  }

  // The same module, with every global that changes among its exports.
  instrumented() {
    const globals = this.globals.flatMap((global, index) =>
      global.isMutable ? [{ name: globalName(index), kind: KIND_GLOBAL, index }] : [],
    );
    return this.#rebuilt({ [SECTION.export]: writeExports([...this.exports, ...globals]) });
  }

  // The module that begins where the initialisation ended. `globals` are their values, by index.
  withState({ memory, globals, initFunctions }) {
    const segments = [...nonZero(memory)];
    const kept = this.exports.filter(({ name }) => !initFunctions.includes(name));
    return this.#rebuilt({
      [SECTION.memory]: vector([this.memories[0].withPages(memory.length / PAGE_BYTES)]),
      [SECTION.global]: vector(
        this.globals.map((global, index) =>
          global.isMutable ? writeGlobal(global, globals[index]) : this.bytes.subarray(global.start, global.end),
        ),
      ),
      [SECTION.export]: writeExports(kept),
      [SECTION.start]: undefined,
      [SECTION.dataCount]: unsigned(segments.length),
      [SECTION.data]: vector(segments.map(([start, end]) => writeSegment(start, memory.subarray(start, end)))),
    });
  }

  #list(id, readItem) {
    const section = this.sections.find((section) => section.id === id);
    if (!section) {
      return [];
    }
    const reader = new Reader(this.bytes, section.start);
    return Array.from({ length: reader.unsigned() }, () => readItem(reader));
  }

  // What the engine does not have, and what would need more than this does.
  #refuseOthers() {
    if (this.memories.length !== 1) {
      throw new Error(`expected one memory, found ${this.memories.length}`);
    }
    const passive = this.#list(SECTION.data, readSegmentMode).filter((mode) => mode === 1);
    if (passive.length > 0) {
      throw new Error('expected data that is in memory from the start, found some that code puts there');
    }
  }

  // With these sections instead; those that are undefined are left out.
  #rebuilt(replaced) {
    const parts = [this.bytes.subarray(0, 8)];
    for (const { id, start, end } of this.sections) {
      const body = id in replaced ? replaced[id] : this.bytes.subarray(start, end);
      if (body) {
        parts.push(Buffer.from([id]), unsigned(body.length), body);
      }
    }
    return Buffer.concat(parts);
  }
}

// Runs `_initialize` and the function `init`, and returns what they left behind.
export function initialise(module, init, { input, env, preopens }) {
  const compiled = new WebAssembly.Module(module.instrumented());
  const foreign = WebAssembly.Module.imports(compiled).filter(({ kind }) => kind !== 'function');
  if (foreign.length > 0) {
    throw new Error(`expected imported functions, found a ${foreign[0].kind}`);
  }
  const folder = mkdtempSync(join(tmpdir(), 'snapshot-'));
  writeFileSync(join(folder, 'input'), input);
  const stdin = openSync(join(folder, 'input'));
  try {
    const wasi = new WASI({ version: 'preview1', args: [], env, preopens, stdin });
    const outside = {};
    const instance = new WebAssembly.Instance(compiled, importsOf(compiled, wasi, outside));
    outside.memory = instance.exports.memory;
    wasi.initialize({ exports: { memory: outside.memory, _initialize: instance.exports._initialize } });
    instance.exports[init]();
    const globals = module.globals.map((global, index) => instance.exports[globalName(index)]?.value);
    const initFunctions = ['_initialize', init];
    return { memory: new Uint8Array(outside.memory.buffer), globals, initFunctions };
  } finally {
    closeSync(stdin);
    rmSync(folder, { recursive: true });
  }
}

function importsOf(compiled, wasi, outside) {
  const fixed = fixedFunctions(wasi.wasiImport, () => new DataView(outside.memory.buffer));
  const imports = {};
  for (const { module, name } of WebAssembly.Module.imports(compiled)) {
    const refuse = () => {
      throw new Error(`${module} ${name} was called while the program was loaded: call it later`);
    };
    const isFile = module === 'wasi_snapshot_preview1';
    imports[module] ??= {};
    imports[module][name] = isFile ? (fixed[name] ?? wasi.wasiImport[name]) : refuse;
  }
  return imports;
}

// Functions of `wasi_snapshot_preview1` whose answers would be others tomorrow.
function fixedFunctions({ path_filestat_get, fd_filestat_get }, view) {
  let drawn = 1n;
  let time = 0n;
  // The device, the inode, and the times of access, change and creation, by their places in a `filestat`.
  const withoutPlaceAndTime = (errno, pointer) => {
    [0, 8, 40, 48, 56].forEach((field) => errno === 0 && view().setBigUint64(pointer + field, 0n, true));
    return errno;
  };
  return {
    random_get(pointer, length) {
      for (let at = pointer; at < pointer + length; at += 1) {
        // Knuth's MMIX generator: loops that wait for different numbers end.
        drawn = BigInt.asUintN(64, drawn * 6364136223846793005n + 1442695040888963407n);
        view().setUint8(at, Number(drawn >> 56n));
      }
      return 0;
    },
    clock_time_get(clock, precision, pointer) {
      // Loops that wait for time to pass end too.
      time += 1000n;
      view().setBigUint64(pointer, time, true);
      return 0;
    },
    path_filestat_get: (fd, flags, path, length, pointer) =>
      withoutPlaceAndTime(path_filestat_get(fd, flags, path, length, pointer), pointer),
    fd_filestat_get: (fd, pointer) => withoutPlaceAndTime(fd_filestat_get(fd, pointer), pointer),
    proc_exit(status) {
      throw new Error(`the engine ended with status ${status}`);
    },
  };
}

// Ranges of memory without longer runs of zeros in them.
function* nonZero(memory) {
  let start = -1;
  let end = 0;
  for (let at = 0; at < memory.length; at += 1) {
    if (memory[at] === 0) {
      continue;
    }
    if (start >= 0 && at - end > GAP_BYTES) {
      yield [start, end];
      start = -1;
    }
    start = start < 0 ? at : start;
    end = at + 1;
  }
  if (start >= 0) {
    yield [start, end];
  }
}

class Reader {
  constructor(bytes, at) {
    this.bytes = bytes;
    this.at = at;
  }

  byte() {
    return this.bytes[this.at++];
  }

  // LEB128 of at most 32 bits; multiplied, because shifts are signed.
  unsigned() {
    let value = 0;
    for (let weight = 1; ; weight *= 128) {
      const byte = this.byte();
      value += (byte & 127) * weight;
      if (byte < 128) {
        return value;
      }
    }
  }

  skipNumber() {
    while (this.byte() >= 128);
  }

  // A constant expression, to its end.
  skipExpression() {
    for (let opcode = this.byte(); opcode !== 0x0b; opcode = this.byte()) {
      switch (opcode) {
        case 0x41: // i32.const
        case 0x42: // i64.const
        case 0x23: // global.get
        case 0xd2: // ref.func
        case 0xd0: // ref.null
          this.skipNumber();
          break;
        case 0x43: // f32.const
          this.at += 4;
          break;
        case 0x44: // f64.const
          this.at += 8;
          break;
        default:
          throw new Error(`unknown instruction ${opcode} in a constant expression`);
      }
    }
  }
}

function readGlobal(reader) {
  const start = reader.at;
  const type = reader.byte();
  const isMutable = reader.byte() === 1;
  reader.skipExpression();
  return { type, isMutable, start, end: reader.at };
}

function readExport(reader) {
  const length = reader.unsigned();
  const name = reader.bytes.subarray(reader.at, reader.at + length).toString();
  reader.at += length;
  return { name, kind: reader.byte(), index: reader.unsigned() };
}

function readMemory(reader) {
  const flags = reader.byte();
  if (flags > 1) {
    throw new Error('expected an ordinary memory, found one that is shared or of 64 bits');
  }
  reader.unsigned();
  const maximum = flags === 1 ? unsigned(reader.unsigned()) : Buffer.alloc(0);
  return { withPages: (pages) => Buffer.concat([Buffer.from([flags]), unsigned(pages), maximum]) };
}

// The mode of a segment; moves on to the next.
function readSegmentMode(reader) {
  const mode = reader.unsigned();
  if (mode === 2) {
    reader.unsigned();
  }
  if (mode !== 1) {
    reader.skipExpression();
  }
  const length = reader.unsigned();
  reader.at += length;
  return mode;
}

function writeGlobal({ type }, value) {
  const constants = { 0x7f: [0x41, () => signed(value)], 0x7e: [0x42, () => signed(value)] };
  if (!(type in constants)) {
    throw new Error(`expected a global that is a whole number, found type ${type}`);
  }
  const [opcode, encode] = constants[type];
  return Buffer.concat([Buffer.from([type, 1, opcode]), encode(), Buffer.from([0x0b])]);
}

function writeExports(list) {
  return vector(
    list.map(({ name, kind, index }) => {
      const text = Buffer.from(name);
      return Buffer.concat([unsigned(text.length), text, Buffer.from([kind]), unsigned(index)]);
    }),
  );
}

function writeSegment(start, bytes) {
  // Addresses are unsigned, constants are signed.
  return Buffer.concat([Buffer.from([0, 0x41]), signed(start | 0), Buffer.from([0x0b]), unsigned(bytes.length), bytes]);
}

function vector(items) {
  return Buffer.concat([unsigned(items.length), ...items]);
}

function unsigned(value) {
  const bytes = [];
  for (; value >= 128; value = Math.floor(value / 128)) {
    bytes.push((value % 128) | 128);
  }
  return Buffer.from([...bytes, value]);
}

function signed(value) {
  const bytes = [];
  for (let rest = BigInt(value); ; rest >>= 7n) {
    const low = Number(rest & 127n);
    if (rest >= -64n && rest < 64n) {
      return Buffer.from([...bytes, low]);
    }
    bytes.push(low | 128);
  }
}

function globalName(index) {
  return `snapshot global ${index}`;
}
