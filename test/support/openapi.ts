// docs/openapi.yaml as a judge of answers: every schema is compiled, and a body is looked at as its path and status say.

import { readFileSync } from 'node:fs'

import { Ajv2020 } from 'ajv/dist/2020.js'
import { parse } from 'yaml'

interface Operation {
  readonly responses: Readonly<Record<string, ResponseOrRef>>
}

type ResponseOrRef =
  | { readonly $ref: string }
  | { readonly content?: Readonly<Record<string, { readonly schema?: object }>> }

interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly components: {
    readonly responses: Readonly<Record<string, Exclude<ResponseOrRef, { readonly $ref: string }>>>
    readonly schemas: Readonly<Record<string, object>>
  }
}

const file = new URL('../../docs/openapi.yaml', import.meta.url)
const description = parse(readFileSync(file, 'utf8')) as Description

const methods = ['get', 'post', 'put', 'patch', 'delete']

/** `GET /targets/NAME`, as the table of routes has them. */
export const describedRoutes: readonly string[] = Object.entries(description.paths).flatMap(
  ([path, item]) =>
    Object.keys(item)
      .filter((key) => methods.includes(key))
      .map((method) => `${method.toUpperCase()} ${path.replace('{name}', 'NAME')}`),
)

const ajv = new Ajv2020({ allErrors: true, strictTypes: false, allowUnionTypes: true })
ajv.addVocabulary(['components', 'paths', 'openapi', 'info', 'servers', 'security'])
ajv.addSchema(description, 'openapi')

/** What is wrong with a value of a schema of that name; null: nothing. */
export function schemaMistakes(name: string, value: unknown): string | null {
  const validate = ajv.getSchema(`openapi#/components/schemas/${name}`)
  if (validate === undefined) return `no schema ${name}`
  return validate(value) ? null : ajv.errorsText(validate.errors)
}

/** What is wrong with an answer, `route` as in `describedRoutes`; null: it is as described. */
export function answerMistakes(route: string, status: number, body: unknown): string | null {
  const [method = '', path = ''] = route.split(' ')
  const operation = description.paths[path.replace('NAME', '{name}')]?.[method.toLowerCase()]
  const response = (operation as Operation | undefined)?.responses[String(status)]
  if (response === undefined) return `${route} has no answer ${status}`
  const found =
    '$ref' in response
      ? description.components.responses[response.$ref.split('/').at(-1) ?? '']
      : response
  const schema = found?.content?.['application/json']?.schema
  if (schema === undefined) return null
  const name = (schema as { readonly $ref?: string }).$ref?.split('/').at(-1)
  if (name !== undefined) return schemaMistakes(name, body)
  return typeof body === 'object' && body !== null ? null : 'no object'
}

export const schemas: Readonly<Record<string, object>> = description.components.schemas

/** Names of the schemas, each of which `schemaMistakes` compiles. */
export const schemaNames: readonly string[] = Object.keys(schemas)
