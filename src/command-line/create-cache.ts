import fs from 'node:fs';
import { errnoName } from '../system/errno';
import { FileStamp } from '../system/file-stamp';
import { isObject } from '../system/json';
import { memberSpans, type Span } from '../system/json-spans';
import { Recent } from '../system/recent';

/**
 * crun translates a seccomp profile into a filter at every create; for three architectures that is more than half
 * of the time it takes. The filter depends on the profile, on crun with its libseccomp, and on the kernel; so what
 * crun has made of a profile once (it leaves the filter in the state directory) is handed to it the next time, in
 * the annotation that it has for that. The profile itself stays in the configuration.
 */
export const kFilterAnnotation = 'run.oci.seccomp_bpf_data';

export interface PreparedCreate {
  /** What to give to crun instead of the bundle's config.json; null: give it that. */
  readonly config: string | null;
  /** To be called when a create with the bundle's own config.json has succeeded; null: nothing to learn. */
  readonly learn: ((stateDirectory: string) => void) | null;
}

const kNothing: PreparedCreate = { config: null, learn: null };

/** A service has a handful of profiles; a filter takes about 10 KB. */
const kMaxProfiles = 32;
const kInstructionBytes = 8;
const kMaxInstructions = 4096;

export class CreateCache {
  readonly #runtime: string;
  readonly #filters = new Map<string, string>();
  readonly #places = new Recent<string, Places | null>();
  /** Of the runtime whose filters these are; null when it was not there. */
  #stamp: FileStamp | null = null;
  /** crun from about 1.9 on (or one with libgcrypt) keeps filters itself, as fast: then it is left alone. */
  #hasOwnCache = false;

  /** runtime: crun's path; another file there means other filters. */
  constructor(runtime: string) {
    this.#runtime = runtime;
  }

  /** config: the text of the config.json that the container is to be created with. */
  prepare(config: string): PreparedCreate {
    if (!config.includes('"seccomp"')) return kNothing;
    this.#forgetAnotherRuntime();
    if (this.#hasOwnCache) return kNothing;
    const places = this.#places.get(config, () => findPlaces(config));
    if (places === null) return kNothing;
    const filter = this.#filters.get(places.profile);
    if (filter === undefined) {
      return { config: null, learn: (stateDirectory) => this.#learn(places.profile, stateDirectory) };
    }
    // The latest used profile is kept longest.
    this.#filters.delete(places.profile);
    this.#filters.set(places.profile, filter);
    return { config: withFilter(config, places.annotations, filter), learn: null };
  }

  #forgetAnotherRuntime(): void {
    const stamp = new FileStamp();
    const isThere = stamp.take(this.#runtime);
    if (isThere && this.#stamp !== null && stamp.isSame(this.#stamp)) return;
    this.#stamp = isThere ? stamp : null;
    this.#filters.clear();
    this.#hasOwnCache = false;
  }

  #learn(profile: string, stateDirectory: string): void {
    const filter = readFilter(`${stateDirectory}/seccomp.bpf`);
    if (filter === null) return;
    if (filter.links > 1) {
      this.#hasOwnCache = true;
      return;
    }
    this.#filters.set(profile, filter.base64);
    for (const oldest of this.#filters.keys()) {
      if (this.#filters.size <= kMaxProfiles) break;
      this.#filters.delete(oldest);
    }
  }
}

/** What a container's state is like without what was put in here: its creator did not ask for that annotation. */
export function hideFilter<T extends { annotations?: Record<string, string> }>(state: T): T {
  if (state.annotations?.[kFilterAnnotation] === undefined) return state;
  const { annotations, ...rest } = state;
  const others = Object.entries(annotations).filter(([key]) => key !== kFilterAnnotation);
  return (others.length === 0 ? rest : { ...rest, annotations: Object.fromEntries(others) }) as T;
}

/** What crun left; more than one link means that it keeps the file for later containers. */
function readFilter(file: string): { base64: string; links: number } | null {
  try {
    const { nlink } = fs.statSync(file);
    const bytes = fs.readFileSync(file);
    const instructions = bytes.length / kInstructionBytes;
    if (!Number.isInteger(instructions) || instructions < 1 || instructions > kMaxInstructions) return null;
    return { base64: bytes.toString('base64'), links: nlink };
  } catch (error) {
    // The container may have been removed already.
    if (errnoName(error) === 'ENOENT') return null;
    throw error;
  }
}

interface Places {
  /** The profile's text, which is the key of its filter. */
  readonly profile: string;
  /** The annotations object, or where one can be put: right after the opening brace. */
  readonly annotations: { readonly at: number; readonly kind: 'empty' | 'filled' | 'missing' };
}

/** Null when the configuration is one for which the annotation would change more than the time it takes. */
function findPlaces(config: string): Places | null {
  if (!isEligible(config)) return null;
  const start = config.indexOf('{');
  const members = memberSpans(config, start);
  const linux = members?.get('linux');
  if (members == null || linux === undefined) return null;
  const seccomp = memberSpans(config, linux.start)?.get('seccomp');
  if (seccomp === undefined) return null;
  return {
    profile: config.slice(seccomp.start, seccomp.end),
    annotations: placeOfAnnotations(config, start, members.get('annotations')),
  };
}

function placeOfAnnotations(config: string, start: number, span: Span | undefined): Places['annotations'] {
  if (span === undefined) return { at: start + 1, kind: 'missing' };
  const isEmpty = config.slice(span.start + 1, span.end - 1).trim() === '';
  return { at: span.start + 1, kind: isEmpty ? 'empty' : 'filled' };
}

function withFilter(config: string, { at, kind }: Places['annotations'], filter: string): string {
  const member = `"${kFilterAnnotation}":"${filter}"`;
  const inserted =
    kind === 'missing' ? `"annotations":{${member}},` : kind === 'filled' ? `${member},` : member;
  return config.slice(0, at) + inserted + config.slice(at);
}

/** Annotations of crun's that have to do with seccomp, or replace crun's way of running a container. */
const kMeddling = /"run\.oci\.(seccomp|handler)/;

function isEligible(config: string): boolean {
  if (kMeddling.test(config) || config.includes('SCMP_ACT_NOTIFY')) return false;
  const json = parse(config);
  if (!isObject(json) || !isObject(json.linux) || !isObject(json.linux.seccomp)) return false;
  if (json.annotations !== undefined && !isObject(json.annotations)) return false;
  const { listenerPath, listenerMetadata, syscalls } = json.linux.seccomp;
  if (listenerPath !== undefined || listenerMetadata !== undefined || !Array.isArray(syscalls)) return false;
  // Hooks get the annotations on their standard input, and would see this one.
  return (
    !isObject(json.hooks) ||
    Object.values(json.hooks).every((hooks) => Array.isArray(hooks) && hooks.length === 0)
  );
}

function parse(config: string): unknown {
  try {
    return JSON.parse(config);
  } catch {
    return undefined;
  }
}
