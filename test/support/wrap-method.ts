// Watches what a method of a class returns, for counting how often a way was taken.

type Methods<Of> = {
  [Name in keyof Of]: Of[Name] extends (...asked: never[]) => unknown ? Name : never
}[keyof Of]

/** Shows what a method returns from here on; returns how to end that. A spy would keep every call, some 100,000 a test. */
export function wrap<Of extends object, Name extends Methods<Of>>(
  prototype: Of,
  name: Name,
  note: (
    returned: Of[Name] extends (...asked: never[]) => infer Returned ? Returned : never,
    asked: Of[Name] extends (...asked: infer Asked) => unknown ? Asked : never,
  ) => void,
): () => void {
  const method = prototype[name] as (...asked: never[]) => never
  const wrapped = function (this: Of, ...asked: never[]): never {
    const returned = method.apply(this, asked)
    note(returned, asked as never)
    return returned
  }
  prototype[name] = wrapped as Of[Name]
  return () => {
    prototype[name] = method as Of[Name]
  }
}
