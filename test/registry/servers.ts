import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer as createHttps } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createSecureContext } from 'node:tls'
import { afterAll, beforeAll } from 'vitest'
import { dialHere } from '../../src/registry/protocol/dial.ts'
import { type Client, createClient } from '../../src/registry/protocol/http.ts'
import type { Trust } from '../../src/registry/protocol/trust.ts'
import { folderWith } from '../config/folder.ts'

export type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** Of the servers of one file of tests. */
const made = { key: '', certificate: '' }
const servers: Server[] = []

beforeAll(() => Object.assign(made, makeCertificate()))
afterAll(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections?.()
    server.close()
  }
})

/** What these servers show, which is its own authority. */
export function certificate(): string {
  return made.certificate
}

/** From and to are years; without them it is valid now. */
export function makeCertificate({ names = 'DNS:localhost,IP:127.0.0.1', from = 0, to = 0 } = {}): typeof made {
  const folder = folderWith({
    'ca.cnf':
      '[ca]\ndefault_ca=x\n[x]\ndatabase=index\nrand_serial=yes\nnew_certs_dir=.\npolicy=p\ndefault_md=sha256\n[p]\ncommonName=supplied\n',
    ext: `subjectAltName=${names}\n`,
    index: '',
  })
  const openssl = (...words: string[]) => execFileSync('openssl', words, { cwd: folder, stdio: 'ignore' })
  const key = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-keyout',
    'key',
    '-subj',
    '/CN=test',
  ]
  if (from === 0)
    openssl('req', '-x509', ...key, '-days', '2', '-addext', `subjectAltName=${names}`, '-out', 'certificate')
  else {
    const time = ['-startdate', `${from}0101000000Z`, '-enddate', `${to}0101000000Z`]
    openssl('req', ...key, '-out', 'request')
    openssl(
      'ca',
      '-batch',
      '-selfsign',
      '-config',
      'ca.cnf',
      '-extfile',
      'ext',
      '-keyfile',
      'key',
      ...time,
      '-in',
      'request',
      '-out',
      'certificate',
      '-notext',
    )
  }
  const read = (name: string) => readFileSync(join(folder, name), 'utf8')
  return { key: read('key'), certificate: read('certificate') }
}

/** A registry on this machine that answers as it is told, and remembers who asked for what. */
export async function registry(handler: Handler, shown = made): Promise<{ host: string; asked: string[] }> {
  const asked: string[] = []
  const server = createHttps({ key: shown.key, cert: shown.certificate }, (request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization ?? '-'}`)
    handler(request, response)
  })
  return { host: await listen(server as unknown as Server), asked }
}

export async function listen(server: Server): Promise<string> {
  servers.push(server)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return `localhost:${(server.address() as AddressInfo).port}`
}

export function answer(
  response: ServerResponse,
  status: number,
  body: unknown = {},
  headers: Record<string, string> = {},
) {
  response.writeHead(status, headers)
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}

function trusting(authorities: readonly string[]): Trust {
  return {
    sets: [async () => createSecureContext({ ca: [...authorities] })],
    check: async () => {},
  }
}

export function clientTrusting(authorities: readonly string[], signal?: AbortSignal, limit?: number): Client {
  return createClient({ dial: dialHere, trust: trusting(authorities), signal, ...(limit ? { limit } : {}) })
}
