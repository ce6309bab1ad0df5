import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { isLive } from '../../src/system/process-stat';
import { until } from '../helpers/containers';
import { cgroup, needsRuntime } from '../helpers/environment';

/** Leaves a frozen process in a cgroup of its own, in two hierarchies. */
const leaving = `
sleep 1000 >/dev/null 2>&1 & pid=$!
for controller in cpu freezer; do
  own=/sys/fs/cgroup/$controller$(sed -n "s/^[0-9]*:$controller://p" /proc/self/cgroup)
  mkdir "$own/left"
  echo $pid >"$own/left/cgroup.procs"
done
echo FROZEN >"$own/left/freezer.state"
echo "$pid"
`;

const exTempFail = 75;

// On v2 SIGKILL ends a frozen process as well.
if (cgroup === 'v1')
  describe('scripts/cgroup-env', { skip: needsRuntime() }, () => {
    it('tells what its command has left, also what is frozen, and removes it', async () => {
      const before = trees();
      const options = { encoding: 'utf8', timeout: 60_000 } as const;
      const result = spawnSync('scripts/cgroup-env', ['--own-tree', 'v1', 'sh', '-c', leaving], options);
      assert.equal(result.status, exTempFail, result.stderr);
      const pid = result.stdout.trim();
      assert.match(result.stderr, new RegExp(`/left\\n.*process ${pid}: sleep 1000`, 's'));
      assert.deepEqual(trees(), before);
      // A zombie is reaped in time by whoever has inherited it.
      await until(() => !isLive(Number(pid)));
    });
  });

function trees(): string[] {
  const all = readdirSync('/sys/fs/cgroup', { recursive: true, encoding: 'utf8' });
  return all.filter((path) => /dobby-runc-\d+$/.test(path)).toSorted();
}
