import type { Login } from '../../shell/images.ts'
import type { Answer } from './http.ts'

/** What a server said about its refusal, as one short line of plain text, without the credential that it was shown. */
export function wordsOf(answer: Pick<Answer, 'status' | 'statusText' | 'body'>, login: Login | undefined): string {
  return `${answer.status} ${plain(messageIn(answer.body) ?? answer.statusText, login)}`.trim()
}

/** The code of the distribution specification: `MANIFEST_UNKNOWN`, `NAME_UNKNOWN`, `DENIED`. */
export function errorCode(body: string): string | undefined {
  const code = firstError(body)?.code
  return typeof code === 'string' ? code : undefined
}

export function plain(text: string, login?: Login): string {
  const visible = withoutSecret(text, login).replace(/[\p{Cc}\p{Cf}\p{Z}]+/gu, ' ')
  return withoutSecret(visible, login).trim().slice(0, 200)
}

function messageIn(body: string): string | undefined {
  const { details, error_description } = objectIn(body) ?? {}
  const message = firstError(body)?.message
  return [message, details, error_description].find(one => typeof one === 'string' && one !== '') as string | undefined
}

function firstError(body: string): Record<string, unknown> | undefined {
  const errors = objectIn(body)?.errors
  return Array.isArray(errors) ? asObject(errors[0]) : undefined
}

export function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    return asObject(JSON.parse(text))
  } catch {
    return undefined
  }
}

export function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
}

/** A server may well repeat what it was sent. */
export function withoutSecret(text: string, login: Login | undefined): string {
  if (!login) return text
  const { password, username } = login
  const value = password.reveal()
  const base64 = (one: string) => Buffer.from(one).toString('base64')
  const forms = [
    value,
    base64(`${username}:${value}`),
    base64(value),
    encodeURIComponent(value),
    JSON.stringify(value).slice(1, -1),
  ]
  return forms.filter(Boolean).reduce((all, form) => all.replaceAll(form, password.toString()), text)
}
