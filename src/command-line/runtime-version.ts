import { Deadline } from '../runtime/deadline';
import type { Settings } from '../runtime/options';
import type { Invoker } from './invoker';

/** What a runtime says of itself. */
export interface RuntimeVersion {
  /** By the first word of `--version`; where it says nothing, by the file's name. */
  readonly kind: Settings['kind'];
  /** '' when it is not known. */
  readonly version: string;
  /** '' or why it is not known. */
  readonly why: string;
  /** What it calls itself, or the file's name. */
  readonly name: string;
}

const versionMs = 5000;

/** Asks the runtime what it is. Never rejects. */
export async function askVersion(invoker: Invoker, settings: Settings): Promise<RuntimeVersion> {
  const deadline = new Deadline('version', undefined, { timeoutMs: versionMs });
  try {
    const { stdout } = await invoker.invoke({ op: 'version', args: ['--version'], deadline });
    return parseVersion(stdout, settings);
  } catch (error) {
    const why = `the runtime does not tell its version: ${(error as Error).message}`;
    return { kind: settings.kind, version: '', why, name: settings.kind };
  } finally {
    deadline.dispose();
  }
}

/** 'crun version 1.28', 'runc version 1.3.6+ds1', and what others print ('youki version 0.5.5'). */
export function parseVersion(text: string, { kind: guess }: Pick<Settings, 'kind'>): RuntimeVersion {
  const [, name = '', version = ''] =
    /^\s*(\S{1,40})(?:[ \t:]+(?:version[ \t]+)?(\S{1,80}))?/.exec(text) ?? [];
  if (name === '') {
    return { kind: guess, version: '', why: 'the runtime prints nothing for --version', name: guess };
  }
  if (name !== 'crun' && name !== 'runc') {
    const why = `the runtime calls itself '${name}': what others do is not known`;
    return { kind: 'other', version, why, name };
  }
  return { kind: name, version, why: '', name };
}
