/** Everyone who is compared, in the order of the tables; what they are called there. */
export const contestantNames: Record<string, string> = {
  'c-path': 'C, vfork + exec by path',
  'c-memfd': 'C, from a sealed memfd',
  spawn: 'child_process.spawn',
  execFile: 'execFile, promisified',
  execa: 'execa 9',
  'node-pty': 'node-pty',
  'dobby-onread': 'dobby-runc, one kept buffer',
  'dobby-path': "dobby-runc, direct: 'off', by path",
  'dobby-cli': "dobby-runc, direct: 'off'",
  'dobby-uncached': 'dobby-runc, createCache: false',
  dobby: 'dobby-runc',
  'dobby-thread': 'dobby-runc, spawn on its thread',
  'dobby-loop': 'dobby-runc, spawn on the loop',
  node: 'Node alone',
};

export const baselines = ['c-path', 'c-memfd'] as const;
/** Ways a Node program has of calling the runtime's command line. */
export const commandLineCallers = ['spawn', 'execFile', 'execa'] as const;
export const ours = ['dobby-path', 'dobby-cli', 'dobby'] as const;
export const ourSpawns = ['dobby-thread', 'dobby-loop'] as const;
