export type RuntimeStatus = 'created' | 'running' | 'paused' | 'stopped';

/** What `state` prints, field by field; which of the optional ones are there is the runtime's choice. */
export interface OciState {
  ociVersion: string;
  id: string;
  pid: number;
  status: RuntimeStatus;
  bundle: string;
  rootfs?: string;
  created?: string;
  'systemd-scope'?: string;
  owner?: string;
  annotations?: Record<string, string>;
}

/** One element of what `list --format json` prints. */
export type ListEntry = Omit<OciState, 'ociVersion' | 'systemd-scope'> & { ociVersion?: string };
