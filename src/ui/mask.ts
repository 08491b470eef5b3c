import type { Secret } from '../config/secret.ts'

/** Replaces secrets by their names in text that is about to be shown or kept. */
export type Mask = (text: string) => string

/** Shorter values would turn ordinary text into noise, and protect nothing. */
export const shortest = 4

/** Every form in which a secret could turn up: plain, base64 (alone or inside more), URL-encoded, JSON-escaped. */
export function createMask(secrets: readonly Secret[]): Mask {
  const forms = secrets
    .flatMap(secret => formsOf(secret.reveal()).map(form => ({ form, name: secret.toString() })))
    .filter(({ form }) => form.length >= shortest)
    .toSorted((a, b) => b.form.length - a.form.length)
  const names = new Map(forms.map(({ form, name }) => [form, name]))
  if (names.size === 0) return text => text
  const any = [...names.keys()].map(escapePattern).join('|')
  const pattern = new RegExp(any)
  const everywhere = new RegExp(`(?=(${any}))`, 'g')
  return text => (pattern.test(text) ? replaceAll(text, everywhere, names) : text)
}

/** Two secrets may share characters, as in `abcd` and `cdef`: what is taken away is all that either covers. */
function replaceAll(text: string, everywhere: RegExp, names: ReadonlyMap<string, string>): string {
  let masked = ''
  let end = 0
  let last = ''
  for (const { index, 1: form = '' } of text.matchAll(everywhere)) {
    if (index + form.length <= end) continue
    const name = names.get(form) ?? '[secret]'
    if (index >= end) masked += text.slice(end, index)
    if (index >= end || name !== last) masked += name
    last = name
    end = index + form.length
  }
  return masked + text.slice(end)
}

function formsOf(value: string): string[] {
  const lines = value.split(/\r?\n/)
  const plain = lines.length > 1 ? [value, ...lines.filter(line => line.trim().length >= 8)] : [value]
  return [...new Set(plain.flatMap(text => [text, ...urlForms(text), ...jsonForms(text), ...base64Forms(text)]))]
}

/** A space may be `%20` or `+`, and not all agree on what else needs no escape. */
function urlForms(text: string): string[] {
  const wellFormed = Buffer.from(text).toString()
  const plain = encodeURIComponent(wellFormed)
  const strict = plain.replace(/[!'()*]/g, mark => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`)
  const form = new URLSearchParams([['', wellFormed]]).toString().slice(1)
  return [plain, strict, strict.replaceAll('%20', '+'), form]
}

/** Engines, which are written in Go, also escape what has a meaning in HTML. */
function jsonForms(text: string): string[] {
  const plain = JSON.stringify(text).slice(1, -1)
  const escaped: Record<string, string> = { '<': '\\u003c', '>': '\\u003e', '&': '\\u0026' }
  return [plain, plain.replace(/[<>&]/g, mark => escaped[mark] ?? mark)]
}

/** Inside other base64 the text can begin at any of three places; only the digits that it alone decides are taken. */
function base64Forms(text: string): string[] {
  const bytes = Buffer.from(text)
  return [0, 1, 2].flatMap(offset => {
    const digits = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    const first = Math.ceil((offset * 8) / 6)
    const last = Math.floor(((offset + bytes.length) * 8) / 6)
    const own = digits.slice(first, last)
    return [own, own.replaceAll('+', '-').replaceAll('/', '_')]
  })
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
}
