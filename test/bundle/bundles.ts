import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { RuntimeError } from '../../src/errors';
import { temporaryDirectory } from '../helpers/temporary';

/** The smallest configuration that both runtimes start. */
export function smallConfig(): Record<string, unknown> {
  return {
    ociVersion: '1.0.2',
    root: { path: 'rootfs' },
    process: { args: ['/bin/true'], cwd: '/' },
    linux: { namespaces: [{ type: 'mount' }, { type: 'uts' }] },
  };
}

/** A bundle whose config.json has this text or bytes; a plain object is written as JSON. */
export function writeBundle(config: string | Buffer | object): string {
  const bundle = temporaryDirectory('bundle');
  mkdirSync(path.join(bundle, 'rootfs'));
  const isContent = typeof config === 'string' || Buffer.isBuffer(config);
  writeFileSync(path.join(bundle, 'config.json'), isContent ? config : JSON.stringify(config));
  return bundle;
}

/** For assert.rejects: a RuntimeError with this code whose message is that of the bundle. */
export function bundleError(bundle: string, reason: string | RegExp, code = 'ERR_INVALID_BUNDLE') {
  return (error: RuntimeError): boolean => {
    const prefix = `bundle ${bundle}: `;
    const message = error.message.startsWith(prefix) ? error.message.slice(prefix.length) : undefined;
    if (error.name !== 'RuntimeError' || error.code !== code || message === undefined) return false;
    return typeof reason === 'string' ? message === reason : reason.test(message);
  };
}
