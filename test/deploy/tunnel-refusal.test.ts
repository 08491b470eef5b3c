import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { openTunnel } from '../../src/deploy/tunnel.ts'
import { wordsFor } from '../../src/deploy/tunnel-refusal.ts'
import { JijiError } from '../../src/errors.ts'
import type { Connection } from '../../src/runner/runner.ts'

/** What listens on a port of a server, by what it says; none, or the reason for which sshd opens no channel. */
type Listener = string | { reason: number; words: string }

const nobody = { reason: 2, words: 'Connection refused' }
const forbidden = { reason: 1, words: 'open failed' }

function serverWith(listener: Listener, allowed: readonly number[], user = 1000) {
  const closed: number[] = []
  const connection: Connection = {
    server: 's1',
    read: () => {
      throw new Error('nothing is read here')
    },
    address: { user: 'root', host: 's1', port: 22, hostKey: '' },
    run: async () => ({ code: 0, stdout: `${user}\n`, stderr: '' }),
    forward: async port => {
      if (!allowed.includes(port)) throw new JijiError('tunnel.failed', 'refused')
      return { port: port || 40_000, close: async () => void closed.push(port) }
    },
    dial: async () => {
      if (typeof listener === 'string') return Object.assign(Readable.from([listener]), { write: () => true }) as never
      const cause = Object.assign(new Error(`(SSH) Channel open failure: ${listener.words}`), listener)
      throw new JijiError('tunnel.failed', 'refused', { cause })
    },
    close: async () => {},
  }
  return { connection, closed }
}

describe('a port that a server does not let be forwarded', () => {
  test.each<[string, number, Listener, readonly number[], number, string]>([
    ['another registry', 9270, 'HTTP/1.1 200 OK\r\n', [0], 0, 'port 9270 there leads to another registry'],
    ['a registry with logins', 9270, 'HTTP/1.1 401 No\r\n', [0], 0, 'port 9270 there leads to another registry'],
    ['some other server', 9270, 'HTTP/1.1 404 No\r\n', [0], 0, 'port 9270 is in use there, by something that does not'],
    ['what speaks no HTTP', 9270, 'SSH-2.0-x\r\n', [0], 0, 'port 9270 is in use there, by something that does not'],
    ['nobody', 9270, nobody, [0], 1000, 'its sshd does not let port 9270 be forwarded (PermitListen)'],
    ['nobody, as below 1024', 80, nobody, [0], 1000, 'port 80 is for root alone there'],
    ['nobody, as root', 80, nobody, [0], 0, 'its sshd does not let port 80 be forwarded'],
    [
      'nobody knows whom',
      80,
      forbidden,
      [0],
      1000,
      'port 80 is in use there, or its sshd does not let it be forwarded',
    ],
  ])('because of %s', async (_, port, listener, allowed, user, cause) => {
    const { tunnel, why } = await openTunnel(serverWith(listener, allowed, user).connection, port)
    expect(tunnel?.port).toBe(40_000)
    expect(why && wordsFor(why)).toMatch(/^.* \(builder\.registry\.port names another\)$/)
    expect(why?.cause.startsWith(cause)).toBe(true)
  })
  test.each<[string, Listener, string]>([
    ['in use', 'HTTP/1.1 200 OK\r\n', 'port 9270 is in use there, and its sshd lets no other be forwarded'],
    ['free', nobody, 'its sshd lets no port be forwarded (see that its sshd_config has AllowTcpForwarding yes'],
    ['not to be seen', forbidden, 'its sshd forbids tunnels (see that its sshd_config has AllowTcpForwarding yes'],
  ])('nor any other, where it is %s', async (_, listener, words) => {
    const { tunnel, why } = await openTunnel(serverWith(listener, []).connection, 9270)
    expect(tunnel).toBeUndefined()
    expect(why && wordsFor(why)).toContain(words)
  })
  test('is no matter where it is', async () => {
    expect(await openTunnel(serverWith(forbidden, [9270]).connection, 9270)).not.toHaveProperty('why')
  })
  test('leaves no tunnel open when the connection is lost while the reason is looked for', async () => {
    const { connection, closed } = serverWith(nobody, [0])
    const lost = new JijiError('server.lost', 'gone')
    connection.dial = () => Promise.reject(lost)
    await expect(openTunnel(connection, 9270)).rejects.toBe(lost)
    expect(closed).toEqual([0])
  })
})
