import type { Secret } from '../config/secret.ts'

/** Replaces secrets by their names in text that is about to be shown or kept. */
export type Mask = (text: string) => string

/** The same for text of which more is to come. */
type Masking = {
  mask: Mask
  /** How much of a text can be masked and go on its way: what follows may be the beginning of a secret. */
  settled: (text: string) => number
}

/** Shorter values would turn ordinary text into noise, and protect nothing. */
export const shortest = 4

/** Every form in which a secret could turn up: plain, base64 (alone, in lines or inside more), URL-encoded, JSON-escaped. */
export function createMask(secrets: readonly Secret[]): Mask {
  return createMasking(secrets).mask
}

/** `written` says how a form stands in the text, where that is not text but bytes. */
export function createMasking(secrets: readonly Secret[], written = (form: string) => form): Masking {
  const forms = secrets
    .flatMap(secret => formsOf(secret.reveal()).map(form => ({ form: written(form), name: secret.toString() })))
    .filter(({ form }) => form.length >= shortest)
    .toSorted((a, b) => b.form.length - a.form.length)
  const names = new Map(forms.map(({ form, name }) => [form, name]))
  if (names.size === 0) return { mask: text => text, settled: text => text.length }
  const any = [...names.keys()].map(escapePattern).join('|')
  const pattern = new RegExp(any)
  const everywhere = new RegExp(`(?=(${any}))`, 'g')
  const longest = forms[0]?.form.length ?? 0
  return {
    mask: text => (pattern.test(text) ? replaceAll(text, everywhere, names) : text),
    settled: text => uncovered(text, everywhere, Math.max(0, text.length - longest + 1)),
  }
}

/** The last place up to a limit that does not lie inside of a secret, nor of several that share characters. */
function uncovered(text: string, everywhere: RegExp, limit: number): number {
  let start = 0
  let end = 0
  for (const { index, 1: form = '' } of text.matchAll(everywhere)) {
    if (index >= end && index >= limit) break
    if (index >= end) start = index
    end = Math.max(end, index + form.length)
  }
  return limit < end ? start : limit
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
  // An engine takes off what is around a password before it uses and shows it.
  const whole = [value, value.trim()]
  const plain = lines.length > 1 ? [...whole, ...lines.filter(line => line.trim().length >= 8)] : whole
  const forms = plain.flatMap(text => [text, ...urlForms(text), ...jsonForms(text), ...base64Forms(text)])
  return [...new Set([...forms, ...whole.flatMap(wrappedForms)])]
}

/** A space may be `%20` or `+`, hexadecimal digits may be small, and not all agree on what else needs no escape. */
function urlForms(text: string): string[] {
  const wellFormed = Buffer.from(text).toString()
  const plain = encodeURIComponent(wellFormed)
  const strict = escaped(plain, /[!'()*]/g, code => `%${code.toString(16).toUpperCase()}`)
  const form = new URLSearchParams([['', wellFormed]]).toString().slice(1)
  const forms = [plain, strict, strict.replaceAll('%20', '+'), form]
  return forms.flatMap(one => [one, one.replace(/%../g, digits => digits.toLowerCase())])
}

/** Go, and so engines, also escapes what has a meaning in HTML, and Java more of that; Python all but ASCII; PHP that and slashes. */
function jsonForms(text: string): string[] {
  const unicode = (code: number) => `\\u${code.toString(16).padStart(4, '0')}`
  const plain = JSON.stringify(text).slice(1, -1)
  const ascii = escaped(plain, /[^ -~]/g, unicode)
  const html = [escaped(plain, /[<>&]/g, unicode), escaped(plain, /[<>&='\u2028\u2029]/g, unicode)]
  return [plain, ascii, ...html, ...[plain, ascii].map(one => one.replaceAll('/', '\\/'))]
}

function escaped(text: string, marks: RegExp, written: (code: number) => string): string {
  return text.replace(marks, mark => written(mark.charCodeAt(0)))
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

/** Where `openssl base64` and `base64` begin another line. */
const columns = [64, 76]

/** The lines of base64 that is wrapped, of the text alone and with the newline that `echo` adds. A short last line could be anybody's. */
function wrappedForms(text: string): string[] {
  const encoded = [text, `${text}\n`].map(one => Buffer.from(one).toString('base64').replace(/=+$/, ''))
  const lines = encoded.flatMap(digits =>
    columns.flatMap(width => (digits.length > width ? (digits.match(new RegExp(`.{1,${width}}`, 'g')) ?? []) : [])),
  )
  return lines.filter(line => line.length >= 8)
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
}
