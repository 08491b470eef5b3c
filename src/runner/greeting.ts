export type Greeting = 'nothing' | 'ssh' | 'busy' | 'other'

/**
 * What the first bytes of a server say about it. Lines may come before SSH's own; OpenSSH tells in plain text that it
 * has too many connections (MaxStartups) or that it does not want this address for a while (PerSourcePenalties).
 */
export function greetingOf(text: string): Greeting {
  if (text === '') return 'nothing'
  if (/^SSH-/m.test(text)) return 'ssh'
  return /^(Exceeded MaxStartups|Not allowed at this time)/m.test(text) ? 'busy' : 'other'
}

/** The beginning of a greeting as it can stand in a message. */
export function firstLine(text: string): string {
  const line = text.trim().split(/[\r\n]/)[0] ?? ''
  return line.replace(/[^\x20-\x7e]/g, '.').slice(0, 60)
}
