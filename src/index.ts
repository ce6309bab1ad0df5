export { Bundle } from './bundle/bundle';
export type { BundleSpec } from './bundle/spec';
export type { TtySize } from './console/pty';
export { Tty } from './console/pty';
export type { Container, ContainerProcess } from './container';
export type { ErrorCode } from './errors';
export { RuntimeError } from './errors';
export type * from './oci';
export type { Fd } from './process/descriptors';
export type { ExitStatus } from './process/exit';
export type { FdStream } from './process/fd-stream';
export { OutputBuffer } from './process/output-buffer';
export type { Signal } from './process/signals';
export type { IoOptions, StdioTarget } from './process/stdio';
export type { RuntimeEvents } from './runtime/dobby-runc';
export { DobbyRunC } from './runtime/dobby-runc';
export type {
  CallOptions,
  CreateOptions,
  ExecOptions,
  RuntimeOptions,
  StopCallOptions,
  StopOptions,
} from './runtime/options';
export type { ContainerListItem } from './runtime/output';
export { ContainerStatus } from './runtime/output';
export type { OperationEvent } from './runtime/ways';
