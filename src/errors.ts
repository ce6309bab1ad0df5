/** What went wrong, by name. docs/errors.md explains each. */
export type ErrorCode =
  | 'ERR_RUNTIME_NOT_FOUND'
  | 'ERR_RUNTIME_FAILED'
  | 'ERR_CONTAINER_NOT_FOUND'
  | 'ERR_CONTAINER_EXISTS'
  | 'ERR_BAD_STATE'
  | 'ERR_INVALID_ID'
  | 'ERR_INVALID_BUNDLE'
  | 'ERR_EXEC_NOT_FOUND'
  | 'ERR_CWD_NOT_FOUND'
  | 'ERR_HOOK_FAILED'
  | 'ERR_PERMISSION'
  | 'ERR_CGROUP'
  | 'ERR_STUCK'
  | 'ERR_TIMEOUT'
  | 'ERR_ABORTED'
  | 'ERR_UNSUPPORTED'
  | 'ERR_SPAWN';

/** The facts of a failure; what is not known keeps its default. */
export interface RuntimeErrorFields {
  /** The operation: 'create', 'exec', … */
  op: string;
  containerId?: string;
  /** The runtime's command line; empty when no runtime was started. */
  argv?: readonly string[];
  exitCode?: number | null;
  signal?: NodeJS.Signals | null;
  /** What the runtime printed on its standard error, at most 64 KiB. */
  stderr?: string;
  /** The messages of the error lines of the runtime's log (`--log-format json`). */
  log?: string;
  durationMs?: number;
  /** Whether everything that the failed operation had made was removed again. */
  cleanedUp?: boolean;
  cause?: unknown;
}

/** Every failure of an operation on a container. The message says what was being done, to what, and why it failed. */
export class RuntimeError extends Error {
  override readonly name = 'RuntimeError';
  readonly code: ErrorCode;
  readonly op: string;
  readonly containerId?: string;
  readonly argv: string[];
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
  readonly log: string;
  readonly durationMs: number;
  cleanedUp: boolean;

  constructor(code: ErrorCode, message: string, fields: RuntimeErrorFields) {
    super(message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.code = code;
    this.op = fields.op;
    if (fields.containerId !== undefined) this.containerId = fields.containerId;
    this.argv = [...(fields.argv ?? [])];
    this.exitCode = fields.exitCode ?? null;
    this.signal = fields.signal ?? null;
    this.stderr = fields.stderr ?? '';
    this.log = fields.log ?? '';
    this.durationMs = fields.durationMs ?? 0;
    this.cleanedUp = fields.cleanedUp ?? true;
  }
}

type ArgumentCode = 'ERR_INVALID_ARG_TYPE' | 'ERR_INVALID_ARG_VALUE' | 'ERR_OUT_OF_RANGE' | ErrorCode;

/** A TypeError with a code: an argument of the wrong type or form. */
export function argumentTypeError(
  message: string,
  code: ArgumentCode = 'ERR_INVALID_ARG_TYPE',
): TypeError & { code: string } {
  return Object.assign(new TypeError(message), { code });
}

/** A RangeError with a code: an argument outside the values that are allowed. */
export function argumentRangeError(
  message: string,
  code: ArgumentCode = 'ERR_OUT_OF_RANGE',
): RangeError & { code: string } {
  return Object.assign(new RangeError(message), { code });
}

/** Whether a system call has failed for want of something that may be there again in a moment. */
export function isScarcity(error: unknown): boolean {
  return ['EMFILE', 'ENFILE', 'ENOMEM'].includes((error as { code?: string } | null)?.code ?? '');
}
