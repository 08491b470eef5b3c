import { nearest } from '../config/nearest.ts'
import { JijiError } from '../errors.ts'
import { type AuditEntry, actions } from '../shell/audit.ts'
import { containing, parseLines, parseMoment } from './log-options.ts'
import type { Options } from './options.ts'

export type AuditOptions = {
  follow: boolean
  /** Of each server; undefined for all. */
  count: number | undefined
  action: string | undefined
  isWanted: (entry: AuditEntry) => boolean
  /** Whether all that is asked for are entries of an action: then a server can count them itself. */
  isPlain: boolean
}

/** @throws JijiError usage */
export function readAuditOptions(
  options: Options,
  services: ReadonlySet<string> | undefined,
  now = new Date(),
): AuditOptions {
  const [since, by, action] = ['since', 'by', 'action'].map(name => options.text(name))
  const earliest = since === undefined ? undefined : Date.parse(parseMoment(since, now))
  if (action !== undefined) checkAction(action)
  const isBy = containing(by)
  return {
    follow: options.flag('follow'),
    count: parseLines(options.text('lines') ?? (since === undefined ? '20' : 'all')),
    action,
    isWanted: entry =>
      (earliest === undefined || Date.parse(entry.at) >= earliest) &&
      (action === undefined || entry.action === action || entry.action.startsWith(`${action} `)) &&
      (services === undefined || entry.services?.some(service => services.has(service)) === true) &&
      wordsOf(entry).some(isBy),
    isPlain: earliest === undefined && by === undefined && services === undefined,
  }
}

/** All by which somebody may be looked for. */
function wordsOf({ by, login, git, ci, ssh }: AuditEntry): string[] {
  return [by, login, git, ssh?.user, ssh?.key, ...(ci ? Object.values(ci) : [])].filter(text => text !== undefined)
}

function checkAction(wanted: string): void {
  const known = [...actions, ...groups]
  if (known.some(name => name === wanted)) return
  const meant = nearest(wanted, known)
  throw new JijiError('usage', `nothing is recorded as ${wanted}`, {
    hint: meant ? `did you mean ${meant}?` : `known: ${actions.join(', ')}`,
  })
}

const groups = ['lock', 'proxy', 'registry', 'server', 'service']
