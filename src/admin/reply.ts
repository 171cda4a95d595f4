// What an admin route answers with.

export interface Reply {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

export const json = (value: unknown, status: number = 200): Reply => ({
  status,
  contentType: 'application/json; charset=utf-8',
  body: `${JSON.stringify(value, null, 2)}\n`,
})

export const text = (body: string, status: number = 200): Reply => ({
  status,
  contentType: 'text/plain; charset=utf-8',
  body,
})
