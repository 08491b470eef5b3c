import { Secret } from '../config/secret.ts'

export type Word = string | number | Secret

/**
 * A piece of POSIX shell. Made only by the `sh` tag, which quotes every value put into it, so that nothing from a
 * configuration, a registry or a server can become code.
 */
export class Script {
  readonly #pieces: readonly (string | Secret)[]

  constructor(pieces: readonly (string | Secret)[]) {
    this.#pieces = pieces
  }

  /** With secrets in place: for a runner's stdin and nowhere else. */
  render(): string {
    return this.#pieces.map(piece => (piece instanceof Secret ? quote(piece.reveal()) : piece)).join('')
  }

  /** With `[NAME]` for each secret: for people. */
  toString(): string {
    return this.#pieces.join('')
  }

  get pieces(): readonly (string | Secret)[] {
    return this.#pieces
  }
}

/**
 * A template of shell text. A word becomes one quoted word, a list becomes several, a `Script` (or a list of scripts,
 * one a line) stands as it is. A value inside quotes would lose its quoting, so that is a fault.
 */
export function sh(
  texts: TemplateStringsArray,
  ...values: readonly (Word | readonly Word[] | Script | readonly Script[])[]
): Script {
  const pieces: (string | Secret)[] = []
  let open = ''
  texts.forEach((text, index) => {
    pieces.push(text)
    if (index === values.length) return
    open = openAfter(text, open)
    if (open) throw new Error(`a value must not stand in ${open === '#' ? 'a comment' : 'quotes'}: ${text.trim()}`)
    pieces.push(...piecesOf(values[index]))
  })
  return new Script(pieces)
}

/** Scripts one after the other, a line each. */
export function lines(...scripts: readonly Script[]): Script {
  return new Script(scripts.flatMap(script => [...script.pieces, '\n']))
}

/** One word, so that a POSIX shell reads back exactly this text. */
export function quote(text: string): string {
  if (text.includes('\0')) throw new Error('a NUL byte cannot be passed to a shell')
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

/** The quote or the comment that is open where a text ends. */
function openAfter(text: string, before: string): string {
  let open = before
  for (const [part] of text.matchAll(/\\[\s\S]|(?<![^\s;])#|["'`\n]/g)) {
    if (open === '#') open = part.endsWith('\n') ? '' : open
    else if (open === "'") open = part.endsWith("'") ? '' : open
    else if (part === open) open = ''
    else if (open === '' && /^["'`#]/.test(part)) open = part
  }
  return open
}

function piecesOf(value: unknown): (string | Secret)[] {
  if (value instanceof Script) return [...value.pieces]
  if (value instanceof Secret) return [value]
  if (!Array.isArray(value)) return [quote(String(value))]
  const separator = value.some(item => item instanceof Script) ? '\n' : ' '
  return value.flatMap((item, index) => (index === 0 ? piecesOf(item) : [separator, ...piecesOf(item)]))
}
