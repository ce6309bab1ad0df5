import { array, integer, named, object, type Rule, string } from './checks';

// The kinds of value that config.json is made of.

export const kUint32Max = 2 ** 32 - 1;
export const uint32 = integer(0, kUint32Max);
export const uint16 = integer(0, 2 ** 16 - 1);
export const int32 = integer(-(2 ** 31), 2 ** 31 - 1);
export const int64 = integer(-(2 ** 63), 2 ** 63, 'a whole number (int64)');
export const uint64 = integer(0, 2 ** 64, 'a whole number, 0 or more (uint64)');
export const strings = array(string(), 'an array of strings');
export const somePath = string('a path', (value) => value !== '');
export const directoryPath = string('the path of a directory', (value) => value !== '');
export const nonEmpty = string('a non-empty string', (value) => value !== '');
export const absolutePath = string('an absolute path', (value) => value.startsWith('/'));

/** A name of the kernel's or of libseccomp's, by its prefix. */
export const constant = (prefix: string) => named(`a ${prefix}_… name`, new RegExp(`^${prefix}_[A-Z0-9_]+$`));

const idMapping = object(
  { containerID: uint32, hostID: uint32, size: integer(1, kUint32Max) },
  { required: ['containerID', 'hostID', 'size'] },
);
export const idMappings = array(idMapping);
/** For mounts and for user namespaces: one without the other leaves ids unmapped. */
export const mappedBothWays: Rule = (value, path, problems) => {
  const missing = value.uidMappings ? 'gidMappings' : 'uidMappings';
  if (Boolean(value.uidMappings) === Boolean(value.gidMappings)) return;
  problems.push({ kind: 'value', path: `${path}.${missing}`, message: 'missing; both mappings are needed' });
};
