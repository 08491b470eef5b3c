import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer as createHttps } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createSecureContext } from 'node:tls'
import { afterAll, beforeAll } from 'vitest'
import { dialHere } from '../../src/registry/dial.ts'
import { type Client, createClient } from '../../src/registry/http.ts'
import type { Trust } from '../../src/registry/trust.ts'
import { folderWith } from '../config/folder.ts'

export type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** Of the servers of one file of tests. */
const made = { key: '', certificate: '' }
const servers: Server[] = []

beforeAll(() => Object.assign(made, makeCertificate('2')))
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

export function makeCertificate(
  days: string,
  names = 'DNS:localhost,IP:127.0.0.1',
): { key: string; certificate: string } {
  const folder = folderWith({})
  const words = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', days]
  const subject = ['-subj', '/CN=test', '-addext', `subjectAltName=${names}`]
  const files = ['-keyout', join(folder, 'key'), '-out', join(folder, 'certificate')]
  execFileSync('openssl', [...words, ...subject, ...files], { stdio: 'ignore' })
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

export function trusting(authorities: readonly string[]): Trust {
  return {
    own: async () => createSecureContext({ ca: [...authorities] }),
    whole: async () => undefined,
    check: async () => {},
  }
}

export function clientTrusting(authorities: readonly string[], signal?: AbortSignal, limit?: number): Client {
  return createClient({ dial: dialHere, trust: trusting(authorities), signal, ...(limit ? { limit } : {}) })
}
