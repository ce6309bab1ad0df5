import { pbkdf2 } from 'node:crypto';

export const loads = ['none', 'pool', 'loop'] as const;
export type Load = (typeof loads)[number];

/** What else the application does while it is measured; returns the way to stop it. */
export function startLoad(load: Load): () => Promise<void> {
  if (load === 'pool') return startPoolLoad();
  if (load === 'loop') return startLoopLoad();
  return async () => {};
}

/** More work than the libuv pool has threads, each a few milliseconds long: what is queued there has to wait. */
function startPoolLoad(): () => Promise<void> {
  let on = true;
  const work = () =>
    new Promise<void>((resolve) => {
      const again = () => {
        if (!on) return resolve();
        pbkdf2('password', 'salt', 10_000, 32, 'sha256', again);
      };
      again();
    });
  const all = Array.from({ length: 8 }, work);
  return async () => {
    on = false;
    await Promise.all(all);
  };
}

const sliceMs = 2;

/** The loop is busy for two milliseconds, free for two, and so on. */
function startLoopLoad(): () => Promise<void> {
  const timer = setInterval(() => {
    const end = performance.now() + sliceMs;
    while (performance.now() < end);
  }, 2 * sliceMs);
  return async () => clearInterval(timer);
}
