import { CommandLineDriver, execFileCaller, openExecaCaller, spawnCaller } from './command-line';
import type { ContainerDriver, DriverOptions } from './container-driver';
import { DobbyDriver } from './dobby';

/** Whoever can drive containers from Node. */
export async function openContainerDriver(
  contestant: string,
  options: DriverOptions,
): Promise<ContainerDriver> {
  switch (contestant) {
    case 'spawn':
      return new CommandLineDriver(spawnCaller, options);
    case 'execFile':
      return new CommandLineDriver(execFileCaller, options);
    case 'execa':
      return new CommandLineDriver(await openExecaCaller(), options);
    default:
      return DobbyDriver.open(contestant, options);
  }
}
