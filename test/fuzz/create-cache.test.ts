import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe } from 'node:test';
import * as fc from 'fast-check';
import { CreateCache, hideFilter, kFilterAnnotation } from '../../src/command-line/create-cache';
import { memberSpans } from '../../src/system/json-spans';
import { temporaryDirectory } from '../helpers/temporary';
import { holds } from './property';
import { fileOf, oddlyFilled, oddValue } from './texts';

const kConfig = {
  ociVersion: '1.0.2',
  annotations: { a: 'b' },
  hooks: { poststop: [] },
  linux: {
    cgroupsPath: '/a',
    seccomp: { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['ptrace'], action: 'SCMP_ACT_ERRNO' }] },
  },
};

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

describe('configurations of any content', () => {
  const directory = temporaryDirectory('fuzz');
  const filter = Buffer.from([6, 0, 0, 0, 0, 0, 255, 127]);
  writeFileSync(path.join(directory, 'crun'), '');
  writeFileSync(path.join(directory, 'seccomp.bpf'), filter);

  holds(
    'memberSpans: where JSON.parse finds the members, or null',
    fileOf(fc.dictionary(fc.string({ unit: 'binary' }), oddValue)),
    (text) => {
      const spans = memberSpans(text, text.indexOf('{'));
      const json = parse(text);
      // Promised for JSON only; of anything else it must not hang or throw.
      if (spans === null || typeof json !== 'object' || json === null || Array.isArray(json)) return;
      assert.deepEqual([...spans.keys()].sort(), Object.keys(json).sort());
      for (const [key, { start, end }] of spans)
        assert.deepEqual(JSON.parse(text.slice(start, end)), (json as Record<string, unknown>)[key], key);
    },
  );

  holds(
    'CreateCache: the same configuration with one annotation more, or the bundle’s own',
    fc.oneof(fileOf(oddlyFilled(kConfig)), fileOf(fc.constant(kConfig))),
    (text) => {
      const cache = new CreateCache(path.join(directory, 'crun'));
      cache.prepare(text).learn?.(directory);
      const { config } = cache.prepare(text);
      if (config === null) return;
      const made = JSON.parse(config) as { annotations?: Record<string, string> };
      assert.equal(made.annotations?.[kFilterAnnotation], filter.toString('base64'));
      const { annotations = {}, ...rest } = JSON.parse(text) as typeof made;
      const { annotations: left = {}, ...others } = hideFilter(made);
      assert.deepEqual(left, annotations);
      assert.deepEqual(others, rest);
    },
  );
});
