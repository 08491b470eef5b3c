import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'ssh2'
import type { Peer } from './peer.ts'
import type { Route } from './route.ts'
import type { SshAddress } from './runner.ts'
import { watchSilence } from './silence.ts'
import type { Timings } from './timings.ts'

/** A connection that is authenticated. */
export type Link = {
  client: Client
  peer: Peer
  /** Calls back when all that was written has been taken off our hands. */
  whenSent(go: () => void): void
  address: SshAddress
  /** Why the connection is gone; undefined while it stands. */
  lostBecause(): string | undefined
  close(): Promise<void>
}

/** What an authenticated client becomes: it notices when the server is gone, and closes what it rides on. */
export function linkOver(client: Client, route: Route, address: SshAddress, peer: Peer, timings: Timings): Link {
  let lost: string | undefined
  let closing: Promise<void> | undefined
  const closed = new Promise<void>(resolve => client.once('close', resolve))
  const stopWatching = watchSilence(route.stream, timings.silence, () => {
    lost ??= `nothing came from the server for ${timings.silence / 1000} s`
    route.stream.destroy()
  })
  client.on('error', error => {
    lost ??= error.message
  })
  client.on('close', () => {
    lost ??= 'the server closed it'
    stopWatching()
  })

  const close = async () => {
    lost ??= 'it was closed here'
    stopWatching()
    client.end()
    await Promise.race([sent(route.stream), closed, sleep(1_000, undefined, { ref: false })])
    await route.close()
  }
  return {
    client,
    peer,
    whenSent: drainOf(route.stream),
    address,
    lostBecause: () => lost,
    close: () => {
      closing ??= close()
      return closing
    },
  }
}

/** All that was written is on its way. The server need not say that it has understood that we go. */
function sent(stream: Duplex): Promise<void> {
  return new Promise(resolve => {
    if (stream.writableFinished) resolve()
    else stream.once('finish', resolve)
  })
}

/** One listener for all who wait: ssh2 writes on, whatever the stream says of its room. */
function drainOf(stream: Duplex): Link['whenSent'] {
  const waiting: (() => void)[] = []
  stream.on('drain', () => {
    for (const go of waiting.splice(0)) go()
  })
  return go => {
    if (stream.writableNeedDrain) waiting.push(go)
    else go()
  }
}
