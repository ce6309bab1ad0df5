import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { DobbyRunC, OperationEvent } from '../../src/index';
import { prove } from '../../src/proof/prove';
import { newBundle, newDobby, newId } from '../helpers/containers';
import { kind, needsRuntime, runtime } from '../helpers/environment';
import { diff, snapshot } from '../helpers/leaks';
import { temporaryDirectory } from '../helpers/temporary';

const directory = temporaryDirectory('proof');
const verbs = ['start', 'state', 'list', 'pause', 'resume', 'kill', 'destroy'];

/** The row's runtime as somebody else may have built it: a version that is in no table. */
function unknownVersion(): string {
  const text = execFileSync(runtime, ['--version'], { encoding: 'utf8' });
  const version = /version (\S+)/.exec(text)?.[1] ?? '';
  const image = readFileSync(runtime);
  const digit = Buffer.from('9');
  // A string of C ends with a NUL; what else looks like it is the version of a library's symbol.
  const spelt = kind === 'crun' ? `\0${version}\0` : version;
  const offset = spelt.indexOf(version);
  for (let at = image.indexOf(spelt); at >= 0; at = image.indexOf(spelt, at + 1))
    digit.copy(image, at + offset);
  const file = path.join(directory, 'built-by-a-vendor');
  writeFileSync(file, image, { mode: 0o755 });
  assert.match(execFileSync(file, ['--version'], { encoding: 'utf8' }), /version 9\./);
  return file;
}

/** How each verb was done with this proof, and what was warned of. */
async function life(
  file: string,
  proof: string,
): Promise<{ ways: Record<string, string>; warnings: string[] }> {
  const dobby: DobbyRunC = newDobby({ runtime: file, proof });
  const ways: Record<string, string> = {};
  const warnings: string[] = [];
  dobby.on('operation', (event: OperationEvent) => {
    ways[event.op] = event.way;
    warnings.push(...(event.warnings ?? []));
  });
  const id = newId('proof');
  const container = await dobby.create(id, await newBundle(['/bin/sleep', '100']));
  await container.start();
  await dobby.state(id);
  await dobby.list();
  await dobby.pause(id);
  await dobby.resume(id);
  await dobby.killCont(id, 'SIGKILL');
  await container.exited;
  await dobby.destroy(id);
  await dobby[Symbol.asyncDispose]();
  return { ways, warnings };
}

describe('a proof', { skip: needsRuntime() }, () => {
  const proof = path.join(directory, 'proof.json');
  let file = '';
  let text = '';
  before(async () => {
    file = unknownVersion();
    const clean = snapshot();
    const proven = await prove({ runtime: file, proof, seconds: 8, seed: 7 });
    assert.equal(proven.file, proof);
    assert.ok(proven.proof.steps > 10);
    for (const [verb, { equal, difference }] of Object.entries(proven.proof.verbs)) {
      assert.equal(difference, undefined, verb);
      assert.ok(equal > 0, verb);
    }
    const left = diff(clean, snapshot()).filter((line) =>
      /cgroups|mounts|processes|stateDir|dobby-prove/.test(line),
    );
    assert.deepEqual(left, []);
    text = readFileSync(proof, 'utf8');
  });
  after(() => chownSync(proof, 0, 0));

  test('lets a version that is in no table be driven directly', async () => {
    const { ways, warnings } = await life(file, proof);
    for (const verb of verbs) assert.equal(ways[verb], 'direct', verb);
    assert.deepEqual(warnings, []);
  });

  test('counts for the verbs alone that passed', async () => {
    const changed = JSON.parse(text) as { verbs: Record<string, object> };
    changed.verbs.pause = { equal: 9, difference: 'it was another' };
    changed.verbs.resume = { equal: 0 };
    writeFileSync(proof, JSON.stringify(changed));
    const { ways } = await life(file, proof);
    for (const verb of verbs)
      assert.equal(ways[verb], ['pause', 'resume'].includes(verb) ? 'cli' : 'direct', verb);
    writeFileSync(proof, text);
  });

  const wrongs: [string, RegExp, () => void][] = [
    ['damaged', /damaged/, () => writeFileSync(proof, text.slice(0, 100))],
    ['of another kernel', /another kernel/, () => writeFileSync(proof, text.replace(/"kernel": "/, '$&x'))],
    ['of another binary', /another binary/, () => writeFileSync(proof, text.replace(/"sha256": "./, '$&x'))],
    ['that others may write', /others may write/, () => chmodSync(proof, 0o666)],
    ['of another user', /belongs to user 1/, () => chownSync(proof, 1, 1)],
    ['that is a directory', /no regular file/, () => {}],
  ];
  for (const [what, why, spoil] of wrongs) {
    test(`${what} counts for nothing, and that is told once`, async () => {
      spoil();
      const { ways, warnings } = await life(file, what === 'that is a directory' ? directory : proof);
      for (const verb of verbs) assert.equal(ways[verb], 'cli', verb);
      assert.equal(warnings.length, 1);
      assert.match(warnings[0] ?? '', why);
      chownSync(proof, 0, 0);
      chmodSync(proof, 0o600);
      writeFileSync(proof, text);
    });
  }

  test('is not made of a script, nor of a runtime of a third kind', async () => {
    const script = path.join(directory, 'script');
    writeFileSync(script, `#!/bin/sh\nexec ${runtime} "$@"\n`, { mode: 0o755 });
    await assert.rejects(prove({ runtime: script }), { code: 'ERR_UNSUPPORTED', message: /is a script/ });
    const other = path.join(directory, 'other');
    copyFileSync('/bin/true', other);
    await assert.rejects(prove({ runtime: other }), { code: 'ERR_UNSUPPORTED' });
  });
});
