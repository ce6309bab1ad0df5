import type { Readable } from 'node:stream';
import { nowNs } from './timing';

/** When the first data arrives; reads on (and forgets) to the end, so that the stream can close. */
export function firstData(output: Readable | null): Promise<number> {
  if (!output) throw new Error('the container has no output');
  return new Promise((resolve, reject) => {
    output.once('data', () => resolve(nowNs()));
    output.once('error', reject);
    output.once('close', () => reject(new Error('the output ended without a byte')));
    output.resume();
  });
}
