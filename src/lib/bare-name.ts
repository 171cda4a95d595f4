// Names as operators and programs write them, in the one spelling by which they are compared.

/** In lower case, without a final dot. */
export const bareName = (name: string): string => name.toLowerCase().replace(/\.$/, '')
