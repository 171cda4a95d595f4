// JSON bodies of writes, validated by zod. The first problem becomes the refusal: an unknown field
// before anything else, since a misspelt name is also a field that is missing.

import { z } from 'zod'

import { type Reply, refuse } from './reply.ts'

export type BodyRead<Value> =
  | { readonly kind: 'valid'; readonly value: Value }
  | { readonly kind: 'refused'; readonly reply: Reply }

/**
 * A schema of a JSON object with these fields and no others. Messages of the fields are complete
 * sentences.
 */
export const bodyObject = <Shape extends z.ZodRawShape>(
  shape: Shape,
): z.ZodObject<Shape, z.core.$strict> =>
  z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `unknown field ${quoted(issue.keys)}, expected ${Object.keys(shape).join(', ')}`
        : 'the body must be a JSON object',
  })

const quoted = (keys: unknown): string => {
  const [first] = keys as readonly string[]
  return JSON.stringify((first ?? '').slice(0, 40))
}

/**
 * `body` is the parsed JSON, of any type. A problem is refused with 400 `unknown-field` or
 * `bad-field`.
 */
export function readBody<Value>(schema: z.ZodType<Value>, body: unknown): BodyRead<Value> {
  const parsed = schema.safeParse(body)
  if (parsed.success) return { kind: 'valid', value: parsed.data }
  const { issues } = parsed.error
  const unknown = issues.find(({ code }) => code === 'unrecognized_keys')
  if (unknown) return badBody('unknown-field', unknown.message)
  return badBody('bad-field', issues[0]?.message ?? 'the body is not valid')
}

export const badBody = (
  code: 'unknown-field' | 'bad-field' | 'no-end' | 'bad-end',
  message: string,
): Extract<BodyRead<never>, { kind: 'refused' }> => ({
  kind: 'refused',
  reply: refuse(400, code, message),
})
