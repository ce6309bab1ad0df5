import type { Job, Samples } from './question';

/** What goes between the harness and the process that measures. */
export type Reply = { samples: Samples } | { unsupported: string } | { error: string };
export type Request = Job;
