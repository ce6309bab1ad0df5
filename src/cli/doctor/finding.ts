/** bad: containers cannot run because of it. lack: something is missing or slower. note: a fact. */
export type Grade = 'good' | 'bad' | 'lack' | 'note';

/** One thing that was tried on this machine. */
export interface Finding {
  /** What was looked at, such as 'cgroups'. */
  what: string;
  grade: Grade;
  /** What there is. */
  found: string;
  /** What its lack costs; '' when nothing is lacking. */
  cost: string;
  /** What to do about it: words that can be pasted where there are such. */
  cure: string;
}

export function good(what: string, found: string): Finding {
  return { what, grade: 'good', found, cost: '', cure: '' };
}

export function note(what: string, found: string): Finding {
  return { what, grade: 'note', found, cost: '', cure: '' };
}

export function lack(what: string, found: string, cost: string, cure: string): Finding {
  return { what, grade: 'lack', found, cost, cure };
}

export function bad(what: string, found: string, cost: string, cure: string): Finding {
  return { what, grade: 'bad', found, cost, cure };
}
