import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import ssh2, { type AuthContext, type PublicKeyAuthContext } from 'ssh2'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { connectSsh } from '../../src/runner/ssh.ts'
import { sh } from '../../src/shell/script.ts'
import { type Home, hasSshd, makeHome, makeKey, removeHome, startSshd } from './sshd.ts'

let home: Home
let hostKey: string
beforeAll(() => {
  home = makeHome()
  hostKey = join(home.path, 'host_key')
  makeKey(hostKey)
})
afterAll(() => removeHome(home))

describe('a login', () => {
  test('waits for no answer before the one that matters', async () => {
    const { port, asked } = await startServer({ acceptsService: false })
    await logIn(port)
    expect(asked).toEqual(['signed'])
  })
  test('waits for its turn where the server does not say which signatures it takes', async () => {
    const { port, asked } = await startServer({ sendsExtInfo: false })
    await logIn(port)
    expect(asked).toEqual(['signed'])
  })
  test.runIf(hasSshd)('by sshd begins with a signature, and leaves its other host keys alone', async () => {
    const sshd = await startSshd(home, ['LogLevel DEBUG3'])
    onTestFinished(() => sshd.stop())
    const connection = await connectSsh(sshd.target(), { environment: home.environment })
    await connection.run(sh`true`)
    await connection.close()
    expect(sshd.log()).toMatch(/sent \d+ hostkeys/)
    expect(sshd.log()).not.toMatch(/Postponed publickey|hostkeys-prove/)
  })
})

async function logIn(port: number): Promise<void> {
  const target = { server: 'web1', host: '127.0.0.1', port, keys: [home.key], config: false, strict: false }
  const connection = await connectSsh(target, { environment: home.environment })
  await connection.close()
}

type Behaviour = { acceptsService?: boolean; sendsExtInfo?: boolean }

/** A server that notes what it is asked, and can be one that leaves out what need not be waited for. */
async function startServer({ acceptsService = true, sendsExtInfo = true }: Behaviour) {
  const asked: string[] = []
  const server = new ssh2.Server({ hostKeys: [readFileSync(hostKey)] }, client => {
    const { _protocol: protocol } = client as unknown as Inside
    if (!acceptsService) protocol.serviceAccept = () => {}
    client.on('error', () => {})
    client.on('authentication', context => {
      asked.push(hasSigned(context) ? 'signed' : context.method)
      context.accept()
    })
    if (!sendsExtInfo) sendNoExtInfo(protocol)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return { port: (server.address() as AddressInfo).port, asked }
}

type Inside = { _protocol: Protocol }
type Protocol = { serviceAccept(): void; _kex?: object }

/** As if the client had not said that it would understand it. */
function sendNoExtInfo(protocol: Protocol): void {
  let kex: object | undefined
  Object.defineProperty(protocol, '_kex', {
    get: () => kex,
    set: value => {
      kex = value && Object.defineProperty(value, 'remoteExtInfoEnabled', { get: () => false, set: () => {} })
    },
  })
}

function hasSigned(context: AuthContext): boolean {
  return context.method === 'publickey' && (context as PublicKeyAuthContext).signature !== undefined
}
