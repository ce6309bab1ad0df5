import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { it } from 'node:test';
import { project, temporary } from './project.mjs';

it("the tarball builds by CMake for armv7 with an SDK's environment", () => {
  const installed = path.join(project('cmake'), 'node_modules/dobby-runc');
  const build = temporary('cmake-build');
  // What an SDK's environment-setup file sets: compilers with arguments.
  const env = {
    ...process.env,
    CC: 'arm-linux-gnueabihf-gcc -march=armv7-a -mfpu=vfpv3-d16',
    CXX: 'arm-linux-gnueabihf-g++ -march=armv7-a -mfpu=vfpv3-d16',
    OECORE_TARGET_ARCH: 'arm',
  };
  const headers = process.env.npm_config_nodedir ?? path.resolve(process.execPath, '../..');
  for (const args of [
    [
      ...['-S', installed, '-B', build, '-DCMAKE_BUILD_TYPE=MinSizeRel'],
      `-DCMAKE_TOOLCHAIN_FILE=${installed}/packaging/cmake/sdk.cmake`,
      `-DCMAKE_JS_INC=${headers}/include/node`,
    ],
    ['--build', build, '--parallel', '2'],
  ]) {
    const { status, stdout, stderr } = spawnSync('cmake', args, { encoding: 'utf8', env });
    assert.equal(status, 0, stdout + stderr);
  }
  for (const name of ['dobby_runc.node', 'dobby-keeper']) {
    const { stdout } = spawnSync('readelf', ['-h', path.join(build, name)], { encoding: 'utf8' });
    assert.match(stdout, /Machine: +ARM/);
  }
});
