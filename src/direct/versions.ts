import type { Adapter, AdapterContext } from './adapter';
import { CrunAdapter } from './crun/adapter';
import { RuncAdapter } from './runc/adapter';

export type RuntimeKind = 'crun' | 'runc';

interface Supported {
  readonly kind: RuntimeKind;
  readonly major: number;
  /** Inclusive. */
  readonly minMinor: number;
  readonly maxMinor: number;
  readonly adapter: new (context: AdapterContext) => Adapter;
}

/**
 * The versions whose verbs are known to be what the adapters do. Proven by the differential test: crun 1.8.1 and
 * 1.21, runc 1.1.5 and 1.1.15. Of the other crun minors in the table, the functions behind these verbs were
 * compared in the sources: they differ in messages, in hooks (never done directly) and in where Intel RDT is
 * noted. crun 1.28 writes its files by another library; runc 1.2 kills and deletes in another way.
 */
const kSupported: readonly Supported[] = [
  { kind: 'crun', major: 1, minMinor: 8, maxMinor: 27, adapter: CrunAdapter },
  { kind: 'runc', major: 1, minMinor: 1, maxMinor: 1, adapter: RuncAdapter },
];

/** The adapter for what `--version` prints, or why there is none. */
export function versionGate(
  kind: RuntimeKind,
  version: string,
): { adapter: Supported['adapter'] } | { why: string } {
  const match = /(\d+)\.(\d+)/.exec(version);
  if (match === null) return { why: `the version of ${kind} is not known` };
  const major = Number(match[1]);
  const minor = Number(match[2]);
  const row = kSupported.find(
    (supported) =>
      supported.kind === kind &&
      supported.major === major &&
      supported.minMinor <= minor &&
      minor <= supported.maxMinor,
  );
  if (row === undefined) return { why: `${kind} ${major}.${minor} is not proven to be equal` };
  return { adapter: row.adapter };
}
