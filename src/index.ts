export { Bundle } from './bundle/bundle';
export type { BundleSpec } from './bundle/spec';
export type { Container, ContainerProcess } from './client/container';
export type { RuntimeEvents } from './client/dobby-runc';
export { DobbyRunC } from './client/dobby-runc';
export type { OperationEvent } from './client/ways';
export type { TtySize } from './console/pty';
export { Tty } from './console/pty';
export type { ErrorCode } from './errors';
export { RuntimeError } from './errors';
export type * from './oci';
export type { Fd } from './process/descriptors';
export type { ExitStatus } from './process/exit';
export type { FdStream } from './process/fd-stream';
export { OutputBuffer } from './process/output-buffer';
export { OutputError } from './process/output-error';
export type { Signal } from './process/signals';
export type { IoOptions, StdioTarget } from './process/stdio';
export type {
  CallOptions,
  CreateOptions,
  ExecOptions,
  RuntimeOptions,
  StopCallOptions,
  StopOptions,
} from './runtime/options';
export { type ContainerListItem, ContainerStatus } from './runtime/status';
