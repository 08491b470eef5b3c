import type { Path } from '../document.ts'
import { at } from '../draft.ts'
import { secretNameOf } from './names.ts'
import type { Translation } from './translation.ts'

/** Passes a secret on under the name that it has in the file. */
export function addSecret(
  translation: Translation,
  to: Path,
  name: string,
  from: Path,
  secret = secretNameOf(name),
): void {
  const entry = name === secret ? name : `${name}:${secret}`
  const list = [...to, 'secrets']
  const there = at(translation.draft, list)
  if (!Array.isArray(there) || !there.includes(entry)) translation.append(list, entry, from)
}

/** Whether what is in a variable is for nobody's eyes, by its name or by a password in an address. */
export function looksSecret(name: string, value: string): boolean {
  if (/^[a-z][a-z0-9+.-]*:\/\/[^/@\s]*:[^/@\s]+@/i.test(value)) return true
  if (value === '' || /^(yes|no|true|false|\d{1,2})$/i.test(value)) return false
  return /(PASSWORD|PASSWD|PASSPHRASE|PASS|PWD|SECRET|TOKEN|KEY|KEY_BASE|CREDENTIALS)$/i.test(name)
}

/** Names by which containers reach each other in the file, and the names that they have on servers. */
export type HostNames = ReadonlyMap<string, string>

/** A value in which the names of other containers are those that jiji gives; it is left as it is where none is meant. */
function withHostNames(name: string, value: string, hosts: HostNames): string {
  const isAddress = /(HOST|HOSTNAME|ADDR|ADDRESS|SERVER|NODE|URL|URI|ENDPOINT|BROKER|UPSTREAM|ORIGIN)S?$/i.test(name)
  return [...hosts].reduce((text, [before, now]) => {
    const own = before.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
    const inUrl = new RegExp(`(://(?:[^@/\\s]*@)?)${own}(?=[:/?#,]|$)`, 'g')
    const alone = new RegExp(`(^|,\\s*)${own}(?=:\\d+|${isAddress ? '\\s*,|$' : '(?!)'})`, 'g')
    return text.replace(inUrl, `$1${now}`).replace(alone, `$1${now}`)
  }, value)
}

/** The other containers that a value names, each with its name on servers. */
export function hostsMeant(name: string, value: string, hosts: HostNames): string[] {
  const isMeant = (before: string) => withHostNames(name, value, new Map([[before, '']])) !== value
  return [...hosts].filter(([before]) => isMeant(before)).map(([before, now]) => `${before} is ${now}`)
}

/** Adds a variable that anyone may see, with the names of other containers as they are on servers. */
export function addClear(
  translation: Translation,
  to: Path,
  { name, text, from, hosts }: { name: string; text: string; from: Path; hosts: HostNames },
): void {
  const value = withHostNames(name, text, hosts)
  if (value !== text)
    translation.change(from, `${hostsMeant(name, text, hosts).join(', ')} now, and reached from the same server only`)
  translation.put([...to, 'clear', name], value, from)
}
