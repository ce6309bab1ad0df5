import type { Adapter, AdapterContext } from './adapter';
import { CrunAdapter } from './crun/adapter';
import { RuncAdapter } from './runc/adapter';

export type RuntimeKind = 'crun' | 'runc';

export interface Supported {
  readonly kind: RuntimeKind;
  readonly major: number;
  /** Inclusive. */
  readonly minMinor: number;
  readonly maxMinor: number;
  /** The versions on which the differential test runs. Of the others in the range the sources were compared. */
  readonly proven: readonly string[];
  readonly adapter: new (context: AdapterContext) => Adapter;
}

/**
 * The versions whose verbs are known to be what the adapters do. Of each minor in the ranges the functions behind the
 * verbs were compared in the sources, from the first patch version to the last. crun: they differ in messages, in hooks
 * (never done directly), in where Intel RDT is noted, and from 1.28 on in the library that writes the files and in the
 * ids that are taken. runc: see RuncRules.
 */
export const supportedVersions: readonly Supported[] = [
  {
    kind: 'crun',
    major: 1,
    minMinor: 8,
    maxMinor: 29,
    proven: ['1.8.1', '1.21', '1.28'],
    adapter: CrunAdapter,
  },
  {
    kind: 'runc',
    major: 1,
    minMinor: 1,
    maxMinor: 5,
    proven: ['1.1.5', '1.1.15', '1.3.6'],
    adapter: RuncAdapter,
  },
];

/** What can be done directly, each proven by itself. */
export const directVerbs = ['state', 'list', 'start', 'kill', 'pause', 'resume', 'destroy'] as const;
export type DirectVerb = (typeof directVerbs)[number];

/** For a version that the table does not know, but a proof (src/proof): the rules of the nearest one. */
export function nearestAdapter(
  kind: RuntimeKind,
  version: string,
): { adapter: Supported['adapter']; minor: number } {
  const row = supportedVersions.find((supported) => supported.kind === kind) as Supported;
  const match = /^(\d+)\.(\d+)/.exec(version);
  if (match === null || Number(match[1]) > row.major) return { adapter: row.adapter, minor: row.maxMinor };
  const minor = Number(match[1]) < row.major ? row.minMinor : Number(match[2]);
  return { adapter: row.adapter, minor: Math.min(Math.max(minor, row.minMinor), row.maxMinor) };
}

/** The adapter for what `--version` prints, or why there is none. */
export function versionGate(
  kind: RuntimeKind,
  version: string,
): { adapter: Supported['adapter']; minor: number } | { why: string } {
  const match = /(\d+)\.(\d+)/.exec(version);
  if (match === null) return { why: `the version of ${kind} is not known` };
  const major = Number(match[1]);
  const minor = Number(match[2]);
  const row = supportedVersions.find(
    (supported) =>
      supported.kind === kind &&
      supported.major === major &&
      supported.minMinor <= minor &&
      minor <= supported.maxMinor,
  );
  if (row === undefined) return { why: `${kind} ${major}.${minor} is not proven to be equal` };
  return { adapter: row.adapter, minor };
}
