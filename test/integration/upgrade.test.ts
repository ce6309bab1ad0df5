import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import type { Container, DobbyRunC, OperationEvent } from '../../src/index';
import { newBundle, newDobby, newId } from '../helpers/containers';
import { cgroup, kind, needsRuntime, otherVersions, runtime, version } from '../helpers/environment';
import { temporaryDirectory } from '../helpers/temporary';

/** How many containers live through each upgrade; DOBBY_TEST_UPGRADES=200 for when there is time. */
const kContainers = Number(process.env.DOBBY_TEST_UPGRADES ?? 6);
const kAtOnce = 4;
/** The file is looked at once a second. */
const kLookMs = 1100;

/** Replaces the runtime as a package manager does: by rename. */
function install(source: string, file: string): void {
  copyFileSync(source, `${file}.new`);
  renameSync(`${file}.new`, file);
}

const kStates = ['created', 'running', 'paused'] as const;

describe(`containers live through a change of the runtime to ${kind} ${version}`, {
  skip: needsRuntime(),
}, () => {
  const made: DobbyRunC[] = [];
  after(async () => {
    for (const dobby of made) {
      for (const { id } of await dobby.list()) await dobby.destroy(id, { force: true });
      await dobby[Symbol.asyncDispose]();
    }
  });

  // crun 1.8 needs CAP_SYS_RESOURCE with cgroup v2 (docs/cgroups.md).
  const others = otherVersions().filter((other) => cgroup === 'v1' || !other.version.startsWith('1.8.'));
  for (const other of others) {
    test(`from ${other.version}: ${kContainers} containers, none lost`, async () => {
      const file = path.join(temporaryDirectory('upgrade'), kind);
      install(other.file, file);
      const dobby = newDobby({ runtime: file });
      made.push(dobby);
      const exits: string[] = [];
      dobby.on('exit', (id) => exits.push(id));
      const bundle = await newBundle(['/bin/sleep', '1000']);
      const containers: Container[] = [];
      for (let index = 0; index < kContainers; index++) {
        const container = await dobby.create(newId('up'), bundle);
        const state = kStates[index % kStates.length];
        if (state !== 'created') await container.start();
        if (state === 'paused') await container.pause();
        containers.push(container);
      }
      assert.ok((await dobby.version()).version.startsWith(other.version));

      install(runtime, file);
      await new Promise((resolve) => setTimeout(resolve, kLookMs));
      const events: OperationEvent[] = [];
      dobby.on('operation', (event) => events.push(event));
      assert.equal((await dobby.list()).length, kContainers);
      assert.ok((await dobby.version()).version.startsWith(version));

      const drive = async (container: Container, index: number): Promise<void> => {
        const { containerId: id } = container;
        const state = kStates[index % kStates.length];
        const told = await dobby.inspect(id);
        const args = ['--root', dobby.getWorkingDir(), 'state', id];
        assert.deepEqual(told, JSON.parse(execFileSync(file, args, { encoding: 'utf8' })));
        assert.equal(told.status, state);
        assert.equal(told.pid, container.pid);
        if (state === 'created') await dobby.start(id);
        if (state === 'paused') await dobby.resume(id);
        await dobby.pause(id);
        await dobby.resume(id);
        const ran = await container.exec(['/bin/sh', '-c', 'exit 3']);
        assert.equal((await ran.exited).code, 3);
        await dobby.killCont(id, 'SIGKILL');
        assert.equal((await container.exited).signal, 'SIGKILL');
        assert.equal(await dobby.state(id), 'stopped');
        await dobby.destroy(id);
        assert.equal(await dobby.state(id), 'unknown');
      };
      for (let index = 0; index < containers.length; index += kAtOnce) {
        const some = containers.slice(index, index + kAtOnce);
        await Promise.all(some.map((container, offset) => drive(container, index + offset)));
      }
      assert.deepEqual(exits.toSorted(), containers.map(({ containerId }) => containerId).toSorted());
      assert.deepEqual(await dobby.list(), []);
      // What a newer version has written is left to the older one's own command line.
      if (other.isOlder) {
        const ways = new Set(events.filter(({ op }) => op !== 'exec').map(({ op, way }) => `${op} ${way}`));
        for (const verb of ['start', 'pause', 'resume', 'kill', 'destroy'])
          assert.ok(ways.has(`${verb} direct`), `${verb}: ${[...ways].join(', ')}`);
      }
    });
  }
});
