import fs from 'node:fs';
import { native } from '../native';
import { systemError } from '../system/errno';

/** A text in a memfd, for DescriptorList.addByPath(). */
export function textMemfd(name: string, text: string): number {
  const fd = native.memfd(name, 0);
  if (fd < 0) throw systemError('memfd_create', fd);
  try {
    fs.writeSync(fd, text);
  } catch (error) {
    native.close(fd);
    throw error;
  }
  return fd;
}
