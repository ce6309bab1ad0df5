// What native functions return for a failed system call: -errno (Linux, asm-generic/errno-base.h).
export const kEnoent = -2;
export const kEsrch = -3;
export const kEintr = -4;
export const kEio = -5;
export const kEagain = -11;
export const kEnodev = -19;
export const kEnotdir = -20;
