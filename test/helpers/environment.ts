// What the test runner (scripts/test.mjs) gives a test: one row of the runtime matrix. A test file that
// imports this runs once per row; any other runs once.

export type RuntimeKind = 'crun' | 'runc';
export type CgroupVersion = 'v1' | 'v2';

const environment = process.env;

/** The absolute path of the runtime under test; '' outside a row. */
export const runtime = environment.DOBBY_TEST_RUNTIME ?? '';
export const kind = (environment.DOBBY_TEST_RUNTIME_KIND ?? 'crun') as RuntimeKind;
/** Its version, such as 1.8.1. */
export const version = environment.DOBBY_TEST_RUNTIME_VERSION ?? '';
/** What /sys/fs/cgroup holds in this row. */
export const cgroup = (environment.DOBBY_TEST_CGROUP ?? 'v1') as CgroupVersion;

export const isRoot = process.getuid?.() === 0;
export const hasRuntime = runtime !== '' && isRoot;

export const skipReason = isRoot
  ? 'needs a runtime: run it by npm test'
  : 'needs root, which creating containers takes';

/**
 * For `describe(name, { skip: needsRuntime() }, …)`. In CI nothing may be skipped: there it throws.
 */
export function needsRuntime(): string | false {
  if (hasRuntime) return false;
  if (environment.CI === 'true') throw new Error(`In CI every test has to run, and this one ${skipReason}`);
  return skipReason;
}

export interface OtherVersion {
  readonly version: string;
  /** Absolute path of the binary. */
  readonly file: string;
  readonly isOlder: boolean;
}

/** The other versions of the row's runtime that this machine has. */
export function otherVersions(): OtherVersion[] {
  const all = JSON.parse(environment.DOBBY_TEST_RUNTIMES ?? '[]') as (Omit<OtherVersion, 'isOlder'> & {
    kind: RuntimeKind;
  })[];
  return all
    .filter((each) => each.kind === kind && each.version !== version)
    .map(({ version: other, file }) => ({
      version: other,
      file,
      isOlder: other.localeCompare(version, 'en', { numeric: true }) < 0,
    }));
}
