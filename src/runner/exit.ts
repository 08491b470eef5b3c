import { constants } from 'node:os'
import type { ClientChannel } from 'ssh2'
import type { Link } from './link.ts'
import { lostError } from './lost.ts'

/** How what runs in a channel ends: only a number is an exit code, and a channel that closes without one was lost. */
export function exitOf(channel: ClientChannel, link: Link): Promise<number> {
  const exited = new Promise<number>((resolve, reject) => {
    channel.on('exit', (code: unknown, signal: unknown) => {
      if (typeof code === 'number') resolve(code)
      else if (isSignal(signal)) resolve(128 + constants.signals[signal])
    })
    channel.on('close', () => reject(lostError(link, 'while a command ran'))) // says nothing after an exit
  })
  exited.catch(() => {}) // it is looked at, but maybe later
  return exited
}

function isSignal(name: unknown): name is keyof typeof constants.signals {
  return typeof name === 'string' && name in constants.signals
}
