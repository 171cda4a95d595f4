// How much the compiler may put into one function. An answer is made by some forty small functions, and what is not
// inlined is called: with V8's own limit that is a quarter of the time of most answers (docs/adr/0010-drawn-answers.md).
//
// Said once all threads are up: V8 throws away the code that Node has ready for its own modules when flags differ from
// those that it was made with: 35 ms for the process and 15 ms for each worker.

import { setFlagsFromString } from 'node:v8'

/** Units of bytecode in all, and of one that is inlined; V8's own are 920 and 460. */
const flags = ['--max-inlined-bytecode-size-cumulative=5000', '--max-inlined-bytecode-size=700']

/** For all functions that become hot from now on, in all threads. */
export const inlineDeeply = (): void => flags.forEach((flag) => setFlagsFromString(flag))
