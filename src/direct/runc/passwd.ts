import { ParsedFile } from '../../system/parsed-file';

const passwd = new ParsedFile('/etc/passwd', parsePasswd);

/** The name of a user as runc prints it: the first entry of /etc/passwd with that uid, else '#uid'. */
export function ownerName(uid: number): string {
  return passwd.read()?.get(uid) ?? `#${uid}`;
}

function parsePasswd(text: string): Map<number, string> {
  const names = new Map<number, string>();
  for (const line of text.split('\n')) {
    const [name, , uid] = line.trim().split(':');
    if (name === undefined || uid === undefined || !/^\d+$/.test(uid)) continue;
    if (!names.has(Number(uid))) names.set(Number(uid), name);
  }
  return names;
}
