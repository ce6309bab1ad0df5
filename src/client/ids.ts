import { argumentTypeError } from '../errors';

// What both crun and runc take: runc allows these characters and no others, crun anything but '/'.
const ociId = /^[A-Za-z0-9_+.-]+$/;
const dobbyId = /^[A-Za-z0-9._-]{1,128}$/;
// A directory below the root, and a cgroup: NAME_MAX of Linux.
const longestId = 255;

/** @throws TypeError with code ERR_INVALID_ID that says what is wrong */
export function checkId(id: unknown, rules: 'oci' | 'dobby'): asserts id is string {
  if (typeof id !== 'string')
    throw argumentTypeError(`id: must be a string, not ${typeof id}`, 'ERR_INVALID_ID');
  const wrong = rules === 'dobby' ? dobbyFault(id) : ociFault(id);
  if (wrong) throw argumentTypeError(`id ${JSON.stringify(id.slice(0, 300))}: ${wrong}`, 'ERR_INVALID_ID');
}

function ociFault(id: string): string | null {
  if (id === '') return 'must not be empty';
  if (!ociId.test(id)) return 'may hold only letters, digits and _ + - .';
  if (id === '.' || id === '..') return 'must not name a directory above';
  if (id.startsWith('-')) return 'must not begin with -, which would be an option';
  if (id.length > longestId) return `must not be longer than ${longestId} characters`;
  return null;
}

function dobbyFault(id: string): string | null {
  if (!dobbyId.test(id)) return 'must be 1 to 128 of A-Z a-z 0-9 . _ -';
  if (id.includes('..')) return "must not hold '..'";
  if (!/[A-Za-z]/.test(id)) return 'must hold at least one letter';
  if (id.startsWith('-')) return 'must not begin with -, which would be an option';
  return null;
}
