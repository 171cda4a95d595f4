// URLs that a page may lead a browser to: of http and https, without a user and a password.

const maxUrlLength = 300

/** The URL in its normal form; null: it is none, another scheme, or too long. */
export function webUrl(text: string): string | null {
  if (text.length > maxUrlLength || !URL.canParse(text)) return null
  const { protocol, username, password, href } = new URL(text)
  const isWeb = protocol === 'https:' || protocol === 'http:'
  return isWeb && username === '' && password === '' ? href : null
}
