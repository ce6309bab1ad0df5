/** The states of a container. */
export const ContainerStatus = {
  Unknown: 'unknown',
  Created: 'created',
  Running: 'running',
  Pausing: 'pausing',
  Paused: 'paused',
  Stopped: 'stopped',
} as const;
export type ContainerStatus = (typeof ContainerStatus)[keyof typeof ContainerStatus];

export interface ContainerListItem {
  id: string;
  /** 0 when there is no process. */
  pid: number;
  bundlePath: string;
  status: ContainerStatus;
  created?: Date;
  owner?: string;
  annotations?: Record<string, string>;
}
