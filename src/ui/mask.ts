import type { Secret } from '../config/secret.ts'

/** Replaces secrets by their names in text that is about to be shown or kept. */
export type Mask = (text: string) => string

/** Shorter values would turn ordinary text into noise, and protect nothing. */
const shortest = 4

/** Every form in which a secret could turn up: plain, base64 (alone or inside more), URL-encoded, JSON-escaped. */
export function createMask(secrets: readonly Secret[]): Mask {
  const forms = secrets
    .flatMap(secret => formsOf(secret.reveal()).map(form => ({ form, name: secret.toString() })))
    .filter(({ form }) => form.length >= shortest)
    .toSorted((a, b) => b.form.length - a.form.length)
  const names = new Map(forms.map(({ form, name }) => [form, name]))
  if (names.size === 0) return text => text
  const pattern = new RegExp([...names.keys()].map(escapePattern).join('|'), 'g')
  return text => text.replace(pattern, found => names.get(found) ?? '[secret]')
}

function formsOf(value: string): string[] {
  const lines = value.split(/\r?\n/)
  const plain = lines.length > 1 ? [value, ...lines.filter(line => line.trim().length >= 8)] : [value]
  return [
    ...new Set(
      plain.flatMap(text => [text, encodeURIComponent(text), JSON.stringify(text).slice(1, -1), ...base64Forms(text)]),
    ),
  ]
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
    return own.length < 8 ? [] : [own, own.replaceAll('+', '-').replaceAll('/', '_')]
  })
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
}
