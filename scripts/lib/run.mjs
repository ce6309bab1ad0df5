// Starting programs from the scripts: what is run is said, and what failed is shown in full.
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const repositoryRoot = path.resolve(fileURLToPath(import.meta.url), '../../..');

export const isRoot = process.getuid?.() === 0;

/** One line for the reader; everything the scripts do themselves is said through this. */
export function say(line) {
  process.stdout.write(`${line}\n`);
}

/** Ends the script with a sentence for people: no stack. */
export class Stop extends Error {}

export function runMain(main) {
  main().then(
    (code) => {
      process.exitCode = code ?? 0;
    },
    (error) => {
      process.stderr.write(`${error instanceof Stop ? error.message : error.stack}\n`);
      process.exitCode = 1;
    },
  );
}

// A user's or cron's PATH often lacks the sbin directories, where runc and mount helpers are.
export const searchPath = [...(process.env.PATH ?? '').split(':'), '/usr/local/sbin', '/usr/sbin', '/sbin']
  .filter((directory, index, all) => directory !== '' && all.indexOf(directory) === index)
  .join(':');

/** The absolute path of a program, or undefined. */
export function findProgram(name) {
  for (const directory of searchPath.split(':')) {
    const file = path.join(directory, name);
    try {
      accessSync(file, constants.X_OK);
      if (statSync(file).isFile()) return file;
    } catch {
      // Not here.
    }
  }
  return undefined;
}

/** Runs a program quietly and returns what it printed; throws Stop with all of it when it fails. */
export function capture(program, args, options = {}) {
  const result = spawnSync(program, args, {
    cwd: repositoryRoot,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
  });
  if (result.status === 0) return result.stdout;
  const why = result.error ? result.error.message : `exited with ${result.status ?? result.signal}`;
  throw new Stop(`${[program, ...args].join(' ')}: ${why}\n${result.stdout ?? ''}${result.stderr ?? ''}`);
}

/** capture(), tried again after a pause: for what a mirror or a network may fail for a moment. */
export async function captureWithRetries(program, args, options = {}, attempts = 3) {
  for (let attempt = 1; ; attempt++) {
    try {
      return capture(program, args, options);
    } catch (error) {
      if (attempt >= attempts) throw error;
      const [what, why = ''] = error.message.split('\n');
      say(`  ${what} (${why}): trying again`);
      await new Promise((resolve) => setTimeout(resolve, attempt * 3000));
    }
  }
}

/**
 * Runs a program with our own output and resolves to its exit status (128 when a signal ended it). When we are
 * asked to end, the program is, and then we are.
 */
export function passThrough(program, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: repositoryRoot, stdio: 'inherit', ...options });
    let asked;
    const end = (signal) => {
      asked = signal;
      child.kill('SIGTERM');
    };
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, end);
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      for (const each of signals) process.off(each, end);
      if (asked === undefined) resolve(signal ? 128 : code);
      else reject(new Stop(`Ended by ${asked}`));
    });
  });
}

/** npm as it was called, so that `npm run demo` uses one npm throughout. */
export function npmCommand() {
  const script = process.env.npm_execpath;
  return script?.endsWith('.js') ? [process.execPath, [script]] : ['npm', []];
}

/** The directory of node.h, node_api.h and uv.h: beside Node, or where npm's setting `nodedir` says. */
export function nodeHeaders() {
  const places = [process.env.npm_config_nodedir, path.resolve(process.execPath, '../..')].filter(Boolean);
  for (const place of places) {
    const headers = path.join(place, 'include/node');
    if (statSync(path.join(headers, 'node_api.h'), { throwIfNoEntry: false })) return headers;
  }
  throw new Stop(`Node's headers (include/node/node_api.h) are not in ${places.join(' or ')}`);
}
