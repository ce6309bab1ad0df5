import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';

const repository = path.resolve(__dirname, '../../..');
const source = path.join(repository, 'src');

/**
 * The floors of src/, lowest first. A file imports from its own floor's folder or from a lower floor; two folders of
 * one floor don't know each other. ARCHITECTURE.md says what each is for.
 */
const floors: ReadonlyArray<readonly string[]> = [
  ['errors', 'oci', 'load-addon'],
  ['native'],
  ['system'],
  ['process'],
  ['console', 'bundle', 'keeper'],
  ['runtime'],
  ['command-line', 'direct'],
  ['recovery', 'proof'],
  ['client'],
  ['index'],
  ['cli'],
];

function roomOf(file: string): string {
  const [first = ''] = path.relative(source, file).split(path.sep);
  return first.replace(/\.ts$/, '');
}

function floorOf(room: string): number {
  return floors.findIndex((rooms) => rooms.includes(room));
}

function sourceFiles(): string[] {
  return fs
    .readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => path.join(source, name));
}

function importsOf(file: string): string[] {
  const text = fs.readFileSync(file, 'utf8');
  return [...text.matchAll(/(?:from|import|require)\s*\(?\s*'(\.[^']*)'/g)].map(([, name]) =>
    path.resolve(path.dirname(file), name ?? ''),
  );
}

describe('the layers of src/', () => {
  it('has a floor for every folder and file', () => {
    const rooms = new Set(sourceFiles().map(roomOf));
    assert.deepEqual(
      [...rooms].filter((room) => floorOf(room) < 0),
      [],
    );
    assert.deepEqual(
      floors.flat().filter((room) => !rooms.has(room)),
      [],
    );
  });

  it('imports down only', () => {
    const wrong = sourceFiles().flatMap((file) =>
      importsOf(file)
        .filter((target) => {
          const [from, to] = [roomOf(file), roomOf(target)];
          return from !== to && floorOf(to) >= floorOf(from);
        })
        .map((target) => `${path.relative(source, file)} -> ${path.relative(source, target)}`),
    );
    assert.deepEqual(wrong, []);
  });

  it('has no ring of files', () => {
    const files = new Set(sourceFiles());
    const state = new Map<string, 'open' | 'done'>();
    const rings: string[] = [];
    const visit = (file: string, way: readonly string[]): void => {
      if (state.get(file) === 'done') return;
      if (state.get(file) === 'open') {
        rings.push(
          [...way.slice(way.indexOf(file)), file].map((each) => path.relative(source, each)).join(' -> '),
        );
        return;
      }
      state.set(file, 'open');
      for (const target of valueImportsOf(file))
        if (files.has(`${target}.ts`)) visit(`${target}.ts`, [...way, file]);
      state.set(file, 'done');
    };
    for (const file of files) visit(file, []);
    assert.deepEqual(rings, []);
  });
});

/** Without what is a type only: that is gone when the program runs. */
function valueImportsOf(file: string): string[] {
  const text = fs.readFileSync(file, 'utf8').replaceAll(/import type [^;]*;/g, '');
  return [...text.matchAll(/from '(\.[^']*)'/g)].map(([, name]) =>
    path.resolve(path.dirname(file), name ?? ''),
  );
}

describe('ARCHITECTURE.md', () => {
  it('names files and folders that are there', () => {
    const text = fs.readFileSync(path.join(repository, 'ARCHITECTURE.md'), 'utf8');
    const names = [...text.matchAll(/`((?:src|native|test|bench|scripts|docs)\/[\w./-]*)`/g)].map(
      ([, name]) => name ?? '',
    );
    assert.ok(names.length > 20);
    assert.deepEqual(
      names.filter((name) => !fs.existsSync(path.join(repository, name))),
      [],
    );
  });

  it('names every room of src/', () => {
    const text = fs.readFileSync(path.join(repository, 'ARCHITECTURE.md'), 'utf8');
    const folders = new Set(
      sourceFiles()
        .map(roomOf)
        .filter((room) => fs.existsSync(path.join(source, room))),
    );
    assert.deepEqual(
      [...folders].filter((room) => !text.includes(`\`src/${room}/\``)),
      [],
    );
  });
});
