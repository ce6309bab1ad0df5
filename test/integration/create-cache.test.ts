import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import type { OciSeccomp } from '../../src/index';
import { newBundle, newDobby, newId, textOf } from '../helpers/containers';
import { kind, needsRuntime } from '../helpers/environment';

const seccomp: OciSeccomp = {
  defaultAction: 'SCMP_ACT_ALLOW',
  architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
  syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 37 }],
};

describe('the create cache', { skip: needsRuntime() }, () => {
  for (const createCache of [true, false])
    test(`createCache ${createCache}: every container of one profile has the same filter, and no annotation of ours`, async () => {
      const dobby = newDobby({ createCache });
      const bundle = await newBundle(
        ['/bin/sh', '-c', 'mkdir /tmp/x 2>&1; grep Seccomp: /proc/self/status'],
        { seccomp },
      );
      const filters: string[] = [];
      for (let round = 0; round < 3; round++) {
        const container = await dobby.create(newId(), bundle, { stdout: 'pipe' });
        const state = await dobby.inspect(container.containerId);
        assert.equal(JSON.stringify(state).includes('seccomp_bpf'), false);
        const file = path.join(dobby.getWorkingDir(), container.containerId, 'seccomp.bpf');
        if (kind === 'crun' && statSync(file, { throwIfNoEntry: false }))
          filters.push(readFileSync(file).toString('base64'));
        await container.start();
        await container.exited;
        assert.match(
          await textOf(container.stdout),
          /File name too long|No locks|errno 37|37|ENOLCK|No locks available[\s\S]*Seccomp:\s*2/,
        );
        await container.destroy();
      }
      assert.equal(new Set(filters).size <= 1, true);
      await dobby[Symbol.asyncDispose]();
    });
});
