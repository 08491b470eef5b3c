import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseCertificates } from '../../src/deploy/certificates.ts'
import { readCertificates } from '../../src/shell/certificates.ts'
import { folderWith, write } from '../config/folder.ts'

/** A certificate for so many days, made by the system's openssl. */
function certificate(days: number): string {
  const words = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout /dev/null -subj /CN=x -days ${days}`
  return execFileSync('openssl', words.split(' '), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
}

test('of several certificates for a host the one that lasts longest counts, and a spoilt one does not', () => {
  const [short, long] = [certificate(1), certificate(90)]
  const folder = folderWith({})
  write(folder, {
    'acme/a.example.com/a.example.com.crt': `${long}${short}`,
    'local/a.example.com/a.example.com.crt': short,
    'acme/wildcard_.example.com/wildcard_.example.com.crt': short,
    'acme/b.example.com/b.example.com.crt': long.slice(0, 100),
  })
  write(folder, { 'own.pem': `${certificate(30)}-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----\n` })
  const hosts = ['A.example.com', '*.example.com', 'b.example.com', 'c.example.com'].map(host => ({ host }))
  const own = { host: 'd.example.com', file: join(folder, 'own.pem') }
  const script = String(readCertificates('docker', [...hosts, own])).replace('/data/caddy/certificates', folder)
  const docker = `docker() { shift 2; "$@"; }\n`
  const found = parseCertificates(execFileSync('sh', ['-c', docker + script], { encoding: 'utf8' }))
  const days = found.map(({ host, expires }) => [host, Math.round((Date.parse(expires) - Date.now()) / 86_400_000)])
  expect(days).toEqual([
    ['a.example.com', 90],
    ['*.example.com', 1],
    ['d.example.com', 30],
  ])
})
