import { Unfamiliar } from './unfamiliar';

export type JsonObject = { readonly [key: string]: unknown };

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A JSON object; what C and Go read differently from JavaScript (NUL, lone surrogates) is unfamiliar. */
export function parseObject(text: string, path: string): JsonObject {
  if (/\\u(0000|[dD][89a-fA-F])/.test(text)) throw new Unfamiliar(`${path} has unusual escapes`);
  const value = parse(text, path);
  if (!isObject(value)) throw new Unfamiliar(`${path} is not a JSON object`);
  return value;
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Unfamiliar(`${path} is not JSON`);
  }
}

export function stringOf(json: JsonObject, key: string, path: string): string {
  const value = json[key];
  if (typeof value !== 'string') throw new Unfamiliar(`${path}: '${key}' is not a string`);
  return value;
}

export function positiveOf(json: JsonObject, key: string, path: string): number {
  const value = json[key];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value <= 0) {
    throw new Unfamiliar(`${path}: '${key}' is not a positive integer`);
  }
  return value;
}

export function objectOf(json: JsonObject, key: string, path: string): JsonObject {
  const value = json[key];
  if (!isObject(value)) throw new Unfamiliar(`${path}: '${key}' is not an object`);
  return value;
}

export function arrayOf(json: JsonObject, key: string, path: string): readonly unknown[] {
  const value = json[key];
  if (!Array.isArray(value)) throw new Unfamiliar(`${path}: '${key}' is not an array`);
  return value;
}
