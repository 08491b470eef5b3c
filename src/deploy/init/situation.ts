import type { Engine } from '../../config/config.ts'
import type { InitSystem } from '../../shell/server-init.ts'
import type { Answers } from '../doctor/answers.ts'
import type { System } from './distribution.ts'

/** What a server said of itself before it is set up. */
export type Situation = {
  server: string
  engine: Engine
  system: System
  init: InitSystem | undefined
  /** Parts of an engine that are not there. */
  lacks: ReadonlySet<string>
  /** Docker answers root, and not the user. */
  isForRoot: boolean
  hasNetwork: boolean
  answers: Answers
}

/** Reads the lines of `askForInit`. */
export function readSituation(
  server: string,
  engine: Engine,
  { answers, said }: { answers: Answers; said: readonly string[] },
): Situation {
  const all = (word: string) =>
    said.filter(line => line.startsWith(`${word} `)).map(line => line.slice(word.length + 1).trim())
  const value = (word: string) => unquoted(all(word)[0] ?? '')
  const [init] = all('init')
  return {
    server,
    engine,
    system: {
      id: value('os-id') || 'linux',
      like: value('os-like').split(' ').filter(Boolean),
      version: value('os-version'),
      name: value('os-name') || value('os-id') || 'this system',
      managers: new Set(all('manager')),
    },
    init: init === 'systemd' || init === 'openrc' || init === 'service' ? init : undefined,
    lacks: new Set(all('lacks')),
    isForRoot: all('as-root').length > 0,
    hasNetwork: all('network').length > 0,
    answers,
  }
}

/** A value in /etc/os-release may be quoted as in a shell. */
function unquoted(text: string): string {
  const [, , inner] = /^(["'])(.*)\1$/.exec(text) ?? []
  return (inner ?? text).replace(/\\(.)/g, '$1')
}
