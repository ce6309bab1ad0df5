// The program dobby-runc. Commands are loaded when they are asked for: one that is not costs nothing.
import fs from 'node:fs';
import path from 'node:path';

interface Command {
  /** Returns the exit status. */
  run(args: string[]): Promise<number>;
}

const commands: Record<string, { about: string; load: () => Command }> = {
  doctor: {
    about: 'what this machine has and lacks for containers, and how to mend it',
    load: () => require('./doctor/main') as Command,
  },
  build: {
    about: 'builds the addon for this machine, where none was shipped',
    load: () => require('./build') as Command,
  },
  prove: {
    about: 'proves the direct operations on a runtime whose version is not known',
    load: () => require('./prove') as Command,
  },
};

function packageVersion(): string {
  const file = path.join(__dirname, '..', 'package.json');
  return (JSON.parse(fs.readFileSync(file, 'utf8')) as { version: string }).version;
}

function usage(): string {
  const lines = Object.entries(commands).map(([name, { about }]) => `  ${name.padEnd(8)} ${about}`);
  return `usage: dobby-runc COMMAND [ARGUMENT...]\n${lines.join('\n')}\n  COMMAND --help says more\n`;
}

async function main([name, ...args]: string[]): Promise<number> {
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    (name === undefined ? process.stderr : process.stdout).write(usage());
    return name === undefined ? 2 : 0;
  }
  if (name === '--version') {
    process.stdout.write(`${packageVersion()}\n`);
    return 0;
  }
  if (!Object.hasOwn(commands, name)) {
    process.stderr.write(`dobby-runc: there is no command '${name}'\n${usage()}`);
    return 2;
  }
  return await (commands[name] as { load: () => Command }).load().run(args);
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`dobby-runc: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  },
);
