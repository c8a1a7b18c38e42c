// Loaded into every Node that a build starts. Does the work of `wizer` where componentize-js would start it.
import childProcess from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';
import { basename } from 'node:path';

import { snapshotInstead } from './snapshot.mjs';

const { spawnSync } = childProcess;

childProcess.spawnSync = (program, args, options) => {
  if (basename(String(program)) !== 'wizer') {
    return spawnSync(program, args, options);
  }
  try {
    snapshotInstead(args, options.input, options.env);
    return { status: 0, signal: null, stdout: '', stderr: '' };
  } catch (error) {
    return { status: 1, signal: null, stdout: '', stderr: `${error?.stack ?? error}\n` };
  }
};
// Those who import `spawnSync` by name get this one too.
syncBuiltinESMExports();
