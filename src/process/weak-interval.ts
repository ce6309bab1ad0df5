/**
 * setInterval for a method of an object: keeps neither the object nor the event loop alive. In a file of its own, since
 * the timer's function keeps alive whatever else its file has imported.
 */
export function setWeakInterval<Name extends string, Argument>(
  object: Record<Name, (argument: Argument) => unknown>,
  name: Name,
  argument: Argument,
  ms: number,
): void {
  const reference = new WeakRef(object);
  const timer = setInterval(() => {
    const target = reference.deref();
    if (target) target[name](argument);
    else clearInterval(timer);
  }, ms);
  timer.unref();
}
