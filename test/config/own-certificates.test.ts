import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { ownCertificates } from '../../src/config/own-certificates.ts'
import { InvalidConfig } from '../../src/config/problem.ts'
import { resolveSecrets } from '../../src/config/secrets.ts'
import { configOf } from './deploy-yml.ts'
import { folderWith } from './folder.ts'

/** A certificate and its key, made by the system's openssl. */
function pair(names: string): { certificate: string; key: string } {
  const folder = folderWith({})
  const words =
    'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=x -keyout key -out certificate'
  const more = ['-days', '30', '-addext', `subjectAltName=${names}`]
  execFileSync('openssl', [...words.split(' '), ...more], { cwd: folder, stdio: 'ignore' })
  const read = (name: string) => readFileSync(join(folder, name), 'utf8')
  return { certificate: read('certificate'), key: read('key') }
}

const one = pair('DNS:example.com,DNS:*.example.com')
const other = pair('DNS:example.com,DNS:*.example.com')

const config = configOf(`project: x
servers: {w: {host: a}}
services:
  web:
    image: x
    hosts: [w]
    proxy:
      app_port: 1
      hosts: [example.com, "*.example.com"]
      redirect_from: [www.example.com]
      ssl:
        certificate_pem: CERT
        private_key_pem: KEY
`)

async function certificatesFrom(environment: Record<string, string>) {
  const runCommand = () => Promise.reject(new Error('no command is run'))
  return ownCertificates(config, await resolveSecrets(config, config, { environment, runCommand }))
}

async function problemsWith(certificate: string, key: string): Promise<string[]> {
  const error = await certificatesFrom({ CERT: certificate, KEY: key }).catch((error: unknown) => error)
  if (!(error instanceof InvalidConfig)) throw error
  return error.problems.map(({ line, path, message, hint }) => `${line} ${path}: ${message}${hint ? ` (${hint})` : ''}`)
}

const at = {
  certificate: '12 services.web.proxy.ssl.certificate_pem',
  key: '13 services.web.proxy.ssl.private_key_pem',
}

test('a certificate and its key become one file, which has another name when the certificate is another', async () => {
  const files = await Promise.all(
    [one, other].map(async ({ certificate, key }) =>
      (await certificatesFrom({ CERT: certificate, KEY: key })).get('CERT'),
    ),
  )
  expect(files[0]?.pem.reveal()).toBe(one.certificate + one.key)
  expect(files[0]?.file).toMatch(/^[0-9a-f]{16}\.pem$/)
  expect(files[0]?.file).not.toBe(files[1]?.file)
  expect(String(files[0]?.pem)).toBe('[KEY]')
})

test('what cannot be served is said before anything is changed', async () => {
  expect(await problemsWith(one.certificate, other.key)).toEqual([
    `${at.key}: KEY is not the key of the certificate in CERT (a certificate and its key are renewed together)`,
  ])
  const elsewhere = pair('DNS:example.com,DNS:example.org')
  expect(await problemsWith(elsewhere.certificate, elsewhere.key)).toEqual([
    `${at.certificate}: the certificate in CERT is not for *.example.com, www.example.com (it is for example.com, example.org)`,
  ])
  expect(await problemsWith('hunter2', 'hunter2')).toEqual([
    `${at.certificate}: expected a certificate in PEM form`,
    `${at.key}: expected a private key in PEM form, without a passphrase`,
  ])
})

test.each<[string, number, RegExp]>([
  ['has run out', 31, /: the certificate was valid until \d{4}-\d\d-\d\d$/],
  ['is not valid yet', -1, /: the certificate is not valid before \d{4}-\d\d-\d\d$/],
])('one that %s is refused', async (_, days, message) => {
  vi.setSystemTime(Date.now() + days * 86_400_000)
  try {
    const [problem = ''] = await problemsWith(one.certificate, one.key)
    expect(problem).toContain(at.certificate)
    expect(problem).toMatch(message)
  } finally {
    vi.useRealTimers()
  }
})
